"""The one module that opens the warehouse file.

DuckDB lets one process write; whoever comes second is refused at once. A run therefore opens the
file for as long as a step needs it, waits a little for another run to let go, and never mixes
read-only and read-write handles in one process (DuckDB refuses that too).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from activation.decisions.literals import text

LOCK_WAIT_SECONDS = 30.0
LOCK_POLL_SECONDS = 0.25
# Where rows were deleted DuckDB closes ranks with each checkpoint, in all tables: an increment over
# 3 % of 1M records left 10 CPU s of that to the next writer, whoever it was. `close_ranks` does it
# after a full build.
_AS_THEY_LIE = {"max_vacuum_tasks": 0}


class WarehouseBusyError(RuntimeError):
    """Another process held the warehouse for longer than a run waits."""


@contextmanager
def warehouse_transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """What is written within it is there as a whole or, when it fails, not at all."""
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


@contextmanager
def open_warehouse(
    path: Path,
    *,
    locked: bool = False,
    wait: float = LOCK_WAIT_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for writing, in UTC, and close it at the end.

    `locked` refuses SQL that reads files or the network: for rules that others write as data.
    Raises WarehouseBusyError when another process keeps the file locked for `wait` seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _connect(path, locked, wait, sleep)
    try:
        connection.execute("set timezone = 'UTC'")
        yield connection
    finally:
        connection.close()


@contextmanager
def world_beside(
    path: Path, *, wait: float = LOCK_WAIT_SECONDS, sleep: Callable[[float], None] = time.sleep
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A world in memory, in UTC, that reads the warehouse as the database `warehouse`.

    What is written stays in memory. Raises FileNotFoundError without a warehouse, and
    WarehouseBusyError while a run has it open.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no warehouse. Fix: `assent run` makes one.")
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        attach = f"attach {text(str(path))} as warehouse (read_only)"
        _patiently(lambda: connection.execute(attach), path, wait, sleep)
        yield connection


def _connect(
    path: Path, locked: bool, wait: float, sleep: Callable[[float], None]
) -> duckdb.DuckDBPyConnection:
    return _patiently(
        lambda: duckdb.connect(
            str(path), config={"enable_external_access": str(not locked).lower(), **_AS_THEY_LIE}
        ),
        path,
        wait,
        sleep,
    )


def _patiently(
    attempt: Callable[[], duckdb.DuckDBPyConnection],
    path: Path,
    wait: float,
    sleep: Callable[[float], None],
) -> duckdb.DuckDBPyConnection:
    polls = max(1, int(wait / LOCK_POLL_SECONDS))
    for _ in range(polls):
        try:
            return attempt()
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                raise
            sleep(LOCK_POLL_SECONDS)
    raise WarehouseBusyError(
        f"{path}: another process has the warehouse open. "
        "Close it (a run in progress, a notebook, the duckdb shell) and run again."
    )


def replace_table(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, rows: pa.Table
) -> None:
    """Write `rows` as the whole content of schema.table, in one statement."""
    connection.register("incoming_rows", rows)
    try:
        connection.execute(f"create schema if not exists {quote(schema)}")
        connection.execute(
            f"create or replace table {quote(schema)}.{quote(table)} as select * from incoming_rows"
        )
    finally:
        connection.unregister("incoming_rows")


def quote(identifier: str) -> str:
    """Quote one SQL identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def has_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether schema.table exists, as a table or a view."""
    found = connection.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?",
        [schema, table],
    ).fetchone()
    return found is not None


def close_ranks(connection: duckdb.DuckDBPyConnection) -> None:
    """Give back the room that deleted rows left in every table."""
    for setting in _AS_THEY_LIE:
        connection.execute(f"reset {setting}")
    # A checkpoint does nothing in a file that nobody wrote to.
    connection.execute("create or replace table closing_ranks as select 1 as n")
    connection.execute("drop table closing_ranks")
    connection.execute("checkpoint")
    for setting, value in _AS_THEY_LIE.items():
        connection.execute(f"set {setting} = {value}")


def copy_warehouse(path: Path, target: Path, *, wait: float = LOCK_WAIT_SECONDS) -> None:
    """Copy every table and view into a new file, which holds no byte of what was deleted.

    Raises WarehouseBusyError when another process keeps the file locked for `wait` seconds.
    """
    connection = _connect(path, False, wait, time.sleep)
    try:
        attached = str(target).replace("'", "''")
        connection.execute(f"attach '{attached}' as compacted")
        connection.execute(f"copy from database {quote(path.stem)} to compacted")
        connection.execute("detach compacted")
    finally:
        connection.close()
