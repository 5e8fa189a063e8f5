"""An opt-out preference signal is one more action of the ledger. Revision 0008."""

from alembic import op

revision = "0008"
down_revision = "0009"
branch_labels = None
depends_on = None

_ACTION_BEFORE = (
    "action in ('granted', 'confirmed', 'denied', 'withdrawn', 'objected',"
    " 'suppressed', 'restricted', 'lifted', 'erased')"
)
ACTION = _ACTION_BEFORE.replace("'objected',", "'objected', 'opted_out',")
OPTED_OUT = "action <> 'opted_out' or (purpose = '*' and channel = '*')"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _write_the_table_anew()
        return
    op.drop_constraint(op.f("ck_consent_event_action"), "consent_event", type_="check")
    op.create_check_constraint(op.f("ck_consent_event_action"), "consent_event", ACTION)
    op.create_check_constraint(op.f("ck_consent_event_opted_out"), "consent_event", OPTED_OUT)


def _write_the_table_anew() -> None:
    # SQLite changes no constraint in place: the table as it was created, with the new ones. Index
    # and triggers go with the old table, so they come back as they were.
    connection = op.get_bind()
    statements: list[str] = [
        str(sql)
        for (sql,) in connection.exec_driver_sql(
            "select sql from sqlite_master where tbl_name = 'consent_event' and sql is not null"
            " order by type <> 'table', name"
        )
    ]
    created, belonging = statements[0], statements[1:]
    _, columns = created.split("(", 1)
    before = f"CHECK ({_ACTION_BEFORE})"
    if before not in columns:
        raise LookupError("consent_event was not made by revision 0002; restore its constraints")
    after = f"CHECK ({ACTION}), CONSTRAINT ck_consent_event_opted_out CHECK ({OPTED_OUT})"
    for statement in (
        f"create table consent_event_0008 ({columns.replace(before, after)}",
        "insert into consent_event_0008 select * from consent_event order by seq",
        "drop table consent_event",
        "alter table consent_event_0008 rename to consent_event",
        *belonging,
    ):
        connection.exec_driver_sql(statement)
