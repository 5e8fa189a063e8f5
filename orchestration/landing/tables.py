"""Tables of the landing schema: one per announced entity, the audit and the quarantine."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import duckdb

from orchestration.landing.contract import ContractError, EntityContract
from orchestration.warehouse import quote

QUARANTINE_RETENTION = timedelta(days=30)

LOADED_AT = "_loaded_at"

METADATA_COLUMNS = {
    "_file": "varchar",
    "_file_rank": "varchar",
    "_line": "bigint",
    "_digest": "varchar",
    LOADED_AT: "timestamptz",
}

# grain: one row per file name and content seen. `contract` and `revision` are the loader's own:
# the rules the file was judged by, and how many contents the same name had before. Rows that were
# accepted and have since gone are counted as expired or erased: rows_accepted are there today.
_LOAD_AUDIT = """
create table if not exists landing.load_audit (
    file varchar not null,
    digest varchar,
    system varchar,
    entity varchar,
    status varchar not null,
    rows_in bigint not null,
    rows_accepted bigint not null,
    rows_quarantined bigint not null,
    rows_expired bigint not null default 0,
    rows_erased bigint not null default 0,
    unannounced_columns varchar,
    message varchar,
    loaded_at timestamptz not null,
    contract varchar,
    revision integer not null
)
"""

# grain: one row per record that was not accepted; raw is personal data and ends with expires_at.
_QUARANTINE = """
create table if not exists landing.quarantine (
    file varchar not null,
    digest varchar not null,
    line bigint not null,
    system varchar not null,
    entity varchar not null,
    field varchar,
    reason varchar not null,
    detail varchar not null,
    raw varchar not null,
    loaded_at timestamptz not null,
    expires_at timestamptz not null
)
"""


def landing_table(contract: EntityContract) -> str:
    """Qualified SQL name of an entity's table."""
    return f"landing.{quote(contract.table)}"


def create_tables(
    connection: duckdb.DuckDBPyConnection, contracts: Iterable[EntityContract]
) -> None:
    """Create what is missing; a newly announced column is added, null in the rows of before.

    Raises ContractError where an announced type differs from that of the table.
    """
    connection.execute("create schema if not exists landing")
    connection.execute(_LOAD_AUDIT)
    for counter in ("rows_expired", "rows_erased"):  # a warehouse of an earlier version lacks them
        connection.execute(
            f"alter table landing.load_audit add column if not exists {counter} bigint default 0"
        )
    connection.execute(_QUARANTINE)
    for contract in contracts:
        _create_landing_table(connection, contract)


def expire_quarantine(connection: duckdb.DuckDBPyConnection, now: datetime) -> tuple[int, int]:
    """Delete quarantined rows whose time is over; returns the days they have, and how many went."""
    row = connection.execute(
        "delete from landing.quarantine where expires_at <= ?", [now]
    ).fetchone()
    return QUARANTINE_RETENTION.days, int(row[0]) if row else 0


def _create_landing_table(connection: duckdb.DuckDBPyConnection, contract: EntityContract) -> None:
    announced = {column.name: column.data_type for column in contract.columns} | METADATA_COLUMNS
    declared = ", ".join(f"{quote(name)} {kind}" for name, kind in announced.items())
    connection.execute(f"create table if not exists {landing_table(contract)} ({declared})")
    present = dict(
        connection.execute(
            "select column_name, data_type from duckdb_columns() "
            "where database_name = current_database() "
            "and schema_name = 'landing' and table_name = ?",
            [contract.table],
        ).fetchall()
    )
    for name, kind in announced.items():
        if name not in present:
            connection.execute(
                f"alter table {landing_table(contract)} add column {quote(name)} {kind}"
            )
        elif present[name] != _canonical(connection, kind):
            raise ContractError(
                f"landing.{contract.table}: column {name} is announced as {kind} but stored as "
                f"{present[name].lower()}; restore the type, or delete the warehouse and run again"
            )


def _canonical(connection: duckdb.DuckDBPyConnection, kind: str) -> str:
    row = connection.execute(f"select typeof(cast(null as {kind}))").fetchone()
    return str(row[0]) if row else kind
