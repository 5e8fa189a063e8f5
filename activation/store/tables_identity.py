"""The logged map from source records to persons."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, Text

from activation.store.metadata import Instant, metadata

_SEQ = BigInteger().with_variant(Integer, "sqlite")

# One row per change of one record's person: null old = first seen, null new = record gone.
# Replaying the rows in order of seq gives identity_map.
identity_change = Table(
    "identity_change",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=False),
    Column("change_id", Text, nullable=False, unique=True),
    Column("record_key", Text, nullable=False),
    Column("old_person_id", Text),
    Column("new_person_id", Text),
    Column("cause", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Index(None, "record_key"),
)

# One row per record that names a person today. Derived from identity_change; rewritable.
identity_map = Table(
    "identity_map",
    metadata,
    Column("record_key", Text, primary_key=True),
    Column("person_id", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Index(None, "person_id"),
)

# One row per decision of a person about who is who, or the revocation of one. A blocked value is
# kept as the keyed hash of its rule and value, and `key_id` tells the key: a broker's mailbox is an
# address of somebody.
identity_override = Table(
    "identity_override",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("override_id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("rule", Text),
    Column("key_hash", Text),
    Column("record_key", Text),
    Column("other_record_key", Text),
    Column("revokes", Text),
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("key_id", Text),
    CheckConstraint(
        "(kind in ('block_value', 'keep_shared') and rule is not null and key_hash is not null)"
        " or (kind = 'detach' and record_key is not null)"
        " or (kind in ('never_link', 'always_link')"
        " and record_key is not null and other_record_key > record_key)"
        " or (kind = 'revoke' and revokes is not null)",
        name="kind",
    ),
)
