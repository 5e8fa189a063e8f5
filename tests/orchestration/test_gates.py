"""The gate before the decisions: data that is not to be trusted stops the path until it is."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from activation.release import activate, read_bundle
from activation.store import open_store
from orchestration import environment
from orchestration.environment import PROJECT_ROOT
from orchestration.release_keys import public_key
from orchestration.rules import build_from_disk
from tests.orchestration.conftest import Finished, Run
from tests.orchestration.path import Ended, Runner
from tests.orchestration.places import AS_OF, Place

UNREADABLE, LATER = "consent/consent_events-2026-11-20.parquet", "consent/consent_events-1.jsonl"
RULE = "no_consent_file_failed"
LEAK = "activation/journeys/service_recovery_after_negative.yml"
CLOSED_AT, OPENED_AT = AS_OF + timedelta(minutes=30), AS_OF + timedelta(hours=1)


@pytest.fixture(scope="module")
def closed(first: Finished, runner: Runner, path_directory: Path) -> tuple[Place, Ended]:
    """A place whose second run found a consent file that can't be read."""
    place = first.place.copy_to(path_directory / "gate")
    (place.landing / UNREADABLE).write_bytes(b"PAR1 and no table in it")
    ended = runner.command(place.home, place.landing, CLOSED_AT)
    return place.copy_to(path_directory / "gate-closed"), ended


def test_an_unreadable_consent_file_ends_the_run_with_an_error_that_says_why(
    closed: tuple[Place, Ended],
) -> None:
    _, ended = closed
    (printed,) = ended.problems
    assert not ended.succeeded
    text = " ".join(printed.split())
    assert "the gate before the decisions is closed" in text
    assert "a consent export that can't be read may hold withdrawals" in text
    assert UNREADABLE in text


def test_behind_a_closed_gate_nothing_is_decided_and_nothing_is_sent(
    first: Finished, closed: tuple[Place, Ended]
) -> None:
    place, _ = closed
    assert place.sent() == first.place.sent()
    for table in ("activation.decision_log", "outbound.out_outbox_actions"):
        assert place.tables()[table] == first.place.tables()[table]


def test_a_failed_rule_is_a_failed_check_in_dagster(closed: tuple[Place, Ended]) -> None:
    import dagster as dg
    from dagster._core.storage.asset_check_execution_record import (
        AssetCheckExecutionRecordStatus as Status,
    )

    place, _ = closed
    key = dg.AssetCheckKey(dg.AssetKey(["landing", "load_audit"]), f"contract__{RULE}")
    with dg.DagsterInstance.from_config(str(place.home / "dagster")) as instance:
        records = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
    assert [record.status for record in records] == [Status.FAILED, Status.SUCCEEDED]


@pytest.fixture(scope="module")
def opened(closed: tuple[Place, Ended], run: Run, path_directory: Path) -> Place:
    """The same place an hour after its first run, when a good consent file has arrived."""
    place = closed[0].copy_to(path_directory / "gate-open")
    event = (place.landing / "consent" / "consent_events.jsonl").read_text().splitlines()[0]
    (place.landing / LATER).write_text(event + "\n", encoding="utf-8")
    ended = run(place, OPENED_AT)
    assert ended.succeeded, ended.problems
    return place


def test_the_gate_opens_again_when_a_good_file_has_arrived(opened: Place) -> None:
    batches = opened.rows("select distinct as_of from activation.decision_log order by all")
    assert batches == [(AS_OF,), (OPENED_AT,)]


def test_a_run_an_hour_after_another_sends_nothing_twice(opened: Place) -> None:
    actions = [one.row for one in opened.delivered() if one.object == "action"]
    assert len({row["decision_id"] for row in actions}) == len(actions)
    about = Counter((row["node"], row["subject_id"]) for row in actions)
    assert set(about.values()) == {1}
    reasons = opened.rows(
        """
        select distinct later.reason
        from activation.decision_log as later
        inner join activation.decision_log as earlier using (node, subject_id)
        where later.as_of = ? and earlier.as_of = ? and earlier.outcome = 'act'
        and earlier.node <> 'cross_sell_home'
        """,
        [OPENED_AT, AS_OF],
    )
    assert {reason for (reason,) in reasons} == {"already_done", "cooldown"}


@pytest.fixture(scope="module")
def leaking(first: Finished, runner: Runner, path_directory: Path) -> tuple[Place, Ended]:
    """A place whose active release has one leak, which nobody's check saw when it was activated:
    a journey reads what its purpose may not."""
    place = first.place.copy_to(path_directory / "leak")
    home = environment.home(place.home)
    root = path_directory / "leaking-project"
    read_bundle(PROJECT_ROOT).write(root)
    journey = root / LEAK
    text = journey.read_text(encoding="utf-8")
    journey.write_text(text.replace("purpose: service_recovery\n", "purpose: renewal\n"))
    store = open_store(home.store_url)
    bundle, _ = build_from_disk(home, store, actor="ana", at=AS_OF, root=root)
    activate(
        store,
        bundle.release.id,
        key=public_key(home),
        check=lambda _: (),
        actor="ben",
        note="a checker that saw nothing",
        at=AS_OF,
    )
    store.dispose()
    return place, runner.command(place.home, place.landing, CLOSED_AT)


def test_a_policy_finding_in_what_is_active_closes_the_gate_and_nothing_is_decided(
    first: Finished, leaking: tuple[Place, Ended]
) -> None:
    place, ended = leaking
    assert not ended.succeeded
    text = " ".join(ended.problems[0].split())
    assert "the gate before the decisions is closed" in text
    assert f"POL042 {LEAK}" in text
    assert place.sent() == first.place.sent()
    assert (
        place.tables()["activation.decision_log"]
        == (first.place.tables()["activation.decision_log"])
    )


def test_the_failed_policy_check_names_the_finding_and_no_person(
    leaking: tuple[Place, Ended],
) -> None:
    import dagster as dg

    place, _ = leaking
    key = dg.AssetCheckKey(dg.AssetKey(["gate", "before_decisions"]), "contract__policy")
    with dg.DagsterInstance.from_config(str(place.home / "dagster")) as instance:
        newest, before = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
    assert (newest.status.value, before.status.value) == ("FAILED", "SUCCEEDED")
    assert newest.event is not None
    evaluation = newest.event.dagster_event.asset_check_evaluation_data
    assert evaluation.metadata["keys"].value.startswith(f"POL042 {LEAK}:")
    told = str(newest.event)
    known = place.rows("select distinct identifier from identity.id_identifiers")
    assert len(known) > 500
    assert [one for (one,) in known if one in told] == []
