"""Context bundles that were refused to a node. Revision 0007."""

import sqlalchemy as sa
from alembic import op

from activation.store.append_only import trigger_statements
from activation.store.metadata import Instant

revision = "0007"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bundle_refusal",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("as_of", Instant(), nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("context", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "rule in ('unknown', 'purpose', 'region')", name=op.f("ck_bundle_refusal_rule")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_bundle_refusal")),
        sa.UniqueConstraint(
            "as_of",
            "release_id",
            "node",
            "field",
            name=op.f("uq_bundle_refusal_as_of_release_id_node_field"),
        ),
    )
    for statement in trigger_statements(op.get_bind().dialect.name, ("bundle_refusal",)):
        op.execute(statement)
