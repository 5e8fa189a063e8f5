"""A batch decided again from its recorded inputs gives the leaves that were sealed."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activation.decisions import (
    Release,
    append_decisions,
    decide,
    record_inputs,
    record_release,
    replay,
)
from activation.decisions.deciding import APPROVAL_SCHEMA
from activation.decisions.replaying import ReplayImpossible
from activation.journeys import JourneySet
from activation.journeys.node import Volume
from activation.log import DecisionLog, LogDamaged
from activation.release import build
from tests.activation.decisions.bulk import create_bulk_world
from tests.activation.decisions.worlds import AS_OF
from tests.activation.log.worlds import KEY

PERSONS = 60


def run_day(
    connection: duckdb.DuckDBPyConnection,
    log: DecisionLog,
    journeys: JourneySet,
    release: Release,
    day: int,
    *,
    approvals: pa.Table | None = None,
    whole: bool = False,
) -> pa.Table:
    """Decide, record and seal one day, as a run does."""
    as_of = AS_OF + timedelta(days=day)
    given = approvals if approvals is not None else APPROVAL_SCHEMA.empty_table()
    rows = decide(connection, journeys=journeys, release=release, as_of=as_of, approvals=given)
    recorded = record_inputs(
        connection,
        journeys=journeys,
        release=release,
        as_of=as_of,
        approvals=given,
        decided=rows,
        whole=whole,
    )
    batch = log.append(rows, as_of=as_of, release=release.id, sealed_at=as_of, inputs=recorded)
    if batch:
        append_decisions(connection, batch.rows)
    return rows


def make_world(seed: int, home: Path) -> tuple[duckdb.DuckDBPyConnection, DecisionLog]:
    connection = duckdb.connect(config={"threads": 1})
    create_bulk_world(connection, PERSONS, seed)
    # The log starts empty, and the history of such a world is not in it.
    connection.execute("delete from activation.decision_log")
    return connection, DecisionLog(home / "log", signing_key=KEY)


def some_approvals(rows: pa.Table) -> pa.Table:
    held = [row for row in rows.to_pylist() if row["outcome"] == "hold"]
    return pa.Table.from_pylist(
        [
            {name: row[name] for name in ("node", "subject_id", "person_id")}
            | {"verdict": ("granted", "refused")[number % 2]}
            for number, row in enumerate(held)
        ],
        APPROVAL_SCHEMA,
    )


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 10**6), whole=st.booleans(), erase=st.integers(0, PERSONS - 1))
def test_every_batch_of_a_random_world_is_decided_again_to_the_same_leaves(
    tmp_path_factory: pytest.TempPathFactory,
    journeys: JourneySet,
    release: Release,
    seed: int,
    whole: bool,
    erase: int,
) -> None:
    connection, log = make_world(seed, tmp_path_factory.mktemp("replay"))
    approvals = None
    for day in range(3):
        rows = run_day(connection, log, journeys, release, day, approvals=approvals, whole=whole)
        approvals = some_approvals(rows)
    for header in log.batches():
        outcome = replay(log, header.number)
        assert outcome.differences == ()
        assert (outcome.identical, outcome.erased) == (len(log.read(header.number)), 0)
    gone = {f"p_{number}" for number in range(PERSONS) if number % 7 == erase % 7}
    assert log.erase(gone) > 0
    for header in log.batches():
        outcome = replay(log, header.number)
        assert outcome.differences == ()
        assert outcome.erased > 0
        assert outcome.identical + outcome.erased == len(log.read(header.number))
    assert log.verify().ok
    connection.close()


@pytest.fixture
def sealed(tmp_path: Path, journeys: JourneySet, release: Release) -> tuple[DecisionLog, pa.Table]:
    connection, log = make_world(11, tmp_path)
    with connection:
        rows = run_day(connection, log, journeys, release, 0)
        run_day(connection, log, journeys, release, 1)
    return log, rows


def changed(journeys: JourneySet, node_id: str, **update: Any) -> JourneySet:
    nodes = tuple(
        node.model_copy(update=update) if node.id == node_id else node for node in journeys.nodes
    )
    return JourneySet(nodes, journeys.policies)


def test_whoever_was_beyond_a_volume_stays_beyond_it_when_those_within_are_erased(
    tmp_path: Path, journeys: JourneySet
) -> None:
    node = journeys.node("renewal_reminder_day_90")
    limits = node.limits.model_copy(update={"volume": Volume(maximum=3, days=1)})
    tight = changed(journeys, node.id, limits=limits)
    regimes = tmp_path / "regimes.yml"
    regimes.write_text("{}\n")
    connection, log = make_world(5, tmp_path)
    with connection:
        rows = run_day(connection, log, tight, build(tight, regimes), 0).to_pylist()
    mine = [row for row in rows if row["node"] == node.id]
    acts = [row["person_id"] for row in mine if row["outcome"] == "act"]
    assert len(acts) == 3
    assert any(row["reason"] == "volume_cap" for row in mine)
    assert replay(log, 1).ok
    log.erase(acts[:2])
    outcome = replay(log, 1)
    assert (outcome.differences, outcome.erased > 0) == ((), True)


def test_another_rule_is_named_with_its_gate_for_each_row_it_changes(
    sealed: tuple[DecisionLog, pa.Table], journeys: JourneySet
) -> None:
    log, rows = sealed
    node = journeys.node("renewal_reminder_day_90")
    outcome = replay(log, 1, changed(journeys, node.id, halted=True))
    mine = [one for one in outcome.differences if one.node == node.id]
    candidates = [row for row in rows.to_pylist() if row["node"] == node.id]
    assert len(mine) == len(candidates) > 0
    assert all("closed" in one.gates for one in mine)
    assert all(one.columns and "gate_mask" in one.columns for one in mine)
    assert "by gate closed" in str(mine[0])


def test_a_changed_condition_is_told_by_the_rows_that_come_and_go(
    sealed: tuple[DecisionLog, pa.Table], journeys: JourneySet
) -> None:
    log, _ = sealed
    node = journeys.node("renewal_reminder_day_90")
    content = node.model_dump(mode="json")
    example = content["examples"][0] | {"given": {"status": "lapsed"}}
    changes = {"when": "status = 'lapsed'", "examples": [example]}
    fewer = type(node).model_validate(content | changes)
    nodes = tuple(fewer if one.id == node.id else one for one in journeys.nodes)
    outcome = replay(log, 1, JourneySet(nodes, journeys.policies))
    assert {one.what for one in outcome.differences if one.node == node.id} == {"missing"}


def test_a_changed_input_is_named_by_its_table(
    tmp_path: Path, sealed: tuple[DecisionLog, pa.Table]
) -> None:
    log, _ = sealed
    path = tmp_path / "log" / "inputs" / "000001" / "consent.con_permits.parquet"
    table = pq.read_table(path)
    verdicts = pa.array(["permit"] * len(table))
    index = table.column_names.index("verdict")
    pq.write_table(table.set_column(index, "verdict", verdicts), path)
    with pytest.raises(LogDamaged, match=r"inputs/000001/consent\.con_permits\.parquet: not what"):
        replay(log, 1)
    assert [finding.code for finding in log.verify().findings] == ["inputs"]
    assert replay(log, 2).ok


def test_a_changed_release_is_named(tmp_path: Path, sealed: tuple[DecisionLog, pa.Table]) -> None:
    log, _ = sealed
    path = tmp_path / "log" / "inputs" / "000001" / "manifest.json"
    document = json.loads(path.read_text())
    document["facts"]["manifest"]["journeys"]["claim_update_day_3"]["priority"] += 1
    path.unlink()
    path.write_text(json.dumps(document))
    with pytest.raises(ReplayImpossible, match=r"sealed under release r_.*its inputs hold r_"):
        replay(log, 1)
    assert [finding.file for finding in log.verify().findings] == ["inputs/000001/manifest.json"]


def test_a_batch_without_inputs_says_so(
    tmp_path: Path, sealed: tuple[DecisionLog, pa.Table], journeys: JourneySet
) -> None:
    log, rows = sealed
    late = rows.set_column(
        rows.column_names.index("decision_id"),
        "decision_id",
        pa.array([f"d_{number}" for number in range(len(rows))]),
    )
    log.append(late, as_of=AS_OF, release="r_x", sealed_at=AS_OF)
    with pytest.raises(ReplayImpossible, match="batch 3: its inputs were not recorded"):
        replay(log, 3)
    assert log.expire(AS_OF + timedelta(days=9)) > 0
    with pytest.raises(ReplayImpossible, match="or have expired"):
        replay(log, 1)
    assert log.verify().ok


def test_an_erased_person_is_in_no_recorded_input(
    tmp_path: Path, sealed: tuple[DecisionLog, pa.Table]
) -> None:
    log, rows = sealed
    person = rows["person_id"][0].as_py()
    paths = sorted((tmp_path / "log" / "inputs").rglob("*.parquet"))

    def holders() -> list[Path]:
        found = []
        for path in paths:
            table = pq.read_table(path)
            if "person_id" in table.column_names and person in table["person_id"].to_pylist():
                found.append(path)
        return found

    assert holders()
    log.erase([person])
    assert holders() == []
    assert log.verify().ok


def test_what_is_recorded_is_of_candidates_alone_unless_all_is_asked_for(
    tmp_path: Path, journeys: JourneySet, release: Release
) -> None:
    sizes = {}
    for whole in (False, True):
        connection, log = make_world(3, tmp_path / str(whole))
        with connection:
            connection.execute("insert into contexts.ctx_person (person_id) values ('p_idle')")
            run_day(connection, log, journeys, release, 0, whole=whole)
            record_release(connection, release)
        recorded = log.inputs(1)
        assert recorded is not None
        sizes[whole] = {name: len(table) for name, table in recorded.inputs.tables.items()}
        idle = recorded.inputs.tables["contexts.ctx_person"]["person_id"].to_pylist()
        assert ("p_idle" in idle) == whole
    assert all(sizes[False][name] <= sizes[True][name] for name in sizes[True])
