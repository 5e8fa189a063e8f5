"""Releases of the rules, which one is active, what is halted, the approvals people gave,
and the context bundles that were refused.

Every table here only grows; what holds now is what the row with the highest seq says.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from activation.store.metadata import Instant, metadata

_SEQ = BigInteger().with_variant(Integer, "sqlite")

# One row per content-addressed release; its id is a digest of its manifest.
release = Table(
    "release",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("manifest", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
)

# One row per distinct content of a file of a release's bundle; `digest` is its SHA-256.
release_file = Table(
    "release_file",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("content", Text, nullable=False),
)

# One row per signature over a release's manifest: a C2SP signed note. `actor` is who built it.
release_signature = Table(
    "release_signature",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("release_id", Text, ForeignKey("release.id"), nullable=False),
    Column("note", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "release_id"),
)

# One row per person who says that a release may be activated (the second pair of eyes).
release_review = Table(
    "release_review",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("release_id", Text, ForeignKey("release.id"), nullable=False),
    Column("actor", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "release_id"),
)

# One row per activation and rollback; the highest seq is the active release.
release_pointer = Table(
    "release_pointer",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("release_id", Text, ForeignKey("release.id"), nullable=False),
    Column("activated_at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("note", Text),
    # activate or rollback; null in rows from before rollbacks were told apart.
    Column("kind", Text),
)

# One row per change of a canary: persons whose bucket is below `buckets` (of 10,000) decide under
# the release. The highest seq counts; 0 buckets end it, and so does any later pointer: it holds
# only as long as `pointer_seq` is the newest of release_pointer.
release_canary = Table(
    "release_canary",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("release_id", Text, ForeignKey("release.id"), nullable=False),
    Column("pointer_seq", _SEQ, ForeignKey("release_pointer.seq"), nullable=False),
    Column("buckets", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("buckets between 0 and 10000", name="buckets"),
)

# One row per halt or resumption of a journey node; the highest seq of a node counts.
node_halt = Table(
    "node_halt",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("node", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("state in ('halted', 'resumed')", name="state"),
    Index(None, "node"),
)

# One row per verdict of a person about one candidate; the highest seq of a candidate counts.
approval = Table(
    "approval",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("node", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("verdict in ('granted', 'refused')", name="verdict"),
    Index(None, "node", "subject_id", "person_id"),
)

# One row per column that a node of a release asked for and did not get, at a run's time: its bundle
# was refused, and it decided nothing. Names of columns and rules, never a value.
bundle_refusal = Table(
    "bundle_refusal",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("as_of", Instant, nullable=False),
    Column("release_id", Text, nullable=False),
    Column("node", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint("rule in ('unknown', 'purpose', 'region')", name="rule"),
    UniqueConstraint("as_of", "release_id", "node", "field"),
)
