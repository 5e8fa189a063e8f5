"""Releases of the rules, which one is active, and the approvals that people gave."""

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

# One row per activation, rollbacks included; the highest seq is the active release.
release_pointer = Table(
    "release_pointer",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("release_id", Text, ForeignKey("release.id"), nullable=False),
    Column("activated_at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("note", Text),
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
