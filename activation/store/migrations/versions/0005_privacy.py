"""Erasures, keyed suppressions, retention reports, and the way an erasure takes past the triggers.

Revision 0005.
"""

import sqlalchemy as sa
from alembic import op

from activation.store.append_only import erasable_statements
from activation.store.metadata import Instant

revision = "0005"
down_revision = "0006"
branch_labels = None
depends_on = None

# All columns of the tables as they are at this revision.
COLUMNS = {
    "consent_event": (
        "seq",
        "event_id",
        "identifier_type",
        "identifier",
        "identifier_nonce",
        "identifier_commitment",
        "purpose",
        "channel",
        "action",
        "jurisdiction",
        "lawful_basis",
        "notice_version",
        "source",
        "evidence",
        "occurred_at",
        "recorded_at",
        "expires_at",
        "prev_hash",
        "hash",
    ),
    "identity_change": (),
    "identity_override": (),
    "approval": (),
    "sync_outcome": (),
}


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("erasure_id", sa.Text(), nullable=False),
        sa.Column("subject_hash", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("requested_at", Instant(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.CheckConstraint("state in ('open', 'complete')", name=op.f("ck_erasure_state")),
        sa.PrimaryKeyConstraint("erasure_id", name=op.f("pk_erasure")),
    )
    op.create_index(op.f("ix_erasure_subject_hash"), "erasure", ["subject_hash"], unique=False)
    op.create_table(
        "erasure_step",
        sa.Column("erasure_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("done_at", Instant(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("erasure_id", "step", name=op.f("pk_erasure_step")),
    )
    op.create_table(
        "erased_identifier",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("erasure_id", sa.Text(), nullable=False),
        sa.Column("erased_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_erased_identifier")),
    )
    op.create_table(
        "retention_run",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("as_of", Instant(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_retention_run")),
    )
    op.create_table(
        "privacy_permit",
        sa.Column("erasure_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("erasure_id", name=op.f("pk_privacy_permit")),
    )
    for statement in erasable_statements(op.get_bind().dialect.name, COLUMNS):
        op.execute(statement)
