"""Who goes first when more may be done for a person, or by a node, than is allowed."""

from datetime import timedelta
from hashlib import sha256

import duckdb
import pytest

from activation.decisions import Release
from activation.journeys import JourneySet
from tests.activation.decisions.forms import decide_by_all_forms
from tests.activation.decisions.variants import changed, with_policies
from tests.activation.decisions.worlds import (
    AS_OF,
    account,
    claim,
    insert,
    past_act,
    permit,
    person,
    policy,
)

World = duckdb.DuckDBPyConnection
RENEWAL, NUDGE = "renewal_reminder_day_90", "onboarding_nudge_stalled"


@pytest.fixture(scope="session")
def unheld(journeys: JourneySet) -> JourneySet:
    """The sample's journeys without holdouts, so that only arbitration decides."""
    for node in (RENEWAL, NUDGE):
        journeys = changed(journeys, node, experiment=None)
    return journeys


@pytest.fixture
def busy(world: World) -> World:
    """One person with two policies due, a stalled account and two open claims."""
    insert(world, "contexts.ctx_person", [person("p_1")])
    insert(world, "contexts.ctx_policy", [policy("p_1", "POL1"), policy("p_1", "POL2")])
    insert(world, "contexts.ctx_account", [account("p_1", "A1")])
    insert(world, "contexts.ctx_claim", [claim("p_1", "C1"), claim("p_1", "C2", days_open=9)])
    purposes = ("renewal", "onboarding", "claims_service")
    channels = ("email", "sms")
    permits = [permit("p_1", purpose, channel) for purpose in purposes for channel in channels]
    insert(world, "consent.con_permits", permits)
    return world


def reasons(world: World, journeys: JourneySet, release: Release) -> dict[str, str]:
    """Reason by subject, after all three forms agreed."""
    rows = decide_by_all_forms(world, journeys, release, AS_OF)
    return {row["subject_id"]: row["reason"] for row in rows}


def test_two_actions_in_seven_days_and_claim_updates_come_on_top(
    busy: World, unheld: JourneySet, release: Release
) -> None:
    assert reasons(busy, unheld, release) == {
        "C1": "selected",
        "C2": "selected",
        "POL1": "selected",
        "POL2": "selected",
        "A1": "capped",
    }


def test_what_was_done_this_week_counts(busy: World, unheld: JourneySet, release: Release) -> None:
    act = past_act("p_1", RENEWAL, "POL9", as_of=AS_OF - timedelta(days=6, hours=23))
    insert(busy, "activation.decision_log", [act])
    found = reasons(busy, unheld, release)
    assert (found["POL1"], found["POL2"], found["A1"]) == ("selected", "capped", "capped")


@pytest.mark.parametrize(
    "change",
    [
        {"as_of": AS_OF - timedelta(days=7)},
        {"purpose": "claims_service"},
        {"outcome": "hold"},
        {"person_id": "p_2"},
        {"node": "cross_sell_home"},
    ],
    ids=["a week ago", "a claim update", "not done", "another person", "an audience"],
)
def test_what_does_not_count_for_the_cap(
    busy: World, unheld: JourneySet, release: Release, change: dict[str, object]
) -> None:
    busy.execute(
        "insert into activation.release_node values "
        "('r_before', 'cross_sell_home', 'audience', 'cross_sell_home', 72)"
    )
    act = past_act("p_1", RENEWAL, "POL9", as_of=AS_OF - timedelta(days=1)) | change
    insert(busy, "activation.decision_log", [act])
    found = reasons(busy, unheld, release)
    assert (found["POL1"], found["POL2"], found["A1"]) == ("selected", "selected", "capped")


def test_a_candidate_that_failed_an_earlier_gate_takes_nobodys_place(
    busy: World, unheld: JourneySet, release: Release
) -> None:
    busy.execute("update contexts.ctx_policy set assurance = 'D' where subject_id = 'POL1'")
    found = reasons(busy, unheld, release)
    assert found["POL1"] == "low_assurance"
    assert (found["POL2"], found["A1"]) == ("selected", "selected")


def test_priority_decides_before_anything_else(
    busy: World, unheld: JourneySet, release: Release
) -> None:
    found = reasons(busy, changed(unheld, NUDGE, priority=39), release)
    assert (found["A1"], found["POL1"], found["POL2"]) == ("selected", "selected", "capped")


def test_of_an_exclusion_group_only_the_first_is_done(
    busy: World, unheld: JourneySet, release: Release
) -> None:
    grouped = unheld
    for node in (RENEWAL, NUDGE):
        grouped = changed(grouped, node, exclusion_group="selling")
    group = {"id": "selling", "description": "One offer at a time."}
    grouped = with_policies(grouped, caps=[], exclusion_groups=[group])
    found = reasons(busy, grouped, release)
    assert (found["POL1"], found["POL2"], found["A1"]) == ("selected", "outranked", "outranked")


@pytest.mark.parametrize(("days", "reason"), [(3, "outranked"), (5, "selected")])
def test_an_exclusion_group_remembers_its_days(
    busy: World, unheld: JourneySet, release: Release, days: int, reason: str
) -> None:
    group = {"id": "selling", "description": "One offer at a time.", "days": 4}
    grouped = changed(unheld, NUDGE, exclusion_group="selling")
    grouped = with_policies(grouped, caps=[], exclusion_groups=[group])
    act = past_act("p_1", NUDGE, "A9", as_of=AS_OF - timedelta(days=days), purpose="onboarding")
    insert(busy, "activation.decision_log", [act])
    assert reasons(busy, grouped, release)["A1"] == reason


def test_a_volume_goes_to_the_first_by_sha256_of_release_and_person(
    world: World, unheld: JourneySet, release: Release
) -> None:
    names = [f"p_{number}" for number in range(9)]
    insert(world, "contexts.ctx_person", [person(name) for name in names])
    insert(world, "contexts.ctx_policy", [policy(name, f"POL-{name}") for name in names])
    insert(world, "consent.con_permits", [permit(name, "renewal", "email") for name in names])
    act = past_act("p_x", RENEWAL, "POL9", as_of=AS_OF - timedelta(hours=23))
    insert(world, "activation.decision_log", [act])
    limits = {"once_per": ["subject"], "volume": {"maximum": 4}}
    found = reasons(world, changed(unheld, RENEWAL, limits=limits), release)
    lucky = sorted(names, key=lambda n: sha256((release.id + n).encode()).hexdigest())[:3]
    assert {s for s, reason in found.items() if reason == "selected"} == {
        f"POL-{name}" for name in lucky
    }
    assert sum(reason == "volume_cap" for reason in found.values()) == 6


def test_a_cap_by_channel_counts_each_channel_by_itself(
    busy: World, unheld: JourneySet, release: Release
) -> None:
    cap = {"id": "c", "description": "One each.", "per": "channel", "maximum": 1, "days": 1}
    found = reasons(busy, with_policies(unheld, caps=[cap]), release)
    assert found == {
        "C1": "selected",
        "C2": "capped",
        "POL1": "selected",
        "POL2": "capped",
        "A1": "capped",
    }


def test_a_cap_of_nought_stops_all_within_its_scope(
    busy: World, unheld: JourneySet, release: Release
) -> None:
    cap = {"id": "c", "description": "None.", "per": "person", "maximum": 0, "days": 1}
    found = reasons(busy, with_policies(unheld, caps=[cap | {"channels": ["sms"]}]), release)
    assert (found["C1"], found["POL1"]) == ("capped", "selected")
