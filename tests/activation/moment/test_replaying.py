"""Decisions of the moment are made again from what the log keeps with them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import Engine

from activation.consent import ledger
from activation.decisions.replaying import ReplayImpossible
from activation.journeys import JourneySet
from activation.moment.replaying import replay_requests
from activation.release.manifest import release_of
from activation.release.release import Release
from activation.store import transaction
from tests.activation.decisions.worlds import AS_OF, insert, past_act
from tests.activation.moment.people import Moment, moment, publish, said

NOW = AS_OF + timedelta(minutes=7)
RENEWAL = "renewal_reminder_day_90"


@pytest.fixture(scope="session")
def signed(journeys: JourneySet) -> Release:
    return release_of(journeys, {})


@pytest.fixture
def now(
    warehouse: duckdb.DuckDBPyConnection,
    store: Engine,
    tmp_path: Path,
    journeys: JourneySet,
    signed: Release,
) -> Iterator[Moment]:
    """A log in which p_1 was reminded at the moment, asked again, and objected; p_2 was reminded
    by a run and is asked now."""
    act = past_act("p_2", RENEWAL, "P2", as_of=AS_OF - timedelta(days=1), decision_id="d_1")
    insert(warehouse, "activation.decision_log", [act])
    copies = publish(warehouse, tmp_path / "copies", journeys)
    with moment(copies, store, tmp_path, journeys, signed) as opened:
        opened.point.decide_one("p_1", at=NOW)
        opened.point.decide_one("p_1", at=NOW + timedelta(seconds=1), nodes=[RENEWAL])
        with transaction(store) as writing:
            ledger.append(writing, [said("p_1", "objected", 1, channel="*")])
        opened.point.decide_one("p_1", at=NOW + timedelta(seconds=2), nodes=[RENEWAL])
        opened.point.decide_one("p_2", at=NOW, nodes=[RENEWAL])
        opened.stream.seal_now()
        yield opened


def test_every_decision_comes_out_as_it_was_sealed(now: Moment, signed: Release) -> None:
    again = replay_requests(now.log, 1, lambda _: signed)
    assert (again.ok, again.identical, again.erased) == (True, now.log.size, 0)
    assert now.log.size >= 4
    reasons = set(now.log.read(1)["reason"].to_pylist())
    assert {"selected", "already_done"} <= reasons
    assert now.log.verify().ok


def test_another_rule_than_then_gives_other_leaves(
    now: Moment, journeys: JourneySet, signed: Release
) -> None:
    stopped = [node.model_copy(update={"halted": True}) for node in journeys.nodes]
    other = release_of(JourneySet(tuple(stopped), journeys.policies), {})
    posing = replace(other, id=signed.id)
    again = replay_requests(now.log, 1, lambda _: posing)
    assert not again.ok
    assert {one.what for one in again.differences} == {"changed"}


def test_a_release_that_is_not_what_was_signed_is_refused(now: Moment, signed: Release) -> None:
    forged = replace(signed, manifest={**signed.manifest, "format": "x"})
    for wrong in (forged, replace(signed, id="r_other")):
        with pytest.raises(ReplayImpossible, match="not what was signed"):
            replay_requests(now.log, 1, lambda _, found=wrong: found)


def test_an_erasure_takes_the_requests_of_the_person_and_leaves_the_others(
    now: Moment, signed: Release
) -> None:
    of_others = sum(one == "p_2" for one in now.log.read(1)["person_id"].to_pylist())
    now.log.erase(["p_1"])
    again = replay_requests(now.log, 1, lambda _: signed)
    assert (again.ok, again.identical) == (True, of_others)
    assert again.erased == now.log.size - of_others
    recorded = now.log.inputs(1)
    assert recorded is not None
    assert recorded.inputs.tables["request"]["person_id"].to_pylist() == ["p_2"]
    assert now.log.verify().ok


def test_a_batch_of_a_run_or_without_requests_is_told_apart(
    now: Moment, tmp_path: Path, signed: Release
) -> None:
    row = {**now.point.decide_one("p_2", at=NOW + timedelta(hours=1), nodes=[RENEWAL])[0]}
    now.stream.seal_now()
    now.stream.append([{**row, "decision_id": "d_other"}])
    now.stream.seal_now()
    assert replay_requests(now.log, 2, lambda _: signed).ok
    with pytest.raises(ReplayImpossible, match="batch 3: its requests were not recorded"):
        replay_requests(now.log, 3, lambda _: signed)
