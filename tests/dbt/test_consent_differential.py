"""The precedence table in SQL and in Python give the same verdicts, down to the evidence."""

from collections.abc import Callable
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings

from activation.consent.vocabulary import ADDRESS_TYPE, ANY
from tests.dbt.builder import AS_OF, Warehouse
from tests.dbt.consent_cases import random_world, worlds
from tests.dbt.consent_sql import ConsentSql
from tests.dbt.consent_world import Permits, World, python_permits


@pytest.fixture(scope="module")
def consent_sql(shared_warehouse: Callable[[str], Warehouse]) -> ConsentSql:
    """The compiled models of models/consent, in the order of their references."""
    results = shared_warehouse("consent").run_dbt(["compile", "--select", "path:models/consent"])
    nodes = [r.node for r in results if r.node.resource_type == "model"]
    assert len(nodes) == 11
    return ConsentSql([(node.relation_name, node.compiled_code) for node in nodes])


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
    ("con_opt_outs", "signals.occurred_at < own_grants", "signals.occurred_at <= own_grants"),
    ("con_opt_outs", "action = 'opted_out'", "action in ('opted_out', 'objected')"),
    ("con_opt_outs", "(occurred_at, event_id)", "(event_id, occurred_at)"),
    (
        "con_permits",
        "when rules.opt_out_signal then opt_outs.evidence end",
        "when true then opt_outs.evidence end",
    ),
    ("con_permits", "when opted_out_by is not null then 'opted_out'", ""),
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
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
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
        "opted_out",
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


@settings(
    max_examples=75, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
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
