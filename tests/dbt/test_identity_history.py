"""What becomes of an id when its records change; what holds of every history is in
test_identity_properties.py."""

from datetime import timedelta
from typing import Any

from tests.dbt.builder import AS_OF, Warehouse
from tests.dbt.people import (
    commit_identity,
    contact,
    person,
    persons,
    policyholder,
    ticket,
)

MODELS = ("+id_changes", "+id_persons")


def build(warehouse: Warehouse, day: int = 0) -> dict[str, str]:
    """Build and commit the run of a day; return record_id -> person_id."""
    warehouse.build(*MODELS, as_of=AS_OF + timedelta(days=day), data_tests=False)
    commit_identity(warehouse)
    return persons(warehouse)


def changes(warehouse: Warehouse, day: int) -> list[tuple[Any, ...]]:
    moment = (AS_OF + timedelta(days=day)).isoformat()
    return warehouse.rows(
        "select record_key, cause from identity.id_changes"
        f" where changed_at = '{moment}' order by record_key"
    )


def test_an_id_outlives_the_record_it_was_minted_from(warehouse: Warehouse) -> None:
    same = {**person("Ada", "Byron", "1980-12-10"), "email": "ada@example.com"}
    warehouse.insert("crm_contacts", [contact("C1", **same), contact("C2", **same)])
    warehouse.insert("policy_policyholders", [policyholder("001", **same)])
    before = build(warehouse, day=0)
    warehouse.clear("crm_contacts", "contact_id = 'C1'")
    after = build(warehouse, day=1)
    assert after == {"C2": before["C1"], "001": before["C1"]}
    assert changes(warehouse, day=1) == [("crm.contacts:C1", "retired")]


def test_a_merge_keeps_the_larger_person_and_a_split_mints_an_id_never_used(
    warehouse: Warehouse,
) -> None:
    ada = {**person("Ada", "Byron"), "phone": "07700 900101"}
    warehouse.insert("crm_contacts", [contact("C1", **ada), contact("C2", **ada)])
    warehouse.insert(
        "service_tickets",
        [ticket("T1", requester_name="Ada Byron", requester_email="ada@example.com")],
    )
    apart = build(warehouse, day=0)
    assert apart["C1"] == apart["C2"] != apart["T1"]

    bridge = contact("C3", **ada, email="ada@example.com")
    warehouse.insert("crm_contacts", [bridge])
    joined = build(warehouse, day=1)
    assert set(joined.values()) == {apart["C1"]}
    assert changes(warehouse, day=1) == [
        ("crm.contacts:C3", "joined"),
        ("service.tickets:T1", "merged"),
    ]
    merged = warehouse.rows("select person_id, merged_person_count from identity.id_persons")
    assert merged == [(apart["C1"], 1)]

    warehouse.clear("crm_contacts", "contact_id = 'C3'")
    split = build(warehouse, day=2)
    assert split["C1"] == split["C2"] == apart["C1"]
    assert split["T1"] not in set(apart.values())
    assert changes(warehouse, day=2) == [
        ("crm.contacts:C3", "retired"),
        ("service.tickets:T1", "split"),
    ]


def test_the_first_id_is_made_from_the_least_record(warehouse: Warehouse) -> None:
    import hashlib

    warehouse.insert("crm_contacts", [contact("C1", **person("Ada", "Byron"))])
    digest = hashlib.sha256(b"assent.person:crm.contacts:C1").hexdigest()
    assert build(warehouse) == {"C1": f"p_{digest[:16]}"}
