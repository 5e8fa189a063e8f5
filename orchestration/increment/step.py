"""The two halves of an increment over an open warehouse, and what a full build must note down."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import duckdb

from orchestration.increment import persons, records, scope, state
from orchestration.increment.models import DATABASE, Models, create_schemas
from orchestration.increment.scope import WORK
from orchestration.warehouse import warehouse_transaction

# Above this share of the records one full build is cheaper than their scope and the replacing.
LARGEST_SHARE = 0.3
# A commit above the threshold goes into the tables at once, not to the log first and then to them:
# 3 of 23 CPU s when 3 % of 1M records had changed. Choosing among the ways to compress texts cost
# most of the rest of writing.
_WRITING = {
    "checkpoint_threshold": "1MB",
    "disabled_compression_methods": "fsst,dict_fsst,zstd",
}


def update_records(
    connection: duckdb.DuckDBPyConnection,
    models: Models,
    digest: str,
    as_of: datetime,
    largest_share: float = LARGEST_SHARE,
) -> int | None:
    """Where state.can_increment, bring the first half up to date with staging and the overrides;
    return how many records were solved anew, or None, with nothing changed, when so many would be
    that a full build is called for."""
    with _increment(connection):
        changed, all_records = scope.find_changed(connection, models)
        if changed > largest_share * all_records or _device_was_decided(connection):
            return None
        count = scope.find_scope(connection, models)
        if count > largest_share * all_records:
            return None
        records.solve(connection, models)
        records.publish(connection, digest, as_of)
    return count


def update_persons(
    connection: duckdb.DuckDBPyConnection, models: Models, as_of: datetime
) -> int | None:
    """Bring the second half up to date, after the scores; return how many records it looked at, or
    None, with nothing changed, when the first half was not an increment of this run."""
    if state.current(connection) != state.Stage(state.RECORDS, as_of, is_increment=True):
        return None
    with _increment(connection):
        count = persons.find_scope(connection)
        persons.solve(connection, models)
        persons.write_persons(connection)
        with warehouse_transaction(connection):
            persons.publish(connection)
            state.advance(connection, state.RECORDS, state.PERSONS, as_of)
    return count


def remember_records(
    connection: duckdb.DuckDBPyConnection, models: Models, as_of: datetime
) -> None:
    """After a full build of the first half: note down what it was built from."""
    with _increment(connection):
        scope.write_content(connection, models)
        with warehouse_transaction(connection):
            connection.execute(f"insert into identity_state.record select * from {WORK}.content")
            connection.execute(
                "insert into identity_state.override select * from store.identity_override"
            )
            state.advance(connection, state.BUILDING, state.RECORDS, as_of)


@contextmanager
def _increment(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    create_schemas(connection, ("work", "staging", "store", "identity"))
    connection.execute(f"create table {DATABASE}.store.hash_key as from store.hash_key")
    for setting, value in _WRITING.items():
        connection.execute(f"set {setting} = '{value}'")
    try:
        yield
    finally:
        connection.execute(f"detach {DATABASE}")
        connection.execute("checkpoint")
        for setting in _WRITING:
            connection.execute(f"reset {setting}")


def _device_was_decided(connection: duckdb.DuckDBPyConnection) -> bool:
    """Only an erasure does that, and who has a device is not kept as a key."""
    found = connection.execute(
        f"select 1 from {WORK}.override_changed where rule = 'device_id' limit 1"
    ).fetchone()
    return found is not None
