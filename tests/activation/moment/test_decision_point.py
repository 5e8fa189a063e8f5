"""One person at the moment of activation: live consent, limits, the log, copies."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import Engine

from activation.consent import ledger
from activation.decisions import DecisionError, Release
from activation.journeys import JourneySet
from activation.moment import CopyError, DecisionPoint, ReadCopy
from activation.store import open_store, transaction
from activation.store.approvals import record_verdict
from tests.activation.decisions.variants import changed, with_policies
from tests.activation.decisions.worlds import AS_OF, insert, past_act, person, policy
from tests.activation.moment.people import Moment, moment, publish, said

NOW = AS_OF + timedelta(minutes=7)
RENEWAL = "renewal_reminder_day_90"
RECOVERY = "service_recovery_after_negative"
CAP = {"id": "one", "description": "One.", "per": "person", "maximum": 1, "days": 7}


@pytest.fixture
def now(
    warehouse: duckdb.DuckDBPyConnection,
    store: Engine,
    tmp_path: Path,
    journeys: JourneySet,
    release: Release,
) -> Iterator[Moment]:
    copies = publish(warehouse, tmp_path / "copies", journeys)
    with moment(copies, store, tmp_path, journeys, release) as opened:
        yield opened


def the_reason(now: Moment, who: str = "p_1", at: datetime = NOW, node: str = RENEWAL) -> str:
    [row] = now.point.decide_one(who, at=at, nodes=[node])
    return str(row["reason"])


def test_a_person_is_decided_and_the_decision_is_in_the_log(now: Moment) -> None:
    [row] = now.point.decide_one("p_1", at=NOW, nodes=[RENEWAL])
    assert (row["outcome"], row["reason"], row["channel"]) == ("act", "selected", "email")
    waiting = now.log.pending().to_pylist()
    assert [one["decision_id"] for one in waiting] == [row["decision_id"]]
    now.stream.seal_now()
    assert now.log.find(str(row["decision_id"]))["reason"] == "selected"
    opening = now.log.opening(str(row["decision_id"]))
    assert opening is not None
    assert opening.context == row["context"]
    assert now.log.verify().ok


def test_a_withdrawal_counts_from_the_instant_it_is_recorded(now: Moment, store: Engine) -> None:
    with transaction(store) as writing:
        ledger.append(writing, [said("p_1", "objected", 1, channel="*")])
    [row] = now.point.decide_one("p_1", at=NOW, nodes=[RENEWAL])
    assert (row["outcome"], row["reason"], row["evidence"]) == ("withhold", "objected", "e_1")
    assert row["watermark"] == 1
    assert the_reason(now, "p_2") == "selected"


def test_what_the_other_side_of_a_split_said_before_it_restricts_and_what_it_says_since_does_not(
    warehouse: duckdb.DuckDBPyConnection,
    store: Engine,
    tmp_path: Path,
    journeys: JourneySet,
    release: Release,
) -> None:
    other = {"identifier_type": "email", "identifier": "p_2@example.com"}
    link = {"person_id": "p_1", "parted_at": AS_OF - timedelta(days=2), **other}
    insert(warehouse, "consent.con_former_links", [link])
    copies = publish(warehouse, tmp_path / "copies", journeys)
    with moment(copies, store, tmp_path, journeys, release) as now:
        with transaction(store) as writing:
            ledger.append(writing, [said("p_2", "objected", 1, channel="*")])
        [row] = now.point.decide_one("p_1", at=NOW, nodes=[RENEWAL], record=False)
        assert row["reason"] == "selected"
        before = AS_OF - timedelta(days=2)
        with transaction(store) as writing:
            ledger.append(writing, [said("p_2", "withdrawn", 2, channel="*", occurred_at=before)])
        assert the_reason(now) == "withdrawn"


def test_consent_and_approvals_are_read_from_postgresql_as_well(
    warehouse: duckdb.DuckDBPyConnection,
    postgresql_url: str,
    tmp_path: Path,
    journeys: JourneySet,
    release: Release,
) -> None:
    store = open_store(postgresql_url)
    copies = publish(warehouse, tmp_path / "copies", journeys)
    with moment(copies, store, tmp_path, journeys, release) as now:
        with transaction(store) as writing:
            ledger.append(writing, [said("p_1", "objected", 1, channel="*")])
        assert (the_reason(now), the_reason(now, "p_2")) == ("objected", "selected")
    store.dispose()


def test_a_withdrawal_that_is_recorded_later_than_the_instant_is_not_known_yet(
    now: Moment, store: Engine
) -> None:
    later = said("p_1", "objected", 1, channel="*", recorded_at=NOW + timedelta(seconds=1))
    with transaction(store) as writing:
        ledger.append(writing, [later])
    assert the_reason(now) == "selected"


def test_the_same_request_gets_the_same_answer_and_logs_nothing_again(now: Moment) -> None:
    first = now.point.decide_one("p_1", at=NOW, nodes=[RENEWAL])
    assert now.point.decide_one("p_1", at=NOW, nodes=[RENEWAL]) == first
    assert len(now.log.pending()) == 1


def test_a_request_is_repeated_across_a_restart(
    now: Moment, store: Engine, tmp_path: Path, journeys: JourneySet, release: Release
) -> None:
    [first] = now.point.decide_one("p_1", at=NOW, nodes=[RENEWAL])
    with moment(tmp_path / "copies", store, tmp_path, journeys, release) as again:
        [second] = again.point.decide_one("p_1", at=NOW, nodes=[RENEWAL])
    assert (second["decision_id"], second["outcome"]) == (first["decision_id"], "act")
    assert the_reason(now, at=NOW + timedelta(seconds=1)) == "already_done"
    now.stream.seal_now()
    assert now.log.size == 2


def test_an_act_at_the_moment_counts_for_the_next_one(now: Moment) -> None:
    assert the_reason(now) == "selected"
    assert the_reason(now, at=NOW + timedelta(seconds=1)) == "already_done"


def test_acts_of_a_person_who_merged_into_another_count_for_the_survivor(
    warehouse: duckdb.DuckDBPyConnection,
    store: Engine,
    tmp_path: Path,
    journeys: JourneySet,
    release: Release,
) -> None:
    capped = with_policies(journeys, caps=[CAP])
    former = past_act("p_9", "onboarding_nudge_stalled", "A1", as_of=AS_OF - timedelta(days=1))
    insert(warehouse, "activation.decision_log", [former])
    insert(
        warehouse,
        "activation.person_successor",
        [{"former_person_id": "p_9", "person_id": "p_1"}],
    )
    copies = publish(warehouse, tmp_path / "copies", capped)
    with moment(copies, store, tmp_path, capped, release) as now:
        assert the_reason(now) == "capped"
        assert the_reason(now, "p_2") == "selected"
        [row] = now.point.decide_one("p_9", at=NOW + timedelta(seconds=1), nodes=[RENEWAL])
        assert row["person_id"] == "p_1"


def test_a_volume_is_used_up_by_acts_of_the_past_and_of_the_moment(
    warehouse: duckdb.DuckDBPyConnection,
    store: Engine,
    tmp_path: Path,
    journeys: JourneySet,
    release: Release,
) -> None:
    limits = {"once_per": ["subject"], "volume": {"maximum": 2, "days": 3}}
    bounded = changed(journeys, RENEWAL, limits=limits)
    acts = [
        past_act("p_7", RENEWAL, "P7", as_of=AS_OF - timedelta(days=days), decision_id=f"d_{days}")
        for days in (1, 4)
    ]
    insert(warehouse, "activation.decision_log", acts)
    copies = publish(warehouse, tmp_path / "copies", bounded)
    with moment(copies, store, tmp_path, bounded, release) as now:
        assert the_reason(now, "p_1") == "selected"
        assert the_reason(now, "p_2") == "volume_cap"


def test_a_copy_that_is_too_old_is_stale(
    warehouse: duckdb.DuckDBPyConnection,
    store: Engine,
    tmp_path: Path,
    journeys: JourneySet,
    release: Release,
) -> None:
    copies = publish(warehouse, tmp_path / "copies", journeys)
    with moment(
        copies, store, tmp_path, journeys, release, maximum_copy_age=timedelta(hours=2)
    ) as now:
        assert the_reason(now, at=AS_OF + timedelta(hours=2)) == "selected"
        assert the_reason(now, "p_2", at=AS_OF + timedelta(hours=2, seconds=1)) == "stale_context"


def test_a_node_that_was_stopped_acts_on_nobody(
    warehouse: duckdb.DuckDBPyConnection,
    store: Engine,
    tmp_path: Path,
    journeys: JourneySet,
    release: Release,
) -> None:
    copies = publish(warehouse, tmp_path / "copies", journeys)
    with moment(copies, store, tmp_path, journeys, release, halted={RENEWAL}) as now:
        assert the_reason(now) == "node_halted"


def test_a_costly_action_is_held_until_somebody_agrees(
    warehouse: duckdb.DuckDBPyConnection,
    store: Engine,
    tmp_path: Path,
    journeys: JourneySet,
    release: Release,
) -> None:
    ticket = {"person_id": "p_1", "subject_id": "T1", "assurance": "A", "source_at": AS_OF}
    ticket |= {"ticket_id": "T1", "score": 1, "hours_since_answer": 1}
    insert(warehouse, "contexts.ctx_ticket", [ticket])
    phone = {"identifier_type": "phone", "identifier": "+447700900001", "status": "ok"}
    link = {"person_id": "p_1", "assurance": "A", "is_restriction_only": False, **phone}
    insert(warehouse, "identity.id_person_identifiers", [link])
    copies = publish(warehouse, tmp_path / "copies", journeys)
    with moment(copies, store, tmp_path, journeys, release) as now:
        [row] = now.point.decide_one("p_1", at=NOW, nodes=[RECOVERY])
        assert (row["outcome"], row["reason"]) == ("hold", "needs_approval")
        with transaction(store) as writing:
            record_verdict(writing, (RECOVERY, "T1", "p_1"), "granted", actor="ada", at=NOW)
        assert the_reason(now, at=NOW + timedelta(seconds=1), node=RECOVERY) == "selected"


def test_a_newer_copy_is_taken_up_and_what_was_decided_meanwhile_still_counts(
    warehouse: duckdb.DuckDBPyConnection, now: Moment, tmp_path: Path, journeys: JourneySet
) -> None:
    assert the_reason(now) == "selected"
    assert not now.point.refresh()
    insert(warehouse, "contexts.ctx_person", [person("p_3")])
    insert(warehouse, "contexts.ctx_policy", [policy("p_3", "P3")])
    publish(warehouse, tmp_path / "copies", journeys)
    assert now.point.decide_one("p_3", at=NOW) == []
    assert now.point.refresh()
    assert len(now.point.decide_one("p_3", at=NOW + timedelta(seconds=1))) == 1
    assert the_reason(now, at=NOW + timedelta(seconds=1)) == "already_done"


def test_only_the_keys_and_the_fields_of_the_node_are_in_a_copy_and_in_a_bundle(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path, journeys: JourneySet
) -> None:
    warehouse.execute("alter table contexts.ctx_policy add column diagnosis varchar")
    copy = ReadCopy(publish(warehouse, tmp_path / "copies", journeys))
    assert "diagnosis" not in copy.table("ctx_policy").columns
    node = journeys.node(RENEWAL)
    [bundle] = copy.bundle(node, "p_1")
    assert set(bundle) == {"person_id", "subject_id", "assurance", "source_at", *node.fields}


def test_concurrent_requests_for_one_person_find_no_room_twice_under_a_cap(now: Moment) -> None:
    reasons: list[str] = []

    def ask(number: int) -> None:
        reasons.append(the_reason(now, at=NOW + timedelta(seconds=number)))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reasons) == ["already_done"] * 15 + ["selected"]
    assert len(now.log.pending()) == 16


def test_a_decision_that_cannot_be_recorded_is_none(
    now: Moment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("os.fdatasync", full)
        with pytest.raises(OSError, match="No space left"):
            now.point.decide_one("p_1", at=NOW, nodes=[RENEWAL])
    assert the_reason(now, at=NOW + timedelta(seconds=1)) == "selected"


def test_a_preview_leaves_no_trace(now: Moment) -> None:
    [row] = now.point.decide_one("p_1", at=NOW, nodes=[RENEWAL], record=False)
    assert row["outcome"] == "act"
    assert len(now.log.pending()) == 0
    assert the_reason(now, at=NOW + timedelta(seconds=1)) == "selected"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"nodes": ["renewal"]}, "no node renewal in the release"),
        ({"purpose": "nothing"}, "no node has that purpose"),
    ],
)
def test_a_node_or_purpose_that_nobody_knows_is_an_error(
    now: Moment, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(DecisionError, match=message):
        now.point.decide_one("p_1", at=NOW, **asked)


def test_without_a_copy_the_error_says_what_to_do(
    store: Engine, tmp_path: Path, journeys: JourneySet, release: Release
) -> None:
    with (
        pytest.raises(CopyError, match="Fix: run `assent run` first"),
        moment(tmp_path / "none", store, tmp_path, journeys, release),
    ):
        raise AssertionError("a decision point without a copy")


def test_old_copies_go_and_readers_of_the_former_one_are_not_disturbed(
    warehouse: duckdb.DuckDBPyConnection, now: Moment, tmp_path: Path, journeys: JourneySet
) -> None:
    for _ in range(3):
        publish(warehouse, tmp_path / "copies", journeys)
    assert len([path for path in (tmp_path / "copies").iterdir() if path.is_dir()]) == 3
    assert isinstance(now.point, DecisionPoint)
    assert the_reason(now) == "selected"
