"""A value that was shared with an erased person stays shared: a kind of override. Revision 0009."""

import sqlalchemy as sa
from alembic import op

from activation.store.append_only import erasable_statements, trigger_statements
from activation.store.metadata import Instant

revision = "0009"
down_revision = "0002"
branch_labels = None
depends_on = None

KIND = (
    "(kind in ('block_value', 'keep_shared') and rule is not null and key_hash is not null)"
    " or (kind = 'detach' and record_key is not null)"
    " or (kind in ('never_link', 'always_link')"
    " and record_key is not null and other_record_key > record_key)"
    " or (kind = 'revoke' and revokes is not null)"
)
COLUMNS = (
    ("override_id", False),
    ("kind", False),
    ("rule", True),
    ("key_hash", True),
    ("record_key", True),
    ("other_record_key", True),
    ("revokes", True),
    ("author", False),
    ("reason", False),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _write_the_table_anew()
        return
    name = op.f("ck_identity_override_kind")
    op.drop_constraint(name, "identity_override", type_="check")
    op.create_check_constraint(name, "identity_override", KIND)


def _write_the_table_anew() -> None:
    # SQLite changes no constraint in place. The triggers go with the old table.
    op.create_table(
        "identity_override_0009",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=optional) for name, optional in COLUMNS),
        sa.Column("at", Instant(), nullable=False),
        sa.CheckConstraint(KIND, name=op.f("ck_identity_override_kind")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_identity_override")),
        sa.UniqueConstraint("override_id", name=op.f("uq_identity_override_override_id")),
    )
    names = ["seq", *(name for name, _ in COLUMNS), "at"]
    listed = ", ".join(names)
    op.execute(
        f"insert into identity_override_0009 ({listed}) "
        f"select {listed} from identity_override order by seq"
    )
    op.execute("drop table identity_override")
    op.execute("alter table identity_override_0009 rename to identity_override")
    for statement in (
        *trigger_statements("sqlite", ("identity_override",)),
        *erasable_statements("sqlite", {"identity_override": names}),
    ):
        op.execute(statement)
