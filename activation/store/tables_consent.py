"""The consent ledger: every event ever recorded, in a chain of hashes, and the chain's head."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, Text

from activation.store.metadata import Instant, metadata

_SEQ = BigInteger().with_variant(Integer, "sqlite")

# One row per consent event. `seq` has no gaps: it is taken from the head inside the transaction
# that appends, so the order of seq is the order of commits. The chain covers a commitment to the
# identifier, sha256 over nonce, type and identifier, and not the identifier itself: an erasure may
# later remove nonce and identifier while the chain still verifies.
consent_event = Table(
    "consent_event",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=False),
    Column("event_id", Text, nullable=False, unique=True),
    Column("identifier_type", Text, nullable=False),
    Column("identifier", Text, nullable=False),
    Column("identifier_nonce", Text, nullable=False),
    Column("identifier_commitment", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("jurisdiction", Text),
    Column("lawful_basis", Text),
    Column("notice_version", Text),
    Column("source", Text, nullable=False),
    Column("evidence", Text),
    Column("occurred_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    CheckConstraint(
        "action in ('granted', 'confirmed', 'denied', 'withdrawn', 'objected',"
        " 'opted_out', 'suppressed', 'restricted', 'lifted', 'erased')",
        name="action",
    ),
    CheckConstraint(
        "action <> 'lifted' or (purpose = '*' and channel = '*')",
        name="lifted",
    ),
    CheckConstraint(
        "action <> 'opted_out' or (purpose = '*' and channel = '*')",
        name="opted_out",
    ),
    # `*` may restrict, never permit.
    CheckConstraint(
        "action not in ('granted', 'confirmed') or (purpose <> '*' and channel <> '*')",
        name="wildcard",
    ),
    Index(None, "identifier_type", "identifier"),
)

# One row: the last event's seq and hash. Every append locks and updates it; a sync that records an
# intent takes it FOR SHARE (PostgreSQL) or holds the write lock (SQLite), so an intent and a
# withdrawal are always ordered.
ledger_head = Table(
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
