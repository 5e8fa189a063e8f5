"""Long chains and wide hubs through both layers: none makes a person of more than one can be."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.dbt.builder import Warehouse
from tests.dbt.people import contact, person, persons

MOST_RECORDS = 60  # identity_component_limits in dbt_project.yml

# Everybody has a name and a mailbox of their own and gives the phone of one call centre.
HUB = """
insert into landing.service_tickets by name
select
    'T' || i as ticket_id, 'GB' as country, timestamptz '2026-11-20 06:00:00+00' as opened_at,
    chr(97 + (i % 26)::int) || 'my' || i || ' ' || chr(97 + (i // 26 % 26)::int) || 'oss'
        as requester_name,
    'mailbox' || i || '@example.com' as requester_email, '07700 900111' as requester_phone,
    'service_tickets.csv' as _file, 'service_tickets' as _file_rank, i + 2 as _line,
    repeat('0', 64) as _digest, timestamptz '2026-11-19 06:00:00+00' as _loaded_at
from range(8000) as numbers(i)
"""


def chain(name: str, length: int, phones: int) -> list[dict[str, object]]:
    """Contacts of one name: two share a mailbox, the second and the third a phone, and so on."""
    return [
        contact(
            f"{name}{i:04}",
            **person("Ann", "Ash"),
            email=f"{name}{i // 2}@example.com",
            phone=f"+44 {phones} {(i + 1) // 2:06}",
        )
        for i in range(length)
    ]


def propose(records: list[str]) -> str:
    """Scores that join each record to the next, far above every doubt."""
    rows = ", ".join(
        f"('{a}', '{b}', '{a}', '{b}', 20.0, 0.9999, ['the same'], 'join')"
        for a, b in pairwise(records)
    )
    return (
        "insert into identity.id_proposals (component, other_component, record_key,"
        " other_record_key, match_weight, probability, evidence, verdict)"
        f" values {rows}"
    )


@pytest.fixture(scope="module")
def world(shared_warehouse: Callable[[str], Warehouse]) -> Warehouse:
    warehouse = shared_warehouse("identity_extremes")
    warehouse.run_sql(HUB)
    warehouse.insert("crm_contacts", chain("L", 1000, 7400))
    warehouse.insert("crm_contacts", chain("M", MOST_RECORDS, 7500))
    warehouse.insert("crm_contacts", chain("N", MOST_RECORDS + 1, 7700))
    # what scores alone bring together: a person in twenty records, and a thousand strangers
    alike = [contact(f"S{i:02}", **person("Cy", "Clay")) for i in range(20)]
    warehouse.insert("crm_contacts", alike)
    warehouse.run_sql(propose([f"crm.contacts:{one['contact_id']}" for one in alike]))
    warehouse.run_sql(propose(sorted(f"service.tickets:T{i}" for i in range(1000))))
    warehouse.build("+id_records", "id_review", data_tests=False)
    return warehouse


@pytest.fixture(scope="module")
def sizes(world: Warehouse) -> dict[str, list[int]]:
    """First letter of the record id -> how many records each of its persons has, by size."""
    found: dict[str, Counter[str]] = {}
    for record, one in persons(world).items():
        found.setdefault(record[0], Counter())[one] += 1
    return {letter: sorted(counted.values()) for letter, counted in found.items()}


def test_a_hub_of_8000_joins_nobody_by_value_nor_by_score(sizes: dict[str, list[int]]) -> None:
    assert sizes["T"] == [1] * 8000


def test_a_chain_of_1000_falls_back_to_its_strongest_links(
    world: Warehouse, sizes: dict[str, list[int]]
) -> None:
    assert sizes["L"] == [2] * 500
    together = world.rows(
        "select count(*) from identity.id_links where rule <> 'email' and record_key like '%:L%'"
    )
    assert together == [(0,)]
    guarded = world.rows(
        "select reason, kept_tier, count(*) from identity.id_guarded"
        " where record_key like '%:L%' group by all"
    )
    assert guarded == [("records", 3, 1000)]


def test_a_chain_may_be_as_long_as_one_person_can_have_records_and_no_longer(
    sizes: dict[str, list[int]],
) -> None:
    assert sizes["M"] == [MOST_RECORDS]
    assert sizes["N"] == [1] + [2] * (MOST_RECORDS // 2)


def test_a_chain_of_scores_is_one_person_within_the_limits(
    world: Warehouse, sizes: dict[str, list[int]]
) -> None:
    assert sizes["S"] == [20]
    held = world.rows(
        "select assurance, count(*) from identity.id_records"
        " where record_id like 'S%' group by all order by all"
    )
    assert held == [("A", 1), ("D", 19)]


def test_a_chain_of_scores_through_strangers_is_asked_about(world: Warehouse) -> None:
    asked = world.rows(
        "select kind, reason, count(*) from identity.id_review"
        " where first_record like 'service.tickets:%' group by all"
    )
    assert asked == [("probable", "names", 999)]
