"""What the syncs intend, what became of it, and what each destination has acknowledged.

`sync` in these tables is what a sync keeps up to date, `<destination>/<object>`, not the name of
the declaration: renaming a declaration must not send everything again. A `row_key` is the canonical
JSON array of the key's values. Payload values are never stored.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from activation.store.metadata import Instant, metadata

_SEQ = BigInteger().with_variant(Integer, "sqlite")

# One row per attempt to deliver one row, written in the transaction that asked the ledger, before
# the request. `intent_id` is the delivery id that the destination sees; attempts at the same
# content share it. `ledger_seq` is the ledger's head at that moment: no restricting event of this
# person with a seq up to it existed that the decision had not seen. An open intent without an
# outcome is what a killed run leaves behind.
sync_intent = Table(
    "sync_intent",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("intent_id", Text, nullable=False),
    Column("sync", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("batch", Text, nullable=False),
    Column("batch_number", Integer, nullable=False),
    Column("op", Text, nullable=False),
    Column("row_key", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("decision_id", Text),
    Column("purpose", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("row_hash", Text),
    Column("address_hash", Text),
    # Emptied when the intent is settled.
    Column("address_sent", Text),
    Column("ledger_seq", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    CheckConstraint("op in ('add', 'update', 'remove', 'send')", name="op"),
    CheckConstraint("state in ('open', 'settled')", name="state"),
    Index(None, "sync", "row_key"),
    Index(None, "sync", "recorded_at"),
    Index(None, "decision_id"),
    Index(
        "ix_sync_intent_open",
        "sync",
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)

# One row per settled attempt, written after the request. `class` is the error class of what was
# not accepted; `detail` is a code, never text from the destination.
sync_outcome = Table(
    "sync_outcome",
    metadata,
    Column(
        "intent_seq", _SEQ, ForeignKey("sync_intent.seq"), primary_key=True, autoincrement=False
    ),
    Column("intent_id", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("class", Text),
    Column("detail", Text),
    Column("at", Instant, nullable=False),
    CheckConstraint("outcome in ('accepted', 'rejected', 'in_doubt')", name="outcome"),
)

# One row per row that the ledger held back at the moment of sending, per run. No intent exists.
sync_withheld = Table(
    "sync_withheld",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("sync", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("row_key", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("decision_id", Text),
    Column("reason", Text, nullable=False),
    Column("ledger_seq", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "decision_id"),
)

# One row per sync and key that the destination holds or may hold, or that it refused for good.
# `row_hash`: what it last acknowledged (null: nothing yet). `uncertain`: something was sent since
# without an answer, so it may hold that, or no longer hold the row. `parked_hash`: content it
# refused for good. `address_hash`: SHA-256 of the address as sent, for connectors whose removals
# need it; `address_sent`: the address itself, only for connectors that declare that they know a
# member by nothing else. A row goes when its removal is acknowledged.
sync_state = Table(
    "sync_state",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("row_key", Text, primary_key=True),
    Column("person_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("row_hash", Text),
    Column("uncertain", Boolean, nullable=False),
    Column("parked_hash", Text),
    Column("address_hash", Text),
    Column("address_sent", Text),
    Column("acked_at", Instant),
    Index(None, "person_id"),
    Index(None, "sync", "address_hash"),
)
