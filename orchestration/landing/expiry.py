"""Retention over landing tables: what is over-age is not loaded, and what has become so goes.

Age counts from the row's event time; where that is null, from when the row was loaded.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from expectations.policy.retention import RetentionRule
from orchestration.landing.tables import LOADED_AT
from orchestration.warehouse import quote


@dataclass(frozen=True)
class Expired:
    """What retention removed: whole rows where `column` is None, else cells of the column."""

    relation: str
    column: str | None
    days: int
    count: int


def over_age(rule: RetentionRule, days: int, now: str, *, loaded: str | None = None) -> str:
    """SQL: whether a row is `days` old at `now`; null or false where its event time is unknown."""
    since = f"cast({quote(rule.event_time)} as timestamptz)"
    counted = f"coalesce({since}, {loaded})" if loaded else since
    return f"{counted} <= {now} - interval {int(days)} day"


def moment(instant: datetime) -> str:
    """An instant as SQL."""
    return f"timestamptz '{instant.astimezone(UTC).isoformat()}'"


def purge_landing(
    connection: duckdb.DuckDBPyConnection, rule: RetentionRule, table: str, as_of: datetime
) -> list[Expired]:
    """Remove what is over-age at `as_of` from one landing table, and move its counts in the audit.

    Takes part in the caller's transaction. `table` is the table's name without its schema.
    """
    name = f"landing.{quote(table)}"
    now = moment(as_of)
    gone = []
    if rule.row_days is not None:
        condition = over_age(rule, rule.row_days, now, loaded=LOADED_AT)
        count = remove_rows(connection, name, condition, "rows_expired")
        gone.append(Expired(rule.relation, None, rule.row_days, count))
    for column, days in rule.cell_days:
        condition = over_age(rule, days, now, loaded=LOADED_AT)
        count = _number(
            connection,
            f"update {name} set {quote(column)} = null "
            f"where {quote(column)} is not null and {condition}",
        )
        gone.append(Expired(rule.relation, column, days, count))
    return gone


def remove_rows(
    connection: duckdb.DuckDBPyConnection, table: str, condition: str, counter: str
) -> int:
    """Delete rows of a landing table, counted in the audit as `counter` instead of as accepted."""
    connection.execute(
        f"update landing.load_audit set rows_accepted = rows_accepted - gone.rows, "
        f"{counter} = {counter} + gone.rows from (select _file, _digest, count(*) as rows "
        f"from {table} where {condition} group by all) as gone "
        "where load_audit.file = gone._file and load_audit.digest = gone._digest"
    )
    return _number(connection, f"delete from {table} where {condition}")


def count_over_age(
    connection: duckdb.DuckDBPyConnection, rule: RetentionRule, as_of: datetime
) -> int:
    """Cells of a table or view that are older than the rule allows and are still there."""
    now = moment(as_of)
    schema, table = rule.relation.split(".")
    parts = [
        f"count({quote(column)}) filter (where {over_age(rule, days, now)})"
        for column, days in rule.cell_days
    ]
    if rule.row_days is not None:
        parts.append(f"count(*) filter (where {over_age(rule, rule.row_days, now)})")
    return _number(connection, f"select {' + '.join(parts)} from {quote(schema)}.{quote(table)}")


def _number(connection: duckdb.DuckDBPyConnection, statement: str) -> int:
    row = connection.execute(statement).fetchone()
    return int(row[0]) if row else 0
