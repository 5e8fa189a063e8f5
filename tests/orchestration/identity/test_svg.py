"""The drawing of a person: well-formed, complete, deterministic, and silent about numbers."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from orchestration.identity_account import Account, Link, Membership
from orchestration.identity_svg import draw, numbered

RECORDS = (
    Membership("crm.contacts:C1", "A", "contact_id"),
    Membership("policy.policyholders:0042", "A", "contact_id"),
    Membership("service.tickets:<T&1>", "D", "probable"),
)
LINKS = (
    Link("policy.policyholders:0042", "crm.contacts:C1", "contact_id", "authoritative", (), "A",
         None, ()),
    Link("policy.policyholders:0042", "crm.contacts:C1", "email", "identifier", (), "B", None, ()),
    Link("service.tickets:<T&1>", "crm.contacts:C1", "probable", "probable", (), "D", 0.995,
         ("the same name (+12.4)",)),
)  # fmt: skip
ACCOUNT = Account("p_1", RECORDS, LINKS, (), (), (), ())
SVG = "{http://www.w3.org/2000/svg}"


def drawn(account: Account) -> ElementTree.Element:
    return ElementTree.fromstring(draw(account))  # noqa: S314


def test_every_record_and_every_joined_pair_is_drawn_once() -> None:
    group = drawn(ACCOUNT).find(f"{SVG}g")
    assert group is not None
    assert len(group.findall(f"{SVG}circle")) == 3
    assert len(group.findall(f"{SVG}line")) == 2, "two rules of one pair are one line"
    said = {element.text for element in group.iter(f"{SVG}text")}
    assert {one.record_key for one in RECORDS} <= said
    assert {"contact_id +1", "probable"} <= said


def test_a_score_is_dashed_and_a_reference_is_not() -> None:
    lines = drawn(ACCOUNT).iter(f"{SVG}line")
    assert sorted("stroke-dasharray" in line.attrib for line in lines) == [False, True]


def test_the_order_of_links_and_records_does_not_matter() -> None:
    turned = replace(ACCOUNT, records=RECORDS[::-1], links=LINKS[::-1])
    assert draw(turned) == draw(ACCOUNT)


def test_numbered_records_show_no_number_of_a_person() -> None:
    text = draw(ACCOUNT, numbered(ACCOUNT))
    assert "policy 1" in text
    assert not [one for one in RECORDS if one.record_key.partition(":")[2] in text]


@pytest.mark.parametrize("count", [1, 60])
def test_a_single_record_and_a_full_person_are_drawn(count: int) -> None:
    records = tuple(Membership(f"crm.contacts:C{i}", "A", "single") for i in range(count))
    group = drawn(replace(ACCOUNT, records=records, links=())).find(f"{SVG}g")
    assert group is not None
    places = {(circle.get("cx"), circle.get("cy")) for circle in group.iter(f"{SVG}circle")}
    assert len(places) == count


def test_a_person_without_records_is_refused() -> None:
    with pytest.raises(ValueError, match="without records"):
        draw(replace(ACCOUNT, records=(), links=()))
