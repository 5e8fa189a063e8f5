"""Runs over a world: in full, as an increment, and as whichever of the two is called for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from orchestration.increment import persons, records, state, step
from orchestration.increment.models import Models
from orchestration.matching.scoring import Model
from tests.orchestration.increment.warehouse import build_whole, commit, match
from tests.orchestration.increment.world import World

DIGEST = "of this project"
TABLES = (*records.MODELS, *persons.MODELS)
# Worlds are small: an increment of all records is still to be one.
ANY_SHARE = 10.0


@dataclass(frozen=True)
class Given:
    """What a run is given besides its warehouse."""

    compiled: Mapping[str, Any]
    matching: Model
    world: World
    as_of: datetime

    @property
    def models(self) -> Models:
        return Models.of(self.compiled, self.as_of)


def run(connection: duckdb.DuckDBPyConnection, given: Given) -> int | None:
    """A run as it is made; how many records the first half solved, None when all."""
    models, solved = given.models, None
    if state.can_increment(connection, DIGEST):
        solved = step.update_records(connection, models, DIGEST, given.as_of, ANY_SHARE)
    if solved is None:
        state.begin(connection, DIGEST, given.as_of)
        build_whole(connection, models, records.MODELS)
        step.remember_records(connection, models, given.as_of)
    match(connection, given.world, given.matching)
    if step.update_persons(connection, models, given.as_of) is None:
        build_whole(connection, models, persons.MODELS)
        state.advance(connection, state.RECORDS, state.PERSONS, given.as_of)
    commit(connection)
    state.advance(connection, state.PERSONS, state.COMMITTED)
    return solved


def run_in_full(connection: duckdb.DuckDBPyConnection, given: Given) -> None:
    """What a run would do that knows no increments."""
    build_whole(connection, given.models, records.MODELS)
    match(connection, given.world, given.matching)
    build_whole(connection, given.models, persons.MODELS)
    commit(connection)


def differences(
    one: duckdb.DuckDBPyConnection, other: duckdb.DuckDBPyConnection
) -> dict[str, tuple[list[str], list[str]]]:
    """Rows that stand in one of the two alone, by table; ids and history are among them."""
    found = {}
    for table in TABLES:
        ours, theirs = _rows(one, table), _rows(other, table)
        if ours != theirs:
            found[table] = (
                sorted(set(ours) - set(theirs))[:3],
                sorted(set(theirs) - set(ours))[:3],
            )
    return found


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    columns = sorted(connection.table(f"identity.{table}").columns)
    found = connection.execute(f"select {', '.join(columns)} from identity.{table}").fetchall()
    return sorted(map(repr, found))
