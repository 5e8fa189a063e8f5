"""Merges and splits: no refusal is lost on the way, and nothing that permits crosses a split."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings

from activation.consent.events import ConsentEvent
from activation.consent.vocabulary import SYSTEM_SOURCES
from tests.dbt.builder import AS_OF
from tests.dbt.consent_cases import IDENTIFIERS, worlds
from tests.dbt.consent_world import FormerLink, Person, World, python_permits


def own_grants(person: Person, world: World, scope: tuple[str, str]) -> list[ConsentEvent]:
    """What the person themselves granted for (purpose, channel), as far as it is known."""
    links = {(link.identifier_type, link.identifier): link for link in person.links}
    return [
        e
        for e in world.events
        if e.action == "granted"
        and e.source not in SYSTEM_SOURCES
        and (e.purpose, e.channel) == scope
        and max(e.occurred_at, e.recorded_at) <= AS_OF
        and (e.identifier_type, e.identifier) in links
        and links[e.identifier_type, e.identifier].may_permit
    ]


def merged(first: Person, second: Person) -> Person:
    """One person with both persons' links, the stronger of two links to one identifier."""
    links = {(link.identifier_type, link.identifier): link for link in first.links}
    for link in second.links:
        key = (link.identifier_type, link.identifier)
        if key not in links or link.may_permit:
            links[key] = link
    by_parting = sorted(first.former_links + second.former_links, key=lambda one: one.parted_at)
    former = {(link.identifier_type, link.identifier): link for link in by_parting}
    return replace(first, links=tuple(links.values()), former_links=tuple(former.values()))


@settings(max_examples=300, deadline=None)
@given(world=worlds())
def test_no_merge_permits_against_a_refusal_without_the_persons_own_newer_grant(
    world: World,
) -> None:
    one = merged(world.persons[0], world.persons[-1])
    after = python_permits(replace(world, persons=[one]))
    carried = {(link.identifier_type, link.identifier) for link in one.links}
    for (_, purpose, channel), (verdict, reason, *_) in after.items():
        if verdict == "deny" or reason in ("contract", "legal_obligation"):
            continue
        newest = max(
            (e.occurred_at for e in own_grants(one, world, (purpose, channel))), default=None
        )
        for event in world.events:
            if (
                event.action in ("denied", "withdrawn", "objected")
                and event.covers(purpose, channel)
                and (event.identifier_type, event.identifier) in carried
                and max(event.occurred_at, event.recorded_at) <= AS_OF
            ):
                assert newest is not None
                assert newest > event.occurred_at


@settings(max_examples=300, deadline=None)
@given(world=worlds())
def test_a_merge_lifts_no_refusal_that_neither_persons_own_word_lifts(world: World) -> None:
    first, second = world.persons[0], world.persons[-1]
    before = python_permits(replace(world, persons=[first, replace(second, person_id="other")]))
    after = python_permits(replace(world, persons=[merged(first, second)]))
    for person in (first, second):
        person_id = "other" if person is second else first.person_id
        grants = {
            scope: max((e.occurred_at for e in own_grants(p, world, scope)), default=None)
            for p in (merged(first, second),)
            for scope in {(purpose, channel) for _, purpose, channel in after}
        }
        for (_, purpose, channel), (verdict, *_) in after.items():
            _, reason, _, evidence = before[person_id, purpose, channel]
            if reason not in ("denied", "withdrawn", "objected") or verdict == "deny":
                continue
            refusal = next(e for e in world.events if e.event_id == evidence)
            granted_at = grants[purpose, channel]
            assert granted_at is not None
            assert granted_at > refusal.occurred_at


@settings(max_examples=300, deadline=None)
@given(world=worlds())
def test_a_split_leaves_every_refusal_with_both_sides(world: World) -> None:
    """What con_former_links makes of a split: each side keeps its own identifiers, and of the
    other side's only what was said until the split."""
    whole = world.persons[0]
    cut = len(whole.links) // 2
    sides = [
        replace(
            whole,
            person_id=f"side{number}",
            links=kept,
            former_links=whole.former_links
            + tuple(
                FormerLink(link.identifier_type, link.identifier, AS_OF)
                for link in whole.links
                if link not in kept
            ),
        )
        for number, kept in enumerate((whole.links[:cut], whole.links[cut:]))
    ]
    before = python_permits(replace(world, persons=[whole]))
    after = python_permits(replace(world, persons=sides))
    for (_, purpose, channel), (_, reason, *_) in before.items():
        if reason in ("erased", "restricted", "denied", "withdrawn", "objected", "opted_out"):
            for side in sides:
                assert after[side.person_id, purpose, channel][0] == "deny"


@settings(max_examples=300, deadline=None)
@given(world=worlds())
def test_what_the_other_side_says_after_a_split_changes_nothing(world: World) -> None:
    first = min(event.occurred_at for event in world.events) if world.events else AS_OF
    parted_at = first - timedelta(seconds=1)
    apart = [replace(person, former_links=()) for person in world.persons]
    parted = [
        replace(
            person,
            former_links=tuple(FormerLink(*identifier, parted_at) for identifier in IDENTIFIERS),
        )
        for person in world.persons
    ]
    assert python_permits(replace(world, persons=parted)) == python_permits(
        replace(world, persons=apart)
    )


@settings(max_examples=300, deadline=None)
@given(world=worlds())
def test_a_former_link_never_turns_deny_into_permit(world: World) -> None:
    apart = [replace(person, former_links=()) for person in world.persons]
    before = python_permits(replace(world, persons=apart))
    for key, (verdict, *_) in python_permits(world).items():
        assert verdict == "deny" or before[key][0] == "permit", key
