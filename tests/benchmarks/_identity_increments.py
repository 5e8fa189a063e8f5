"""Increments of identity over the warehouse of the cost benchmark."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import duckdb

from orchestration.increment import persons, records, state, step
from orchestration.increment.models import Models
from tests.dbt.builder import AS_OF

DIGEST = "of this benchmark"
_TABLES = {
    "stg_crm__contacts": "email",
    "stg_policy__policyholders": "phone_e164",
    "stg_product__accounts": "email",
    "stg_service__tickets": "phone_e164",
}
_PROPOSALS = """
create table if not exists identity.id_proposals (
    component varchar, other_component varchar, record_key varchar, other_record_key varchar,
    match_weight double, probability double, evidence varchar[], doubt varchar, verdict varchar
)
"""
# A third goes; a third gets a value of its own; a third that of another record: splits and merges.
_CHANGES = (
    "create or replace temp table chosen as select record_key, hash(record_key, {day}) % 3 as fate,"
    " rowid as place from staging.{table} where hash({day}, record_key) % 1000000 < {per_million}",
    "create or replace temp table another as select record_key, lag({column}) over (order by "
    "hash(record_key)) as given from staging.{table} where {column} is not null",
    "delete from staging.{table} where rowid in (select place from chosen where fate = 0)",
    "update staging.{table} set {column} = 'x{day}.' || record_key "
    "where rowid in (select place from chosen where fate = 1)",
    "update staging.{table} as t set {column} = another.given from another, chosen "
    "where t.record_key = another.record_key and t.record_key = chosen.record_key "
    "and chosen.fate = 2",
)


@dataclass(frozen=True)
class Measured:
    """CPU seconds of an increment, and how many records changed and were solved anew."""

    seconds: float
    changed: int
    solved: int


def remember(connection: duckdb.DuckDBPyConnection, compiled: Mapping[str, Any]) -> float:
    """Take the tables for a committed run's; CPU seconds that a full build spends on it."""
    connection.execute(_PROPOSALS)
    state.begin(connection, DIGEST, AS_OF)
    begun = time.process_time()
    step.remember_records(connection, Models.of(compiled, AS_OF), AS_OF)
    taken = time.process_time() - begun
    state.advance(connection, state.RECORDS, state.PERSONS)
    commit(connection)
    return taken


def increment(
    connection: duckdb.DuckDBPyConnection, compiled: Mapping[str, Any], share: float, day: int
) -> Measured:
    """Change this share of all records and make the run of that day."""
    changed = change(connection, share, day)
    as_of = AS_OF + timedelta(days=day)
    models = Models.of(compiled, as_of)
    begun = time.process_time()
    solved = step.update_records(connection, models, DIGEST, as_of, largest_share=1.0)
    seen = step.update_persons(connection, models, as_of)
    connection.execute("checkpoint")
    taken = time.process_time() - begun
    assert solved is not None
    assert seen == solved, "no score joins anybody in this world"
    return Measured(taken, changed, solved)


def change(connection: duckdb.DuckDBPyConnection, share: float, day: int) -> int:
    """Delete, update and move values in staging; how many records that are."""
    count = 0
    for table, column in _TABLES.items():
        for statement in _CHANGES:
            connection.execute(
                statement.format(
                    table=table, column=column, day=day, per_million=round(share * 1e6)
                )
            )
        ((chosen,),) = connection.execute("select count(*) from chosen").fetchall()
        count += chosen
    connection.execute("checkpoint")
    return count


def commit(connection: duckdb.DuckDBPyConnection) -> None:
    """What the store would say after the run."""
    for statement in (
        "delete from store.identity_change",
        "insert into store.identity_change by name select * from identity.id_changes",
        "delete from store.identity_map",
        "insert into store.identity_map "
        "select record_key, person_id, null from identity.id_records",
        "checkpoint",
    ):
        connection.execute(statement)
    state.advance(connection, state.PERSONS, state.COMMITTED)


def fingerprint(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, int]]:
    """Rows and their hash, whatever their order, of every identity table."""
    found = {}
    for table in (*records.MODELS, *persons.MODELS):
        columns = ", ".join(sorted(connection.table(f"identity.{table}").columns))
        ((rows, content),) = connection.execute(
            f"select count(*), bit_xor(hash({columns})) from identity.{table}"
        ).fetchall()
        found[table] = (rows, content)
    return found
