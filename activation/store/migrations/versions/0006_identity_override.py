"""Overrides of identity: what a person decided about who is who. Revision 0006."""

import sqlalchemy as sa
from alembic import op

from activation.store.append_only import trigger_statements
from activation.store.metadata import Instant

revision = "0006"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identity_override",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("override_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("key_hash", sa.Text(), nullable=True),
        sa.Column("record_key", sa.Text(), nullable=True),
        sa.Column("other_record_key", sa.Text(), nullable=True),
        sa.Column("revokes", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'block_value' and rule is not null and key_hash is not null)"
            " or (kind = 'detach' and record_key is not null)"
            " or (kind in ('never_link', 'always_link')"
            " and record_key is not null and other_record_key > record_key)"
            " or (kind = 'revoke' and revokes is not null)",
            name=op.f("ck_identity_override_kind"),
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_identity_override")),
        sa.UniqueConstraint("override_id", name=op.f("uq_identity_override_override_id")),
    )
    for statement in trigger_statements(op.get_bind().dialect.name, ("identity_override",)):
        op.execute(statement)
