"""What stays the same from run to run: the partition in any order, the ids through any change."""

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.builder import AS_OF, Warehouse
from tests.dbt.people import (
    commit_identity,
    contact,
    partition,
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


def replayed(warehouse: Warehouse) -> dict[str, str]:
    """The map that the committed history gives."""
    current: dict[str, str] = {}
    history = warehouse.rows(
        "select record_key, old_person_id, new_person_id from store.identity_change"
        " order by changed_at, record_key"
    )
    for record_key, old_person_id, new_person_id in history:
        assert current.get(record_key) == old_person_id
        if new_person_id is None:
            del current[record_key]
        else:
            current[record_key] = new_person_id
    return current


def random_records(generator: random.Random) -> dict[str, list[dict[str, Any]]]:
    """People out of few names, mailboxes and phones, so that every kind of collision occurs."""

    def description() -> dict[str, Any]:
        return {
            **person(
                generator.choice(["Ann", "Ben", "Cy"]),
                generator.choice(["Ash", "Birch"]),
                generator.choice([None, "1980-01-02", "1980-02-01", "1990-05-06"]),
            ),
            "email": generator.choice([None, *(f"m{i}@example.com" for i in range(8))]),
            "phone": generator.choice([None, *(f"0770090010{i}" for i in range(8))]),
            "postcode": generator.choice([None, "AB1 2CD", "EF3 4GH"]),
        }

    return {
        "crm_contacts": [contact(f"C{i}", **description()) for i in range(30)],
        "policy_policyholders": [
            policyholder(
                f"{i:03}", crm_contact_id=generator.choice([None, f"C{i}"]), **description()
            )
            for i in range(15)
        ],
        "service_tickets": [
            ticket(
                f"T{i}",
                requester_name=generator.choice(["Ann Ash", "Birch Ben", "Cy Birch"]),
                requester_email=generator.choice([None, "m1@example.com", "m2@example.com"]),
            )
            for i in range(10)
        ],
    }


@pytest.mark.parametrize("seed", range(3))
def test_the_partition_does_not_depend_on_the_order_of_records(
    tmp_path: Path, manifest: Any, seed: int
) -> None:
    partitions = []
    for order in range(2):
        warehouse = Warehouse(tmp_path / str(order), manifest)
        warehouse.create()
        for table, rows in random_records(random.Random(seed)).items():
            random.Random(order).shuffle(rows)
            warehouse.insert(table, rows)
        warehouse.build("+id_records", data_tests=False)
        partitions.append(partition(warehouse))
    assert partitions[0] == partitions[1]
    assert any(len(group) > 1 for group in partitions[0])


def test_an_unchanged_rebuild_changes_nothing(warehouse: Warehouse) -> None:
    for table, rows in random_records(random.Random(7)).items():
        warehouse.insert(table, rows)
    first = build(warehouse, day=0)
    history = warehouse.rows("select count(*) from store.identity_change")
    assert build(warehouse, day=1) == first
    assert warehouse.rows("select count(*) from store.identity_change") == history


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


def test_a_random_history_replays_to_the_current_map(warehouse: Warehouse) -> None:
    generator = random.Random(11)
    universe = random_records(generator)
    seen: set[str] = set()
    living: set[str] = set()
    for day in range(4):
        for table, rows in universe.items():
            warehouse.clear(table)
            warehouse.insert(table, [row for row in rows if generator.random() < 0.7])
        current = build(warehouse, day)
        ids = set(current.values())
        assert not (ids - living) & seen, "an id that was retired came back"
        living, seen = ids, seen | ids
        by_key = dict(warehouse.rows("select record_key, person_id from identity.id_records"))
        assert replayed(warehouse) == by_key
