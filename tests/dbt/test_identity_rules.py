"""Who is joined and who is not: one small world of the cases that exports really hold.

All cases stand in one warehouse, with names and addresses of their own, so that one build serves
every test and a case that leaks into another fails too.
"""

import re
from collections.abc import Callable

import pytest
from dbt_common.exceptions import DbtBaseException

from tests.dbt.builder import Warehouse
from tests.dbt.people import account, contact, partition, person, persons, policyholder, ticket

CALL_CENTRE = "+44 20 7946 0000"
MAILBOX = "office@broker.example"
FAMILIES = ("Abbot", "Brook", "Clay", "Dale", "East", "Frost", "Glenn", "Hart", "Irwin", "Judd")

CONTACTS = [
    # two customers of the same name and birth date, and a contact that could be either
    contact("C-twin-name", **person("Mary", "Stone", "1960-05-04")),
    # a household that shares a mailbox and a phone
    contact(
        "C-hh-1",
        **person("Ivor", "Penn", "1970-01-02"),
        email="penn@example.com",
        phone="07700 900101",
    ),
    contact(
        "C-hh-2",
        **person("Una", "Penn", "1972-03-04"),
        email="Penn@Example.com",
        phone="+44 7700 900101",
    ),
    # everybody behind one call centre and one broker
    *(
        contact(
            f"C-agent-{family}",
            **person("Alex", family, f"19{50 + i}-01-02"),
            phone=CALL_CENTRE,
            email=MAILBOX,
        )
        for i, family in enumerate(FAMILIES)
    ),
    contact(
        "C-agent-Abbot-2", **person("Alex", "Kirk", "1991-01-02"), phone=CALL_CENTRE, email=MAILBOX
    ),
    # placeholders
    contact("C-tbc-1", **person("TBC", "TBC"), email="n/a", phone="TBC", postcode="n/a"),
    contact("C-tbc-2", **person("TBC", "TBC"), email="n/a", phone="TBC", postcode="n/a"),
    contact("C-unborn-1", **person("Sam", "Reed", "1900-01-01")),
    contact("C-unborn-2", **person("Sam", "Reed", "1900-01-01")),
    # swapped names, swapped day and month
    contact("C-swap", **person("Orla", "Quill", "1985-02-03"), email="orla@example.com"),
    contact("C-day", **person("Noor", "Vale", "1990-03-07"), postcode="AB1 2CD"),
    # a leading zero is part of a customer number
    contact("C-zero", **person("Zed", "Null", "1950-06-07")),
    # twins with one mailbox
    contact("C-twin-1", **person("Ann", "Marsh", "2001-09-09"), email="marsh@example.com"),
    contact("C-twin-2", **person("Bea", "Marsh", "2001-09-09"), email="marsh@example.com"),
    # father and son of one name in one house
    contact(
        "C-father",
        **person("John", "Oak", "1955-01-01"),
        email="oak@example.com",
        street="1 High Street",
        postcode="OA1 1AA",
    ),
    contact(
        "C-son",
        **person("John", "Oak", "1985-01-01"),
        email="oak@example.com",
        street="1 High Street",
        postcode="OA1 1AA",
    ),
    # a contact whom weak evidence ties to two customers
    contact("C-between", **person("Rhys", "Tarn", "1966-06-06"), phone="07700 900109"),
]
POLICYHOLDERS = [
    policyholder("100", **person("Mary", "Stone", "1960-05-04")),
    policyholder("200", **person("Mary", "Stone", "1960-05-04")),
    policyholder("300", **person("Una", "Penn", "1972-03-04"), phone="07700900101"),
    policyholder("400", **person("Quill", "Orla", "1985-02-03"), email="orla@example.com"),
    policyholder("500", **person("Noor", "Vale", "1990-07-03"), postcode="ab12cd"),
    policyholder("0600", **person("Zed", "Null", "1950-06-07"), crm_contact_id="C-zero"),
    policyholder("600", **person("Zara", "Nought", "1951-01-01")),
    policyholder("700", **person("Ann", "Marsh", "2001-09-09"), email="marsh@example.com"),
    policyholder("800", **person("Bea", "Marsh", "2001-09-09"), email="marsh@example.com"),
    policyholder("900", **person("Rhys", "Tarn", "1966-06-06"), postcode="RT1 1RT"),
    policyholder("901", **person("Rhys", "Tarn", "1966-09-06"), phone="07700 900109"),
]
TICKETS = [
    ticket("T-una", requester_name="Una Penn", requester_phone="07700 900101"),
    ticket("T-orla", requester_name="Quill Orla", requester_email=" ORLA@example.com"),
    ticket("T-agent", requester_name="Alex Abbot", requester_phone=CALL_CENTRE),
    ticket("T-name-only", requester_name="Una Penn"),
]
ACCOUNTS = [
    account("A-zero", login_email="zed@example.com", customer_number="0600"),
    account("A-six", login_email="zara@example.com", customer_number="600"),
    account("A-tbc-1", login_email="first@example.com", customer_number="TBC", device_id="kiosk"),
    account("A-tbc-2", login_email="second@example.com", customer_number="TBC", device_id="kiosk"),
    account("A-penn", login_email="penn@example.com", customer_number="300"),
]


@pytest.fixture(scope="module")
def world(shared_warehouse: Callable[[str], Warehouse]) -> Warehouse:
    warehouse = shared_warehouse("identity_rules")
    warehouse.insert("crm_contacts", CONTACTS)
    warehouse.insert("policy_policyholders", POLICYHOLDERS)
    warehouse.insert("service_tickets", TICKETS)
    warehouse.insert("product_accounts", ACCOUNTS)
    warehouse.build("+id_persons", "+id_person_identifiers")
    return warehouse


@pytest.fixture(scope="module")
def person_of(world: Warehouse) -> dict[str, str]:
    return persons(world)


def status_of(world: Warehouse, identifier: str) -> set[str]:
    return {
        status
        for (status,) in world.rows(
            f"select status from identity.id_identifiers where identifier = '{identifier}'"
        )
    }


def test_same_name_and_birth_date_never_joins_two_customers(person_of: dict[str, str]) -> None:
    assert person_of["100"] != person_of["200"]
    assert person_of["C-twin-name"] not in (person_of["100"], person_of["200"])


def test_weak_evidence_for_two_customers_joins_neither_to_the_other(
    person_of: dict[str, str],
) -> None:
    assert person_of["900"] != person_of["901"]


def test_the_guard_records_which_links_it_dropped_and_why(
    world: Warehouse, person_of: dict[str, str]
) -> None:
    guarded = world.rows(
        "select record_key, reason, kept_tier from identity.id_guarded order by record_key"
    )
    assert guarded == [
        ("crm.contacts:C-between", "two_customers", 6),
        ("policy.policyholders:900", "two_customers", 0),
        ("policy.policyholders:901", "two_customers", 6),
    ]
    assert person_of["C-between"] == person_of["901"], "the phone is stronger than name and date"


def test_a_household_with_one_phone_and_mailbox_stays_apart(
    world: Warehouse, person_of: dict[str, str]
) -> None:
    assert person_of["C-hh-1"] != person_of["C-hh-2"]
    assert status_of(world, "penn@example.com") == {"shared"}


def test_a_shared_phone_joins_together_with_a_given_name(person_of: dict[str, str]) -> None:
    assert person_of["C-hh-2"] == person_of["300"] == person_of["T-una"]


def test_an_account_without_a_name_does_not_carry_a_shared_mailbox_to_its_customer(
    person_of: dict[str, str],
) -> None:
    assert person_of["A-penn"] == person_of["300"]
    assert person_of["A-penn"] != person_of["C-hh-1"]


def test_a_call_centre_and_a_broker_join_nobody(
    world: Warehouse, person_of: dict[str, str]
) -> None:
    agents = {person_of[f"C-agent-{family}"] for family in FAMILIES}
    assert len(agents | {person_of["C-agent-Abbot-2"], person_of["T-agent"]}) == len(FAMILIES) + 2
    assert status_of(world, MAILBOX) == {"blocked"}
    assert status_of(world, "+442079460000") == {"blocked"}


def test_placeholders_join_nobody(person_of: dict[str, str]) -> None:
    assert person_of["C-tbc-1"] != person_of["C-tbc-2"]
    assert person_of["A-tbc-1"] != person_of["A-tbc-2"]
    assert person_of["C-unborn-1"] != person_of["C-unborn-2"]


def test_swapped_names_are_one_person(person_of: dict[str, str]) -> None:
    assert person_of["C-swap"] == person_of["400"] == person_of["T-orla"]


def test_swapped_day_and_month_are_one_person_at_one_postcode(person_of: dict[str, str]) -> None:
    assert person_of["C-day"] == person_of["500"]


def test_a_leading_zero_is_part_of_a_customer_number(person_of: dict[str, str]) -> None:
    assert person_of["C-zero"] == person_of["0600"] == person_of["A-zero"]
    assert person_of["A-six"] == person_of["600"] != person_of["0600"]


def test_twins_with_one_mailbox_stay_apart(person_of: dict[str, str]) -> None:
    assert person_of["C-twin-1"] == person_of["700"]
    assert person_of["C-twin-2"] == person_of["800"]
    assert person_of["700"] != person_of["800"]


def test_father_and_son_of_one_name_stay_apart(person_of: dict[str, str]) -> None:
    assert person_of["C-father"] != person_of["C-son"]


def test_a_kiosk_device_is_shared(world: Warehouse) -> None:
    assert status_of(world, "kiosk") == {"shared"}


def test_a_name_alone_joins_nobody(person_of: dict[str, str]) -> None:
    assert person_of["T-name-only"] != person_of["T-una"]


def test_assurance_says_how_each_record_hangs_on(world: Warehouse) -> None:
    assurance = dict(world.rows("select record_id, assurance from identity.id_records"))
    assert assurance["0600"] == assurance["C-zero"] == assurance["A-zero"] == "A"
    assert assurance["400"] == "A"
    assert assurance["C-swap"] == assurance["T-orla"] == "B"
    assert assurance["C-day"] == "C"


def test_a_shared_identifier_may_only_restrict(world: Warehouse, person_of: dict[str, str]) -> None:
    rows = world.rows(
        "select identifier_type, is_restriction_only from identity.id_person_identifiers"
        f" where person_id = '{person_of['300']}' order by identifier_type, identifier"
    )
    assert rows == [
        ("account_id", False),
        ("contact_id", True),
        ("customer_number", False),
        ("email", True),
        ("phone", True),
        ("ticket_id", True),
    ]


def test_every_link_joins_records_of_one_person(world: Warehouse) -> None:
    crossing = world.rows(
        "select link.rule from identity.id_links as link"
        " inner join identity.id_records as a on a.record_key = link.record_key"
        " inner join identity.id_records as b on b.record_key = link.anchor_key"
        " where a.person_id <> b.person_id"
    )
    assert crossing == []


def test_every_record_belongs_to_exactly_one_person(world: Warehouse) -> None:
    records = [record for group in partition(world) for record in group]
    expected = len(CONTACTS) + len(POLICYHOLDERS) + len(TICKETS) + len(ACCOUNTS)
    assert len(records) == len(set(records)) == expected


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"given_name": ["polcy"]}, "given_name: polcy is no source system"),
        ({"given_names": ["policy"]}, "given_names is no field of a person"),
        ({"given_name": ["policy"]}, "lacks 'family_name'"),
    ],
)
def test_a_fault_of_the_survivorship_names_the_field_and_the_fix(
    world: Warehouse, declared: dict[str, list[str]], said: str
) -> None:
    with pytest.raises(DbtBaseException, match=re.escape(said)):
        world.run_dbt(
            ["compile", "--select", "id_persons"], variables={"identity_survivorship": declared}
        )


@pytest.mark.parametrize("completed", ["emial", "phone"])
def test_a_composite_holds_the_value_that_it_completes(world: Warehouse, completed: str) -> None:
    rule = {
        "rule": "email_name",
        "kind": "composite",
        "of": completed,
        "tier": 5,
        "assurance": "C",
        "key": ["email", "name_words"],
        "max_records": 12,
    }
    phone = {**rule, "rule": "phone", "kind": "identifier", "key": ["phone_e164"]}
    with pytest.raises(DbtBaseException, match="rule email_name: 'of' names a rule whose columns"):
        world.run_dbt(
            ["compile", "--select", "id_rules"],
            variables={"identity_rules": [rule, phone | {"of": None}]},
        )
