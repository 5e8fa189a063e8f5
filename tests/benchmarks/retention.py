"""What retention costs over millions of landed rows, and that nothing over-age is left.

    python -m tests.benchmarks.retention [rows]

The baseline copies the rows that may stay into a new table, cells cut, in one statement: what a
rebuild of the table would cost. Prints CPU seconds of each; the goal is 10 for 5M rows.
"""

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from expectations.policy.retention import RetentionRule
from orchestration.landing.expiry import count_over_age, moment, over_age, purge_landing
from orchestration.landing.tables import create_tables

ROWS = 5_000_000
GOAL_SECONDS = 10.0
AS_OF = datetime(2026, 11, 20, tzinfo=UTC)
RULE = RetentionRule("landing.events", "occurred_at", 730, (("comment", 365), ("device", 90)))


def fill(connection: duckdb.DuckDBPyConnection, rows: int) -> None:
    """Rows of the last three years, evenly, over 100 files."""
    create_tables(connection, ())
    connection.execute(
        f"create table landing.events as select 'e' || i as event_id, "
        f"{moment(AS_OF)} - to_seconds(i % 94608000) as occurred_at, "
        "'words about ' || i as comment, 'd' || (i % 100000) as device, "
        "'file-' || (i % 100) as _file, 'digest-' || (i % 100) as _digest, i as _line, "
        f"{moment(AS_OF)} as _loaded_at from range(0, {rows} * 19, 19) as t(i)"
    )
    connection.execute(
        "insert into landing.load_audit (file, digest, status, rows_in, rows_accepted, "
        "rows_quarantined, loaded_at, revision) select _file, _digest, 'loaded', count(*), "
        "count(*), 0, max(_loaded_at), 0 from landing.events group by all"
    )
    connection.execute("checkpoint")


def rebuilt(connection: duckdb.DuckDBPyConnection) -> None:
    """The baseline: what may stay, in a new table."""
    now = moment(AS_OF)
    cells = ", ".join(
        f"case when not {over_age(RULE, days, now)} then {name} end as {name}"
        for name, days in RULE.cell_days
    )
    connection.execute(
        f"create table kept as select * replace ({cells}) from landing.events "
        f"where not {over_age(RULE, RULE.row_days or 0, now)}"
    )
    connection.execute("checkpoint")
    connection.execute("drop table kept")


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as directory:
        settings = {"memory_limit": "3GB", "temp_directory": f"{directory}/spill"}
        connection = duckdb.connect(str(Path(directory) / "warehouse.duckdb"), config=settings)
        connection.execute("set timezone = 'UTC'")
        fill(connection, rows)
        before = count_over_age(connection, RULE, AS_OF)
        begun = time.process_time()
        rebuilt(connection)
        least = time.process_time() - begun
        begun = time.process_time()
        connection.begin()
        gone = purge_landing(connection, RULE, "events", AS_OF)
        connection.commit()
        connection.execute("checkpoint")
        seconds = time.process_time() - begun
        left = count_over_age(connection, RULE, AS_OF)
        ((unbalanced,),) = connection.execute(
            "select count(*) from landing.load_audit where rows_in <> rows_accepted + rows_expired"
        ).fetchall()
        connection.close()
    print(f"{rows:,} rows, {before:,} over-age cells and rows before")
    print(f"retention  {seconds:6.2f} s CPU (goal {GOAL_SECONDS * rows / ROWS:.2f})")
    print(f"rebuild    {least:6.2f} s CPU; ratio {seconds / least:.2f}")
    removed = ", ".join(f"{one.column or 'rows'}: {one.count:,}" for one in gone)
    print(f"removed    {removed}")
    print(f"over-age cells after: {left} (goal 0); files whose counts don't add up: {unbalanced}")


if __name__ == "__main__":
    main()
