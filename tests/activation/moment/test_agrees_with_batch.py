"""One person at a time and everybody at once decide the same, to the row and the column."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from activation.decisions import Gate, decide
from activation.journeys import load
from activation.store import open_store
from tests.activation.decisions.bulk import create_bulk_world
from tests.activation.decisions.variants import every_limit, release_of
from tests.activation.decisions.worlds import AS_OF
from tests.activation.moment.people import create_state, moment, publish, say_at_random

JOURNEYS = load(Path(__file__).parents[3] / "activation" / "journeys")
PERSONS = 120
ASKED = 50
CONTEXTS = ("ctx_policy", "ctx_claim", "ctx_account", "ctx_ticket", "ctx_customer")


@pytest.mark.parametrize("limits", ["sample", "every"])
def test_a_person_alone_is_decided_as_in_a_batch_of_that_person(
    limits: str, tmp_path: Path
) -> None:
    journeys = every_limit(JOURNEYS) if limits == "every" else JOURNEYS
    release = release_of("r_now")
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    with duckdb.connect(config={"threads": 1}) as connection:
        create_bulk_world(connection, PERSONS, seed=3)
        create_state(connection)
        persons = [f"p_{number}" for number in range(PERSONS)]
        say_at_random(connection, store, persons, seed=3)
        copies = publish(connection, tmp_path / "copies", journeys)
        alone: dict[str, list[Mapping[str, Any]]] = {}
        for person_id in persons[:ASKED]:
            # A log each: here nobody's act counts for another's volume.
            with moment(copies, store, tmp_path / person_id, journeys, release) as now:
                alone[person_id] = now.point.decide_one(person_id, at=AS_OF)
        batch = batch_of_each(connection, journeys, release, persons[:ASKED])
    store.dispose()
    assert {who: [dict(row) for row in rows] for who, rows in alone.items() if rows} == batch
    failed = {
        gate
        for rows in alone.values()
        for row in rows
        for gate in Gate
        if row["gate_mask"] & gate.bit
    }
    # Nothing is halted or excluded by the sample, and a volume is rarely used up by one person.
    never = {Gate.CLOSED, Gate.EXCLUSION} if limits == "sample" else set()
    assert failed >= set(Gate) - never - {Gate.VOLUME}


def batch_of_each(
    connection: duckdb.DuckDBPyConnection, journeys: Any, release: Any, persons: list[str]
) -> dict[str, list[dict[str, Any]]]:
    """The mask form's rows by person, each in a world with nobody else's contexts."""
    for context in CONTEXTS:
        connection.execute(f"alter table contexts.{context} rename to every_{context}")
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for person_id in persons:
        for context in CONTEXTS:
            connection.execute(
                f"create or replace view contexts.{context} as "
                f"select * from contexts.every_{context} where person_id = '{person_id}'"
            )
        rows = decide(connection, journeys=journeys, release=release, as_of=AS_OF).to_pylist()
        if rows:
            found[person_id] = rows
    return dict(found)
