"""Both layers over one small world: what a score joins, at which assurance, and how it is told."""

import re
from collections.abc import Callable
from datetime import timedelta

import duckdb
import pytest

from orchestration.environment import DBT_PROJECT_DIR
from orchestration.identity_account import read_account
from orchestration.identity_words import in_words
from orchestration.matching.step import load_model, match
from tests.dbt.builder import AS_OF, Warehouse
from tests.dbt.people import commit_identity, contact, partition, person, persons, policyholder

CALL_CENTRE = "+44 20 7946 0000"
FAMILIES = ("Abbot", "Brook", "Clay", "Dale", "East", "Frost", "Glenn", "Hart", "Irwin", "Judd")
HOME = {"street": "1 High Street", "postcode": "AB1 2CD"}
YARD = {"street": "2 Low Street", "postcode": "EF3 4GH"}

CONTACTS = [
    # a slip in the family name, no identifier in common, and they moved house
    contact("C-slip", **person("Anna", "Murphy", "1968-06-14"), email="anna@example.com", **YARD),
    # the same slip between two customers
    contact("C-two", **person("Olaf", "Sorensen", "1971-02-03"), **HOME),
    # twins of one address
    contact("C-twin-1", **person("Ann", "Marsh", "2001-09-09"), email="ann@example.com", **HOME),
    contact("C-twin-2", **person("Bea", "Marsh", "2001-09-09"), email="bea@example.com", **HOME),
    # a household with one phone
    contact("C-hh-1", **person("Ivor", "Penn", "1970-01-02"), phone="07700 900101", **YARD),
    contact("C-hh-2", **person("Ida", "Penn", "1972-03-04"), phone="07700 900101", **YARD),
    # a call centre's phone on two who are nearly namesakes
    *(
        contact(f"C-agent-{name}", **person("Alex", name, f"19{50 + i}-01-02"), phone=CALL_CENTRE)
        for i, name in enumerate(FAMILIES)
    ),
    contact("C-agent-x", **person("Alex", "Abbott", None), phone=CALL_CENTRE),
    # placeholders
    contact("C-tbc-1", **person("TBC", "n/a", "1980-01-01"), postcode="n/a"),
    contact("C-tbc-2", **person("TBC", "n/a", "1980-01-01"), postcode="n/a"),
    # day and month swapped and the family name short of a letter, at another address
    contact("C-day", **person("Noor", "Vale", "1990-03-07"), **YARD),
]
POLICYHOLDERS = [
    policyholder("0010", **person("Anna", "Murpyh", "1968-06-14"), phone="07700 900177", **HOME),
    policyholder("20", **person("Olaf", "Sorensen", "1971-02-03"), crm_contact_id="C-two", **HOME),
    policyholder("21", **person("Olaf", "Sorensne", "1971-02-03"), **YARD),
    policyholder("30", **person("Noor", "Val", "1990-07-03"), **YARD),
]


PERSONS = [
    "id_contact_components",
    "id_joined",
    "id_joined_violations",
    "id_probable_links",
    "id_clusters",
    "id_assignments",
    "id_records",
    "id_links",
    "id_changes",
]


def solve(warehouse: Warehouse) -> None:
    """What a run does: rules, scores, persons."""
    warehouse.build("+id_comparables", "+id_rule_clusters", data_tests=False)
    with duckdb.connect(warehouse.path) as connection:
        match(connection, load_model(DBT_PROJECT_DIR))
    warehouse.build(*PERSONS, data_tests=False)


@pytest.fixture(scope="module")
def world(shared_warehouse: Callable[[str], Warehouse]) -> Warehouse:
    warehouse = shared_warehouse("identity_matching")
    warehouse.insert("crm_contacts", CONTACTS)
    warehouse.insert("policy_policyholders", POLICYHOLDERS)
    solve(warehouse)
    warehouse.build(
        "id_review",
        "id_identifiers",
        "stg_billing__invoices",
        "stg_policy__policies",
        "id_person_identifiers",
        data_tests=False,
    )
    return warehouse


@pytest.fixture(scope="module")
def person_of(world: Warehouse) -> dict[str, str]:
    return persons(world)


def told(world: Warehouse, record: str) -> str:
    with duckdb.connect(world.path) as connection:
        return "\n".join(in_words(read_account(connection, record), []))


def test_a_slip_in_the_name_is_joined_by_its_score_at_assurance_d(
    world: Warehouse, person_of: dict[str, str]
) -> None:
    assert person_of["C-slip"] == person_of["0010"]
    rows = dict(world.rows("select record_id, assurance from identity.id_records"))
    assert rows["0010"] == "A", "the customer is the core"
    assert rows["C-slip"] == "D"


def test_what_a_score_joined_may_only_restrict(world: Warehouse, person_of: dict[str, str]) -> None:
    rows = world.rows(
        "select identifier, is_restriction_only from identity.id_person_identifiers "
        f"where person_id = '{person_of['0010']}'"
    )
    said = dict(rows)
    assert said["anna@example.com"] is True
    assert said["+447700900177"] is False


def test_a_score_joins_no_two_customers_and_asks(
    world: Warehouse, person_of: dict[str, str]
) -> None:
    assert person_of["20"] != person_of["21"]
    reasons = world.rows(
        "select reason from identity.id_review where kind = 'probable' and last_record like '%:21'"
    )
    assert reasons == [("two_customers",)]


def test_twins_are_asked_about(world: Warehouse, person_of: dict[str, str]) -> None:
    assert person_of["C-twin-1"] != person_of["C-twin-2"]


def test_a_household_a_call_centre_and_placeholders_join_nobody(
    person_of: dict[str, str],
) -> None:
    assert person_of["C-hh-1"] != person_of["C-hh-2"]
    agents = {one for record, one in person_of.items() if record.startswith("C-agent")}
    assert len(agents) == len(FAMILIES) + 1
    assert person_of["C-tbc-1"] != person_of["C-tbc-2"]


def test_swapped_day_and_month_with_a_slip_are_one_person(person_of: dict[str, str]) -> None:
    assert person_of["C-day"] == person_of["30"]


def test_explain_tells_the_levels_of_a_score_in_words(world: Warehouse) -> None:
    lines = told(world, "crm.contacts:C-slip")
    assert "D  crm.contacts:C-slip  held by probability" in lines
    pair = "policy.policyholders:0010 = crm.contacts:C-slip"
    slip = "the same given name, the family name but for a slip"
    assert re.search(rf"{pair}: 99\.\d % probably one person: {slip} \(\+\d", lines)


def test_explain_tells_who_is_alike_and_why_they_were_not_joined(world: Warehouse) -> None:
    lines = told(world, "policy.policyholders:21")
    assert "Alike, and not joined:" in lines
    assert "not joined, because it would join two customers" in lines


def test_an_override_parts_what_a_score_joined_and_its_end_restores(world: Warehouse) -> None:
    before, ids = partition(world), persons(world)
    commit_identity(world)
    world.insert(
        "identity_override",
        [
            {
                "override_id": "o1",
                "kind": "never_link",
                "record_key": "crm.contacts:C-slip",
                "other_record_key": "policy.policyholders:0010",
            }
        ],
    )
    solve(world)
    assert persons(world)["C-slip"] != persons(world)["0010"]
    assert len(partition(world)) == len(before) + 1
    world.clear("identity_override")
    solve(world)
    assert partition(world) == before
    assert persons(world) == ids


def test_the_order_of_arrival_and_a_rebuild_change_nobody(
    world: Warehouse, shared_warehouse: Callable[[str], Warehouse]
) -> None:
    other = shared_warehouse("identity_matching_turned")
    other.insert("policy_policyholders", POLICYHOLDERS[:1])
    other.insert("crm_contacts", CONTACTS[::-2])
    solve(other)
    other.insert("crm_contacts", CONTACTS[::-1][1::2])
    other.insert("policy_policyholders", POLICYHOLDERS[:0:-1])
    solve(other)
    assert partition(other) == partition(world)
    commit_identity(other)
    other.build(*PERSONS, as_of=AS_OF + timedelta(days=1), data_tests=False)
    assert other.rows(
        "select count(*) from identity.id_changes where changed_at > "
        f"timestamptz '{AS_OF.isoformat()}'"
    ) == [(0,)]


def test_a_new_record_changes_no_unrelated_person(world: Warehouse) -> None:
    before = partition(world)
    world.insert("crm_contacts", [contact("C-new", **person("Zoe", "Quill", "1999-12-31"))])
    solve(world)
    assert partition(world) == before | {frozenset({"crm.contacts:C-new"})}
