"""Bundles, signatures, reviews, canaries and halts of releases; releases only grow.

Revision 0004, after 0005.
"""

import sqlalchemy as sa
from alembic import op

from activation.store.append_only import trigger_statements
from activation.store.metadata import Instant

revision = "0004"
down_revision = "0005"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "release",
    "release_file",
    "release_signature",
    "release_review",
    "release_canary",
    "node_halt",
)


def upgrade() -> None:
    op.create_table(
        "node_halt",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.CheckConstraint("state in ('halted', 'resumed')", name=op.f("ck_node_halt_state")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_node_halt")),
    )
    op.create_index(op.f("ix_node_halt_node"), "node_halt", ["node"], unique=False)
    op.create_table(
        "release_file",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_release_file")),
    )
    op.create_table(
        "release_canary",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column(
            "pointer_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("buckets", sa.Integer(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.CheckConstraint("buckets between 0 and 10000", name=op.f("ck_release_canary_buckets")),
        sa.ForeignKeyConstraint(
            ["pointer_seq"],
            ["release_pointer.seq"],
            name=op.f("fk_release_canary_pointer_seq_release_pointer"),
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_release_canary_release_id_release")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_release_canary")),
    )
    op.create_table(
        "release_review",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_release_review_release_id_release")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_release_review")),
    )
    op.create_index(
        op.f("ix_release_review_release_id"), "release_review", ["release_id"], unique=False
    )
    op.create_table(
        "release_signature",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_release_signature_release_id_release")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_release_signature")),
    )
    op.create_index(
        op.f("ix_release_signature_release_id"), "release_signature", ["release_id"], unique=False
    )
    op.add_column("release_pointer", sa.Column("kind", sa.Text(), nullable=True))
    for statement in trigger_statements(op.get_bind().dialect.name, APPEND_ONLY):
        op.execute(statement)
