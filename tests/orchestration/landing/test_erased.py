"""Rows of erased persons are recognised at load, however their identifiers are spelled."""

from collections.abc import Callable

import pytest

from activation.privacy.keyed import Keyed
from activation.privacy.suppression import Suppressed
from orchestration.landing import LoadReport, load
from orchestration.landing.erased import PHONE_TAIL, phone_tail
from tests.orchestration.landing.conftest import START, Zone

KEYED = Keyed(bytes(range(32)))
PEOPLE = """
sources:
  - name: shop
    schema: landing
    tables:
      - name: shop_people
        config:
          meta:
            landing: {entity: people, key: [person_no]}
            policy: {subject: customer, subject_key: person_no, event_time: at}
        columns:
          - name: person_no
            data_type: varchar
            config:
              meta: {landing: {required: true}, policy: {categories: [user.unique_id]}}
          - name: mail
            data_type: varchar
            config: {meta: {policy: {categories: [user.contact.email]}}}
          - name: phone
            data_type: varchar
            config: {meta: {policy: {categories: [user.contact.phone_number]}}}
          - {name: country, data_type: varchar}
          - {name: at, data_type: timestamptz}
      - name: shop_orders
        config:
          meta:
            landing: {entity: orders, key: [order_no]}
            policy: {subject: customer, subject_key: shop_person_no}
        columns:
          - {name: order_no, data_type: varchar, config: {meta: {landing: {required: true}}}}
          - name: shop_person_no
            data_type: varchar
            config: {meta: {policy: {categories: [user.unique_id]}}}
"""
AT = "2026-11-01T00:00:00+00:00"


@pytest.fixture
def people(new_zone: Callable[[], Zone]) -> Zone:
    """A zone with people and their orders."""
    zone = new_zone()
    (zone.sources / "shop" / "_shop__sources.yml").write_text(PEOPLE)
    return zone


def _load(zone: Zone, *pairs: tuple[str, str]) -> LoadReport:
    hashes = {KEYED.hash(kind, value) for kind, value in pairs}
    hashes |= {KEYED.hash(PHONE_TAIL, phone_tail(v)) for k, v in pairs if k == "phone"}
    suppressed = Suppressed(KEYED, frozenset(hashes))
    return load(zone.connection, zone.landing, zone.sources, START, suppressed)


def _write(zone: Zone, *lines: str) -> None:
    content = "\n".join(["person_no,mail,phone,country,at", *lines])
    zone.put("shop/people.csv", content + "\n")


def test_a_key_an_address_and_a_number_in_other_spellings_are_recognised(people: Zone) -> None:
    _write(
        people,
        f"P0001,,,FR,{AT}",
        f"P0002, Ann@X.Example,,FR,{AT}",
        f"P0003,,06 18 94 77 96,FR,{AT}",
        f"P0004,bob@x.example,+33618947797,FR,{AT}",
    )
    report = _load(
        people,
        ("person_no", "P0001"),
        ("email", "ann@x.example"),
        ("phone", "+33618947796"),
    )
    assert report.rows_erased == 3
    assert report.files[0].erased_lines == (2, 3, 4)
    assert people.rows("select person_no from landing.shop_people") == [("P0004",)]
    assert people.rows("select rows_in, rows_accepted, rows_erased from landing.load_audit") == [
        (4, 1, 3)
    ]


def test_a_number_of_another_country_with_the_same_last_digits_is_somebody_else(
    people: Zone,
) -> None:
    _write(people, f"P0001,,0618947796,FR,{AT}", f"P0002,,+4930618947796,DE,{AT}")
    report = _load(people, ("phone", "+4930618947796"))
    assert report.rows_erased == 1
    assert people.rows("select person_no from landing.shop_people") == [("P0001",)]


def test_rows_that_refer_to_an_erased_record_are_recognised(people: Zone) -> None:
    people.put("shop/orders.csv", "order_no,shop_person_no\nO1,P0001\nO2,P0002\n")
    report = _load(people, ("shop_person_no", "P0001"))
    assert report.rows_erased == 1
    assert people.rows("select order_no from landing.shop_orders") == [("O2",)]


def test_a_line_that_cannot_be_read_is_not_quarantined_if_it_names_them(people: Zone) -> None:
    _write(people, "P0001,ann@x.example,too,many,fields,here", "P0002,bob@x.example,too,many,f,g")
    report = _load(people, ("email", "ann@x.example"))
    assert (report.rows_erased, report.rows_quarantined) == (1, 1)
    assert people.rows("select line from landing.quarantine") == [(3,)]


def test_nobody_is_erased_where_the_list_is_empty(people: Zone) -> None:
    _write(people, f"P0001,ann@x.example,,FR,{AT}")
    assert _load(people).rows_erased == 0
