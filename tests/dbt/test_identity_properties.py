"""What holds of every history of records: who is one person, and what becomes of their ids."""

import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activation.store import identity_overrides
from activation.store.identity_overrides import Override
from tests.dbt.builder import AS_OF, Warehouse
from tests.dbt.identity_sql import IdentitySql, Model, union_find
from tests.dbt.people import commit_identity, partition

World = dict[str, list[dict[str, Any]]]
CONTACTS, CUSTOMERS, TICKETS = (
    "staging.stg_crm__contacts",
    "staging.stg_policy__policyholders",
    "staging.stg_service__tickets",
)
SAID: dict[str, Any] = {"author": "steward", "reason": "the customer called", "at": AS_OF}
few = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def one_of(values: Sequence[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([None, *values])


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Records out of few names, mailboxes and phones, so that every kind of collision occurs."""
    numbers = st.sets(st.integers(0, 7))
    named = st.fixed_dictionaries(
        {
            "name_given_normalised": st.sampled_from(["ann", "ben", "abe"]),
            "name_family_normalised": st.sampled_from(["ash", "birch"]),
            "email": one_of(["m1@example.com", "m2@example.com", "m3@example.com"]),
            "phone_e164": one_of(["+447700900101", "+447700900102"]),
            "country": st.just("GB"),
        }
    )
    born = st.fixed_dictionaries(
        {
            "date_of_birth": one_of([date(1980, 1, 2), date(1980, 2, 1)]),
            "postcode_normalised": one_of(["AB12CD"]),
            "street": one_of(["1 High Street"]),
            "updated_at": st.just(AS_OF),
        }
    )
    return {
        CONTACTS: [
            {"record_key": f"crm.contacts:C{i}", "contact_id": f"C{i}", **draw(named), **draw(born)}
            for i in sorted(draw(numbers))
        ],
        CUSTOMERS: [
            {
                "record_key": f"policy.policyholders:{i}",
                "customer_number": str(i),
                "crm_contact_id": draw(one_of([f"C{i}", "C0"])),
                **draw(named),
                **draw(born),
            }
            for i in sorted(draw(numbers))
        ],
        TICKETS: [
            {
                "record_key": f"service.tickets:T{i}",
                "ticket_id": f"T{i}",
                "opened_at": AS_OF,
                **draw(named),
            }
            for i in sorted(draw(numbers))
        ],
    }


@pytest.fixture(scope="module")
def identity(shared_warehouse: Callable[[str], Warehouse]) -> IdentitySql:
    """The compiled models of models/identity, in the order of their references."""
    results = shared_warehouse("identity").run_dbt(["compile", "--select", "path:models/identity"])
    return IdentitySql(
        [
            Model(
                relation=one.node.relation_name,
                sql=one.node.compiled_code,
                is_components=one.node.config.materialized == "components",
                scope=one.node.config.get("scope"),
            )
            for one in results
            if one.node.resource_type == "model"
        ]
    )


def run(identity: IdentitySql, world: World, day: int = 0) -> dict[str, str]:
    """Build the world as the run of a day and commit it; record_key -> person_id."""
    for table, rows in world.items():
        identity.replace(table, rows)
    found = identity.build(AS_OF + timedelta(days=day))
    commit_identity(identity)
    return found


def start(identity: IdentitySql, world: World) -> dict[str, str]:
    identity.forget()
    return run(identity, world)


def record_keys(world: World) -> list[str]:
    return sorted(row["record_key"] for rows in world.values() for row in rows)


def decisions(
    records: Sequence[str], persons: set[frozenset[str]]
) -> st.SearchStrategy[list[Override]]:
    """Up to three overrides about these records, which may contradict one another."""
    some = st.sampled_from(records)
    pairs = st.tuples(some, some).filter(lambda pair: pair[0] != pair[1])
    joined = [pair for one in persons for pair in combinations(sorted(one), 2)]
    if joined:  # whom to part is mostly asked about records that are one person
        pairs = st.one_of(st.sampled_from(sorted(joined)), pairs)
    return st.lists(
        st.one_of(
            st.builds(lambda pair: identity_overrides.pair("never_link", pair, **SAID), pairs),
            st.builds(lambda pair: identity_overrides.pair("always_link", pair, **SAID), pairs),
            st.builds(lambda one: identity_overrides.detach(one, **SAID), some),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda one: (one.kind, one.record_key, one.other_record_key),
    )


def decide(identity: IdentitySql, overrides: Sequence[Override]) -> None:
    """Make these the overrides that stand."""
    columns = ("override_id", "kind", "record_key", "other_record_key")
    rows = [{name: getattr(one, name) for name in columns} for one in overrides]
    identity.replace("store.identity_override", rows)


@few
@given(world=worlds(), seed=st.integers(0, 99))
def test_the_order_of_records_does_not_matter(
    identity: IdentitySql, world: World, seed: int
) -> None:
    first = start(identity, world)
    for rows in world.values():
        random.Random(seed).shuffle(rows)
    assert start(identity, world) == first
    assert sorted(first) == record_keys(world)


@few
@given(world=worlds())
def test_a_second_run_changes_nothing(identity: IdentitySql, world: World) -> None:
    first = start(identity, world)
    log = identity.rows("select * from store.identity_change order by all")
    assert run(identity, world, day=1) == first
    assert identity.rows("select * from store.identity_change order by all") == log


@few
@given(world=worlds(), new=worlds())
def test_a_new_record_changes_nobody_who_shares_no_value_with_it(
    identity: IdentitySql, world: World, new: World
) -> None:
    before = start(identity, world)
    added = next((row for row in new[TICKETS]), None)
    if added is None:
        return
    added = {**added, "record_key": "service.tickets:new", "ticket_id": "new"}
    after = run(identity, {**world, TICKETS: [*world[TICKETS], added]}, day=1)
    touched = union_find(
        identity.rows(
            "select record_key, key_hash::varchar from identity.id_keys"
            " union all select record_key, key_hash::varchar from identity.id_composite_keys"
        )
    )
    near = touched.get("service.tickets:new", "nothing")
    for record, person_id in before.items():
        if touched.get(record) != near:
            assert after[record] == person_id


@few
@given(history=st.lists(worlds(), min_size=2, max_size=4))
def test_the_log_replays_to_the_map_and_nobody_untouched_gets_another_id(
    identity: IdentitySql, history: list[World]
) -> None:
    before = start(identity, history[0])
    retired: set[str] = set()
    for day, world in enumerate(history[1:], start=1):
        persons_before = partition(identity)
        after = run(identity, world, day)
        for records in persons_before & partition(identity):
            assert {before[one] for one in records} == {after[one] for one in records}
        retired |= set(before.values()) - set(after.values())
        assert not retired & set(after.values()), "an id that was retired came back"
        before = after
    replayed: dict[str, str | None] = {}
    for record, old, new in identity.rows(
        "select record_key, old_person_id, new_person_id from store.identity_change"
        " order by changed_at"
    ):
        assert replayed.get(record) == old
        replayed[record] = new
    assert {record: person for record, person in replayed.items() if person} == before


@few
@given(world=worlds().filter(lambda world: len(record_keys(world)) > 1), data=st.data())
def test_what_a_person_decided_holds_and_its_end_restores_everybody(
    identity: IdentitySql, world: World, data: st.DataObject
) -> None:
    before = start(identity, world)
    persons_before = partition(identity)
    overrides = data.draw(decisions(record_keys(world), persons_before))
    decide(identity, overrides)
    between = run(identity, world, day=1)
    persons_between = partition(identity)
    assert sorted(between) == record_keys(world)
    linked = {
        record
        for one in overrides
        if one.kind == "always_link"
        for record in (one.record_key, one.other_record_key)
    }
    for one in overrides:
        if one.kind == "never_link":
            assert between[str(one.record_key)] != between[str(one.other_record_key)]
        if one.kind == "detach" and one.record_key not in linked:
            assert frozenset({one.record_key}) in persons_between
    decide(identity, [])
    restored = run(identity, world, day=2)
    assert partition(identity) == persons_before
    # who was merged in between comes back under an id never used before
    if all(any(part <= whole for whole in persons_before) for part in persons_between):
        assert restored == before
