"""What must hold of every verdict, whoever said what, and in whatever order it was learnt."""

import random
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from activation.consent.events import ConsentEvent
from activation.consent.vocabulary import ANY, OPTED_OUT, RESTRICTIVE_ACTIONS, SYSTEM_SOURCES
from tests.dbt.builder import AS_OF
from tests.dbt.consent_cases import IDENTIFIERS, an_event, worlds
from tests.dbt.consent_world import World, python_permits


@settings(max_examples=300, deadline=None)
@given(world=worlds(), seed=st.integers(0, 99))
def test_the_order_of_events_does_not_matter(world: World, seed: int) -> None:
    shuffled = list(world.events)
    random.Random(seed).shuffle(shuffled)
    assert python_permits(replace(world, events=shuffled)) == python_permits(world)


@settings(max_examples=300, deadline=None)
@given(world=worlds(), data=st.data())
def test_one_more_restriction_never_turns_deny_into_permit(
    world: World, data: st.DataObject
) -> None:
    added = an_event(lambda options: data.draw(st.sampled_from(options)), 99, IDENTIFIERS)
    if added.action not in RESTRICTIVE_ACTIONS:
        added = replace(added, action="withdrawn")
    before = python_permits(world)
    after = python_permits(replace(world, events=[*world.events, added]))
    for key, (verdict, *_) in after.items():
        assert not (before[key][0] == "deny" and verdict == "permit"), key


@settings(max_examples=300, deadline=None)
@given(world=worlds(), action=st.sampled_from(("withdrawn", "objected", "denied")))
def test_a_refusal_stands_against_older_and_simultaneous_grants(world: World, action: str) -> None:
    refusals, grants = [], []
    for number, (kind, identifier) in enumerate(IDENTIFIERS):
        refusal = ConsentEvent(
            event_id=f"r{number}",
            identifier_type=kind,
            identifier=identifier,
            purpose="marketing",
            channel="email",
            action=action,
            source="web_form",
            occurred_at=AS_OF,
            recorded_at=AS_OF,
        )
        refusals.append(refusal)
        grants += [
            replace(
                refusal,
                event_id=f"g{number}{hours}",
                action="granted",
                occurred_at=AS_OF - timedelta(hours=hours),
                notice_version="2026-03",
            )
            for hours in (0, 1)
        ]
    after = python_permits(replace(world, events=[*world.events, *refusals, *grants]))
    for person in world.persons:
        if person.links:
            assert after[person.person_id, "marketing", "email"][0] == "deny"


@settings(max_examples=300, deadline=None)
@given(world=worlds(), data=st.data())
def test_what_a_system_brings_in_never_turns_a_refusal_into_a_permit(
    world: World, data: st.DataObject
) -> None:
    added = an_event(lambda options: data.draw(st.sampled_from(options)), 99, IDENTIFIERS)
    added = replace(added, source=data.draw(st.sampled_from(sorted(SYSTEM_SOURCES))))
    before = python_permits(world)
    after = python_permits(replace(world, events=[*world.events, added]))
    lasting = ("erased", "restricted", "suppressed", "denied", "withdrawn", "objected", "opted_out")
    for key, (_, reason, *_) in before.items():
        if reason in lasting:
            assert after[key][0] == "deny", key


@settings(max_examples=300, deadline=None)
@given(world=worlds())
def test_a_late_grant_that_is_older_than_a_refusal_changes_no_verdict(world: World) -> None:
    before = python_permits(world)
    for (person_id, purpose, channel), (_, reason, _, evidence) in before.items():
        if reason not in ("denied", "withdrawn", "objected"):
            continue
        refusal = next(e for e in world.events if e.event_id == evidence)
        late = replace(
            refusal,
            event_id="late",
            purpose=purpose,
            channel=channel,
            action="granted",
            source="web_form",
            occurred_at=refusal.occurred_at - timedelta(seconds=1),
            recorded_at=AS_OF,
            expires_at=None,
        )
        after = python_permits(replace(world, events=[*world.events, late]))
        assert after[person_id, purpose, channel][0] == "deny"
        return


@settings(max_examples=300, deadline=None)
@given(world=worlds())
def test_what_is_not_yet_known_changes_nothing(world: World) -> None:
    known = [e for e in world.events if e.occurred_at <= AS_OF and e.recorded_at <= AS_OF]
    assert python_permits(replace(world, events=known)) == python_permits(world)


@settings(max_examples=300, deadline=None)
@given(world=worlds())
def test_an_opt_out_signal_refuses_what_the_regime_binds_and_touches_nothing_else(
    world: World,
) -> None:
    bound = {"GB", "DE"}
    signals = [
        ConsentEvent(
            event_id=f"s{number}",
            identifier_type=kind,
            identifier=identifier,
            purpose=ANY,
            channel=ANY,
            action=OPTED_OUT,
            source="gpc",
            occurred_at=AS_OF,
            recorded_at=AS_OF,
        )
        for number, (kind, identifier) in enumerate(IDENTIFIERS)
    ]
    before = python_permits(world)
    after = python_permits(replace(world, events=[*world.events, *signals]))
    lives_in = {person.person_id: person.jurisdiction for person in world.persons}
    reached = {person.person_id for person in world.persons if person.links}
    for key, verdict in after.items():
        person_id, purpose, _ = key
        if purpose == "advertising" and lives_in[person_id] in bound and person_id in reached:
            assert verdict[0] == "deny", key
        elif purpose != "advertising" or lives_in[person_id] not in bound:
            assert verdict == before[key], key
