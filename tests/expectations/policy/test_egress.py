"""What the labels say about what is to leave: fields, region, purposes, categories, and dates."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.policy.egress import EgressTerms, Rule, check_egress
from expectations.policy.graph import PolicyGraph
from expectations.policy.special import special_in
from tests.expectations.policy.graphs import column, graph, insurer, label, relation

TODAY = date(2026, 11, 20)
SCC = {"mechanism": "scc", "reference": "DPA-7", "expires": date(2027, 1, 1)}
REVIEWED = {
    "category": "user.health_and_medical",
    "reason": "the product line alone",
    "approved_by": "dpo@assent.example",
    "expires": date(2027, 1, 1),
}


def terms(**parts: Any) -> EgressTerms:
    usual = {"region": "uk", "purpose": ("renewal",), "fields": ("address", "given_name")}
    return EgressTerms.model_validate(usual | parts)


def rules(terms: EgressTerms, on: date = TODAY, of: PolicyGraph | None = None) -> list[Rule]:
    found = check_egress(of or insurer(), "outbound.out_demo_actions", terms, on)
    return [one.rule for one in found]


def test_fields_within_their_labels_may_leave() -> None:
    assert check_egress(insurer(), "outbound.out_demo_actions", terms(), TODAY) == ()


def test_a_region_outside_residency_needs_a_basis_that_holds_on_the_day() -> None:
    assert rules(terms(region="us")) == [Rule.RESIDENCY, Rule.RESIDENCY]
    dated = terms(region="us", transfer=SCC)
    assert rules(dated) == []
    assert rules(dated, date(2026, 12, 31)) == []
    assert rules(dated, date(2027, 1, 1)) == [Rule.RESIDENCY, Rule.RESIDENCY]
    later = terms(region="us", transfer=SCC | {"starts": date(2026, 11, 21)})
    assert rules(later) == [Rule.RESIDENCY, Rule.RESIDENCY]
    assert rules(later, date(2026, 11, 21)) == []


def test_a_refusal_names_the_field_the_reason_and_the_fix() -> None:
    expired = terms(region="us", fields=("address",), transfer=SCC)
    (refusal,) = check_egress(insurer(), "outbound.out_demo_actions", expired, date(2027, 3, 1))
    assert str(refusal) == (
        "address: may be processed in eu, uk, and the destination is in us; transfer basis scc "
        "DPA-7 does not hold on 2027-03-01 (from the beginning until 2027-01-01). Fix: renew the "
        "basis and its dates in transfer."
    )


def test_a_field_that_no_model_has_is_refused_not_skipped() -> None:
    assert rules(terms(fields=("adress",))) == [Rule.UNKNOWN_FIELD]
    nowhere = check_egress(insurer(), "outbound.nowhere", terms(), TODAY)
    assert [one.rule for one in nowhere] == [Rule.UNKNOWN_FIELD, Rule.UNKNOWN_FIELD]


def test_a_field_is_not_sent_for_purposes_that_its_label_excludes() -> None:
    assert rules(terms(purpose=("profiling",))) == [Rule.PURPOSE, Rule.PURPOSE]
    assert rules(terms(purpose=("profiling", "renewal"))) == []


@pytest.mark.parametrize("denied", ["user.contact.email", "user.contact", "user"])
def test_a_denied_category_is_found_by_itself_and_by_what_it_stands_under(denied: str) -> None:
    assert Rule.DENIED_CATEGORY in rules(terms(denied_categories=(denied,)))


def test_a_category_wide_enough_to_hold_what_is_denied_is_refused_too() -> None:
    wide = graph(relation("outbound.out_demo_actions", {"note": label("user")}))
    found = rules(terms(fields=("note",), denied_categories=("user.financial",)), of=wide)
    assert Rule.DENIED_CATEGORY in found
    assert Rule.SPECIAL_CATEGORY in found


def test_special_categories_leave_only_under_a_reviewed_exception_until_its_day() -> None:
    health = graph(
        relation("outbound.out_demo_actions", {"line": label("user.health_and_medical.genetic")})
    )
    bare = terms(fields=("line",))
    excepted = terms(fields=("line",), special_categories=[REVIEWED])
    assert rules(bare, of=health) == [Rule.SPECIAL_CATEGORY]
    assert rules(excepted, of=health) == []
    assert rules(excepted, date(2027, 1, 1), of=health) == [Rule.SPECIAL_CATEGORY]
    other = terms(fields=("line",), special_categories=[REVIEWED | {"category": "user.biometric"}])
    assert rules(other, of=health) == [Rule.SPECIAL_CATEGORY]


def test_an_audience_chosen_by_diagnosis_is_a_health_audience_whatever_it_carries() -> None:
    chosen = graph(
        relation(
            "outbound.out_demo_actions",
            {"address": label("user.contact.email")},
            selection=["user.health_and_medical"],
        )
    )
    assert rules(terms(fields=("address",)), of=chosen) == [Rule.SPECIAL_SELECTION]
    assert rules(terms(fields=("address",), special_categories=[REVIEWED]), of=chosen) == []
    denied = terms(
        fields=("address",),
        special_categories=[REVIEWED],
        denied_categories=("user.health_and_medical",),
    )
    assert rules(denied, of=chosen) == [Rule.DENIED_CATEGORY]


def test_what_was_decided_on_outside_sql_counts_as_selection() -> None:
    found = check_egress(
        insurer(),
        "outbound.out_demo_actions",
        terms(),
        TODAY,
        frozenset({column("contexts.ctx_policy.diagnosis")}),
    )
    assert [one.rule for one in found] == [Rule.SPECIAL_SELECTION]


@given(days=st.integers(-400, 400), lasts=st.integers(0, 400), wait=st.integers(0, 100))
def test_a_basis_holds_from_its_first_day_until_the_day_before_it_expires(
    days: int, lasts: int, wait: int
) -> None:
    starts = TODAY + timedelta(days=wait)
    expires = starts + timedelta(days=lasts)
    on = TODAY + timedelta(days=days)
    dated = terms(
        region="us", transfer=SCC | {"starts": starts, "expires": expires}, fields=("address",)
    )
    assert (rules(dated, on) == []) is (starts <= on < expires)


def test_every_category_under_article_9_is_special_and_contact_data_is_not() -> None:
    assert special_in(frozenset({"user.biometric.voice", "user.contact.email"})) == {
        "user.biometric.voice"
    }
    assert special_in(frozenset({"user.demographic.date_of_birth", "user.financial"})) == set()
