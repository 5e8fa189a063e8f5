"""What a person decides about who is who: it holds, it harms nobody else, revoking it restores."""

from typing import Any

import pytest

from activation.store import identity_overrides
from activation.store.identity_overrides import Override
from tests.dbt.builder import AS_OF, Warehouse
from tests.dbt.people import account, contact, partition, person, policyholder, ticket
from tests.hash_key import HASH_KEY

SAID = {"author": "steward", "reason": "the customer called", "at": AS_OF}

CONTACTS = [
    # one CRM contact that two customers' files point to by mistake
    contact("C-both", **person("Ida", "Holm", "1971-02-03"), email="holm@example.com"),
    contact("C-other", **person("Ola", "Berg", "1980-05-06"), email="berg@example.com"),
    contact("C-again", **person("Ola", "Berg"), phone="07700 900123"),
    contact("C-mail-1", **person("Ada", "Moss"), email="desk@broker.example"),
    contact("C-mail-2", **person("Ada", "Moss"), email="desk@broker.example"),
]
POLICYHOLDERS = [
    policyholder("1", **person("Ida", "Holm", "1971-02-03"), crm_contact_id="C-both"),
    policyholder("2", **person("Ida", "Holm", "1971-02-03"), crm_contact_id="C-both"),
]
ACCOUNTS = [
    account("A-1", login_email="ida.one@example.com", customer_number="1"),
    account("A-2", login_email="ida.two@example.com", customer_number="2"),
]
TICKETS = [ticket("T-1", requester_name="Ida Holm", requester_email="ida.one@example.com")]

BOTH, ONE, TWO = "crm.contacts:C-both", "policy.policyholders:1", "policy.policyholders:2"
OLA, OLA_AGAIN = "crm.contacts:C-other", "crm.contacts:C-again"


@pytest.fixture(scope="module")
def world(shared_warehouse: Any) -> Warehouse:
    warehouse: Warehouse = shared_warehouse("identity_overrides")
    warehouse.insert("crm_contacts", CONTACTS)
    warehouse.insert("policy_policyholders", POLICYHOLDERS)
    warehouse.insert("product_accounts", ACCOUNTS)
    warehouse.insert("service_tickets", TICKETS)
    return warehouse


def solved(world: Warehouse, *overrides: Override) -> set[frozenset[str]]:
    """The persons as sets of records, with these overrides and no others."""
    columns = tuple(world.tables["identity_override"].columns)
    world.clear("identity_override")
    world.insert(
        "identity_override", [{name: getattr(one, name) for name in columns} for one in overrides]
    )
    world.build("+id_records", "+id_identifiers", data_tests=False)
    return partition(world)


def holding(persons: set[frozenset[str]], record_key: str) -> frozenset[str]:
    return next(one for one in persons if record_key in one)


def test_one_override_and_one_run_part_two_customers_and_each_keeps_what_is_theirs(
    world: Warehouse,
) -> None:
    merged = holding(solved(world), ONE)
    assert {BOTH, ONE, TWO, "product.accounts:A-1", "product.accounts:A-2"} <= merged

    parted = solved(world, identity_overrides.pair("never_link", (TWO, ONE), **SAID))
    assert holding(parted, ONE) == {ONE, "product.accounts:A-1", "service.tickets:T-1"}
    assert holding(parted, TWO) == {TWO, "product.accounts:A-2"}
    assert holding(parted, BOTH) == {BOTH}


def test_a_detached_record_is_alone_and_the_others_stay_joined(world: Warehouse) -> None:
    persons = solved(world, identity_overrides.detach(BOTH, **SAID))
    assert holding(persons, BOTH) == {BOTH}
    assert "product.accounts:A-1" in holding(persons, ONE)


def test_detaching_the_least_record_does_not_lose_the_links_through_its_value(
    world: Warehouse,
) -> None:
    first, second = "product.accounts:A-1", "service.tickets:T-1"
    persons = solved(world, identity_overrides.detach(first, **SAID))
    assert holding(persons, first) == {first}
    assert second not in holding(persons, ONE)


def test_a_blocked_value_joins_nobody_in_any_form(world: Warehouse) -> None:
    first, second = "crm.contacts:C-mail-1", "crm.contacts:C-mail-2"
    assert second in holding(solved(world), first)
    block = identity_overrides.block_value("email", ["desk@broker.example"], HASH_KEY, **SAID)
    persons = solved(world, block)
    assert holding(persons, first) == {first}
    assert holding(persons, second) == {second}
    statuses = world.rows(
        "select distinct status from identity.id_identifiers"
        " where identifier = 'desk@broker.example'"
    )
    assert statuses == [("blocked",)]


def test_two_records_that_share_nothing_are_joined_by_decision(world: Warehouse) -> None:
    assert OLA_AGAIN not in holding(solved(world), OLA)
    link = identity_overrides.pair("always_link", (OLA, OLA_AGAIN), **SAID)
    assert holding(solved(world, link), OLA) == {OLA, OLA_AGAIN}
    assert world.rows(
        f"select assurance, strongest_rule from identity.id_records where record_key = '{OLA}'"
    ) == [("B", "always_link")]


def test_an_override_about_a_record_that_is_gone_waits(world: Warehouse) -> None:
    link = identity_overrides.pair("always_link", (OLA, "crm.contacts:gone"), **SAID)
    assert solved(world, link) == solved(world)
