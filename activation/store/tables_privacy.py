"""What retention and erasure did: requests, their steps, the keyed suppressions, the reports."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, Text

from activation.store.metadata import Instant, metadata

_SEQ = BigInteger().with_variant(Integer, "sqlite")

# One row per request to erase a person. `subject_hash` is keyed (see activation.privacy.keyed).
# `receipt` is the signed note that remains.
erasure = Table(
    "erasure",
    metadata,
    Column("erasure_id", Text, primary_key=True),
    Column("subject_hash", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("requested_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("receipt", Text),
    CheckConstraint("state in ('open', 'complete')", name="state"),
    Index(None, "subject_hash"),
)

# One row per step of an erasure that is done; `detail` is JSON of counts, never of values.
erasure_step = Table(
    "erasure_step",
    metadata,
    Column("erasure_id", Text, primary_key=True),
    Column("step", Text, primary_key=True),
    Column("done_at", Instant, nullable=False),
    Column("detail", Text, nullable=False),
)

# One row per identifier of an erased person, as a keyed hash: rows that carry it are refused when
# they are loaded again. `key_id` names the key that it was hashed with.
erased_identifier = Table(
    "erased_identifier",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("erasure_id", Text, nullable=False),
    Column("erased_at", Instant, nullable=False),
)

# One row per run of retention; `report` is JSON: what went, by table, column and rule, in counts.
retention_run = Table(
    "retention_run",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("as_of", Instant, nullable=False),
    Column("report", Text, nullable=False),
)

# Empty outside a transaction that erases: its row lets the append-only triggers pass that
# transaction's erasure, and no other writer ever sees it.
privacy_permit = Table(
    "privacy_permit",
    metadata,
    Column("erasure_id", Text, primary_key=True),
)
