"""Every table of the store, the ledger's empty head, and the append-only triggers.

Revision 0001, the first.
"""

import sqlalchemy as sa
from alembic import op

from activation.store.append_only import trigger_statements
from activation.store.metadata import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("consent_event", "identity_change", "release_pointer", "approval", "sync_outcome")


def upgrade() -> None:
    op.create_table(
        "approval",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.CheckConstraint("verdict in ('granted', 'refused')", name=op.f("ck_approval_verdict")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_approval")),
    )
    op.create_index(
        op.f("ix_approval_node_subject_id_person_id"),
        "approval",
        ["node", "subject_id", "person_id"],
        unique=False,
    )
    op.create_table(
        "consent_event",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("identifier_type", sa.Text(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("identifier_nonce", sa.Text(), nullable=False),
        sa.Column("identifier_commitment", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("jurisdiction", sa.Text(), nullable=True),
        sa.Column("lawful_basis", sa.Text(), nullable=True),
        sa.Column("notice_version", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("occurred_at", Instant(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "action in ('granted', 'confirmed', 'denied', 'withdrawn', 'objected',"
            " 'suppressed', 'restricted', 'erased')",
            name=op.f("ck_consent_event_action"),
        ),
        sa.CheckConstraint(
            "action not in ('granted', 'confirmed') or (purpose <> '*' and channel <> '*')",
            name=op.f("ck_consent_event_wildcard"),
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_consent_event")),
        sa.UniqueConstraint("event_id", name=op.f("uq_consent_event_event_id")),
    )
    op.create_index(
        op.f("ix_consent_event_identifier_type_identifier"),
        "consent_event",
        ["identifier_type", "identifier"],
        unique=False,
    )
    op.create_table(
        "identity_change",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("change_id", sa.Text(), nullable=False),
        sa.Column("record_key", sa.Text(), nullable=False),
        sa.Column("old_person_id", sa.Text(), nullable=True),
        sa.Column("new_person_id", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_identity_change")),
        sa.UniqueConstraint("change_id", name=op.f("uq_identity_change_change_id")),
    )
    op.create_index(
        op.f("ix_identity_change_record_key"), "identity_change", ["record_key"], unique=False
    )
    op.create_table(
        "identity_map",
        sa.Column("record_key", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("record_key", name=op.f("pk_identity_map")),
    )
    op.create_index(op.f("ix_identity_map_person_id"), "identity_map", ["person_id"], unique=False)
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_ledger_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_head")),
    )
    op.create_table(
        "release",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("manifest", sa.JSON(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
        sa.UniqueConstraint("digest", name=op.f("uq_release_digest")),
    )
    op.create_table(
        "sync_intent",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("batch_number", sa.Integer(), nullable=False),
        sa.Column("op", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("row_hash", sa.Text(), nullable=True),
        sa.Column("address_hash", sa.Text(), nullable=True),
        sa.Column("address_sent", sa.Text(), nullable=True),
        sa.Column("ledger_seq", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.CheckConstraint(
            "op in ('add', 'update', 'remove', 'send')", name=op.f("ck_sync_intent_op")
        ),
        sa.CheckConstraint("state in ('open', 'settled')", name=op.f("ck_sync_intent_state")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_sync_intent")),
    )
    op.create_index(
        op.f("ix_sync_intent_decision_id"), "sync_intent", ["decision_id"], unique=False
    )
    op.create_index(
        "ix_sync_intent_open",
        "sync_intent",
        ["sync"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        op.f("ix_sync_intent_sync_recorded_at"),
        "sync_intent",
        ["sync", "recorded_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_sync_intent_sync_row_key"), "sync_intent", ["sync", "row_key"], unique=False
    )
    op.create_table(
        "sync_state",
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("row_hash", sa.Text(), nullable=True),
        sa.Column("uncertain", sa.Boolean(), nullable=False),
        sa.Column("parked_hash", sa.Text(), nullable=True),
        sa.Column("address_hash", sa.Text(), nullable=True),
        sa.Column("address_sent", sa.Text(), nullable=True),
        sa.Column("acked_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("sync", "row_key", name=op.f("pk_sync_state")),
    )
    op.create_index(op.f("ix_sync_state_person_id"), "sync_state", ["person_id"], unique=False)
    op.create_index(
        op.f("ix_sync_state_sync_address_hash"),
        "sync_state",
        ["sync", "address_hash"],
        unique=False,
    )
    op.create_table(
        "sync_withheld",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ledger_seq", sa.BigInteger(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_sync_withheld")),
    )
    op.create_index(
        op.f("ix_sync_withheld_decision_id"), "sync_withheld", ["decision_id"], unique=False
    )
    op.create_table(
        "release_pointer",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("activated_at", Instant(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_release_pointer_release_id_release")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_release_pointer")),
    )
    op.create_table(
        "sync_outcome",
        sa.Column(
            "intent_seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("class", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.CheckConstraint(
            "outcome in ('accepted', 'rejected', 'in_doubt')", name=op.f("ck_sync_outcome_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["intent_seq"], ["sync_intent.seq"], name=op.f("fk_sync_outcome_intent_seq_sync_intent")
        ),
        sa.PrimaryKeyConstraint("intent_seq", name=op.f("pk_sync_outcome")),
    )
    op.execute(f"insert into ledger_head (id, seq, hash) values (1, 0, '{'0' * 64}')")
    for statement in trigger_statements(op.get_bind().dialect.name, APPEND_ONLY):
        op.execute(statement)
