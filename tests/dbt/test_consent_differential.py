"""The precedence table in SQL and in Python give the same verdicts, and the verdicts make sense."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from time import process_time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activation.consent.events import ConsentEvent
from activation.consent.vocabulary import (
    ADDRESS_TYPE,
    ANY,
    LIFTED,
    PERMISSIVE_ACTIONS,
    RESTRICTIVE_ACTIONS,
    SYSTEM_SOURCES,
)
from tests.dbt.builder import AS_OF, Warehouse
from tests.dbt.consent_world import (
    TEST_REGIMES,
    ConsentSql,
    FormerLink,
    Link,
    Permits,
    Person,
    World,
    python_permits,
)

IDENTIFIERS = (
    ("email", "ada@example.com"),
    ("email", "bo@example.com"),
    ("phone", "+447700900001"),
    ("contact_id", "C1"),
    ("contact_id", "C2"),
    ("device_id", "D1"),
)
INSTANTS = tuple(AS_OF + timedelta(hours=hours) for hours in (-24 * 400, -48, -25, -24, -1, 0, 1))
NOTICES = (None, "2025-10", "2025-11", "2026-03", "2026-03", "2026-03", "v9")
PURPOSES = tuple(TEST_REGIMES.purposes)
CHANNELS = tuple(TEST_REGIMES.channels)


@pytest.fixture(scope="module")
def consent_sql(shared_warehouse: Callable[[str], Warehouse]) -> ConsentSql:
    """The compiled models of models/consent, in the order of their references."""
    results = shared_warehouse("consent").run_dbt(["compile", "--select", "path:models/consent"])
    nodes = [r.node for r in results.results if r.node.resource_type == "model"]
    assert len(nodes) == 10
    return ConsentSql([(node.relation_name, node.compiled_code) for node in nodes])


Draw = Callable[[Any], Any]


def a_link(choose: Draw, identifier: tuple[str, str]) -> Link:
    return Link(
        *identifier,
        status=choose(("ok", "ok", "ok", "shared", "conflict", "blocked")),
        assurance=choose("AAABC"),
        is_restriction_only=choose((False, False, False, False, True)),
    )


def a_person(choose: Draw, number: int, identifiers: tuple[tuple[str, str], ...]) -> Person:
    return Person(
        person_id=f"p{number}",
        jurisdiction=choose(("GB", "DE", "DE", "BR", None)),
        policy=choose(("none", "lapsed", "active")),
        is_minor=choose((False, False, False, False, False, True)),
        links=tuple(
            a_link(choose, identifier) for identifier in identifiers if choose((True, False))
        ),
        former_links=tuple(
            FormerLink(*identifier, parted_at=choose(INSTANTS[:-1]))
            for identifier in identifiers
            if choose((True, False, False, False))
        ),
    )


# Weighted, so that the events that interact meet: bounces with newer grants, grants with their
# confirmations. An erasure hides everything else and stays rare.
KINDS = (
    *("bounced",) * 4,
    *("granted",) * 6,
    *("confirmed",) * 3,
    *("refused",) * 3,
    "suppressed",
    "ended",
    "ended",
)
ACTIONS_OF_KIND = {
    "bounced": ("suppressed",),
    "granted": ("granted",),
    "confirmed": ("confirmed",),
    "refused": ("denied", "withdrawn", "objected"),
    "suppressed": ("suppressed",),
    "ended": ("restricted", "restricted", LIFTED, LIFTED, "erased"),
}


def an_event(choose: Draw, number: int, identifiers: tuple[tuple[str, str], ...]) -> ConsentEvent:
    kind = choose(KINDS)
    action = choose(ACTIONS_OF_KIND[kind])
    occurred_at = choose(INSTANTS)
    identifier_type, identifier = choose(identifiers)
    purpose = choose(("marketing", "marketing", "marketing", *PURPOSES))
    channel = choose(("email", "email", "email", "email", *CHANNELS))
    if kind == "bounced":
        addresses = [i for i in identifiers if i[0] in ADDRESS_TYPE.values()]
        identifier_type, identifier = choose(addresses)
        of_type = [c for c, address_type in ADDRESS_TYPE.items() if address_type == identifier_type]
        purpose, channel = ANY, choose(of_type)
    elif kind == "confirmed":
        purpose, channel = "marketing", choose(("email", "email", "sms"))
    elif kind == "ended":
        occurred_at = choose(INSTANTS[3:5])
        purpose, channel = ANY, ANY
    elif action not in PERMISSIVE_ACTIONS:
        purpose, channel = choose((purpose, ANY)), choose((channel, ANY))
    return ConsentEvent(
        event_id=f"e{number}",
        identifier_type=identifier_type,
        identifier=identifier,
        purpose=purpose,
        channel=channel,
        action=action,
        source=choose(("web_form", "web_form", "web_form", "import", "unknown")),
        notice_version=choose(NOTICES),
        occurred_at=occurred_at,
        recorded_at=choose((occurred_at, occurred_at, AS_OF, AS_OF + timedelta(hours=1))),
        expires_at=choose((None, None, None, AS_OF, AS_OF + timedelta(hours=1))),
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Two or three persons who may share identifiers, and a handful of events about few scopes."""

    def choose(options: Any) -> Any:
        return draw(st.sampled_from(options))

    persons = [a_person(choose, n, IDENTIFIERS) for n in range(draw(st.integers(1, 3)))]
    events = [an_event(choose, n, IDENTIFIERS) for n in range(draw(st.integers(0, 6)))]
    copied_at = choose((AS_OF, AS_OF, AS_OF - timedelta(hours=24), INSTANTS[2], None))
    return World(persons, events, copied_at)


def random_world(seed: int, persons: int) -> World:
    """Groups of three persons, each group with its own identifiers and events."""
    rng = random.Random(seed)
    groups = [
        tuple((kind, f"{group}-{value}") for kind, value in IDENTIFIERS)
        for group in range(persons // 3)
    ]
    return World(
        [
            a_person(rng.choice, 3 * group + n, identifiers)
            for group, identifiers in enumerate(groups)
            for n in range(3)
        ],
        [
            an_event(rng.choice, 20 * group + n, identifiers)
            for group, identifiers in enumerate(groups)
            for n in range(rng.randint(0, 16))
        ],
    )


@pytest.fixture(scope="module")
def large_world() -> tuple[World, Permits]:
    """A seeded world of 4,500 persons, and what Python says about it."""
    world = random_world(seed=20261120, persons=4500)
    return world, python_permits(world)


# Model, text of its SQL, and a plausible mistake in its place.
MISTAKES = (
    ("con_events", "status = 'ok'", "status <> 'blocked'"),
    ("con_events", "assurance in ('A', 'B')", "assurance in ('A', 'B', 'C')"),
    ("con_events", "and recorded_at <=", "or recorded_at <="),
    ("con_events", "false as may_permit", "true as may_permit"),
    ("con_events", "occurred_at <= parted_at", "occurred_at < parted_at"),
    ("con_events", "occurred_at <= parted_at", "recorded_at <= parted_at"),
    ("con_events", "and not is_about_address", ""),
    ("con_former_links", "max(sides.parted_at)", "min(sides.parted_at)"),
    ("con_own_grants", "'import', 'upsert', 'unknown'", "'import', 'upsert'"),
    ("con_own_grants", "and may_permit", ""),
    ("con_address_suppressions", "occurred_at < reopened", "occurred_at <= reopened"),
    ("con_suppressions", "occurred_at < own_grants", "occurred_at <= own_grants"),
    ("con_suppressions", "where address_events.is_reopened or", "where"),
    ("con_suppressions", "address_events.is_reopened as spares_owed", "false as spares_owed"),
    ("con_suppressions", "where status <> 'blocked'", ""),
    ("con_suppressions", "where closed.address is null", ""),
    ("con_suppressions", "(occurred_at, event_id)", "(event_id, occurred_at)"),
    ("con_persons", "restricted_at < lifted_at", "restricted_at <= lifted_at"),
    ("con_persons", "'lifted' and may_permit", "'lifted'"),
    ("con_persons", "'import', 'upsert', 'unknown'", "'import'"),
    ("con_state", "not coalesce(covering", "coalesce(covering"),
    ("con_state", "covering.action <> 'granted'", "false"),
    ("con_state", "covering.restrictiveness desc", "covering.restrictiveness asc"),
    ("con_state", "covering.expires_at asc nulls last", "covering.expires_at desc nulls first"),
    ("con_state", "confirmed_at >= ranked", "confirmed_at > ranked"),
    ("con_state", "action = 'confirmed' and may_permit", "action = 'confirmed'"),
    ("con_permits", "states.expires_at <=", "states.expires_at <"),
    ("con_permits", "coalesce(named.jurisdiction, '*')", "'*'"),
    ("con_permits", "basis is null or basis <>", "basis <>"),
    ("con_permits", "then suppressions.evidence_owed", "then null"),
)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "right", "wrong"), MISTAKES)
def test_the_comparison_finds_a_mistake_in_the_sql(
    consent_sql: ConsentSql, large_world: tuple[World, Permits], model: str, right: str, wrong: str
) -> None:
    compiled = [
        (relation, sql.replace(right, wrong) if relation.endswith(f'"{model}"') else sql)
        for relation, sql in consent_sql.compiled
    ]
    assert compiled != list(consent_sql.compiled), "the text is gone from the model"
    world, permits = large_world
    assert ConsentSql(compiled).run(world) != permits


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(world=worlds())
def test_sql_and_python_judge_every_small_world_alike(
    consent_sql: ConsentSql, world: World
) -> None:
    assert consent_sql.run(world) == python_permits(world)


def test_sql_and_python_judge_a_hundred_thousand_cases_alike(
    consent_sql: ConsentSql, large_world: tuple[World, Permits]
) -> None:
    world, from_python = large_world
    from_sql = consent_sql.run(world)
    assert len(from_python) >= 100_000
    differing = {key for key in from_python if from_sql.get(key) != from_python[key]}
    assert differing == set()
    assert from_sql.keys() == from_python.keys()
    reasons = {reason for _, reason, _, _ in from_python.values()}
    assert reasons >= {
        "erased",
        "restricted",
        "suppressed",
        "no_rule",
        "no_contract",
        "withdrawn",
        "objected",
        "denied",
        "minor",
        "special_category",
        "no_consent",
        "unconfirmed",
        "stale_notice",
        "expired",
        "contract",
        "legal_obligation",
        "legitimate_interests",
        "soft_opt_in",
        "consent",
    }


@pytest.mark.slow
def test_sql_and_python_judge_a_million_cases_alike(consent_sql: ConsentSql) -> None:
    world = random_world(seed=20261121, persons=40_500)
    consent_sql.load(world)
    started = process_time()
    consent_sql.build()
    built = process_time() - started
    from_sql = consent_sql.permits()
    from_python = python_permits(world)
    assert len(from_python) >= 1_000_000
    assert {key for key in from_python if from_sql.get(key) != from_python[key]} == set()
    assert from_sql.keys() == from_python.keys()
    print(f"SQL: {built:.1f} CPU s for {len(from_sql):,} verdicts, {len(world.events):,} events")


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
        if reason in ("erased", "restricted", "denied", "withdrawn", "objected"):
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


@settings(max_examples=300, deadline=None)
@given(world=worlds(), data=st.data())
def test_what_a_system_brings_in_never_turns_a_refusal_into_a_permit(
    world: World, data: st.DataObject
) -> None:
    added = an_event(lambda options: data.draw(st.sampled_from(options)), 99, IDENTIFIERS)
    added = replace(added, source=data.draw(st.sampled_from(sorted(SYSTEM_SOURCES))))
    before = python_permits(world)
    after = python_permits(replace(world, events=[*world.events, added]))
    lasting = ("erased", "restricted", "suppressed", "denied", "withdrawn", "objected")
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


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(world=worlds())
def test_no_permit_leads_to_an_address_that_bounced_since_the_persons_last_grant(
    consent_sql: ConsentSql, world: World
) -> None:
    permits = consent_sql.run(world)
    closed = consent_sql.suppressed_addresses()
    bounced = [
        e
        for e in world.events
        if e.action == "suppressed"
        and e.purpose == ANY
        and ADDRESS_TYPE.get(e.channel) == e.identifier_type
        and max(e.occurred_at, e.recorded_at) <= AS_OF
    ]
    for person in world.persons:
        links = {(link.identifier_type, link.identifier): link for link in person.links}
        own_grants = [
            e
            for e in world.events
            if e.action == "granted"
            and e.source == "web_form"
            and max(e.occurred_at, e.recorded_at) <= AS_OF
            and (e.identifier_type, e.identifier) in links
            and links[e.identifier_type, e.identifier].may_permit
        ]
        for (person_id, purpose, channel), (verdict, *_) in permits.items():
            if person_id != person.person_id or verdict == "deny":
                continue
            for bounce in bounced:
                is_usable = (bounce.identifier_type, bounce.identifier) in links and (
                    channel,
                    bounce.identifier,
                ) not in closed
                if bounce.channel == channel and is_usable:
                    since = [g for g in own_grants if g.occurred_at > bounce.occurred_at]
                    assert any(g.channel == channel for g in since)
                    if purpose not in ("claims_service", "legal_notice"):
                        assert any((g.purpose, g.channel) == (purpose, channel) for g in since)
