"""Edits of the regimes: each one that permits more is told for its country, no other one is."""

from collections.abc import Mapping

import pytest
import yaml

from activation.consent.allowance import consent_allowances, named_countries
from activation.consent.regimes import Regimes
from expectations.policy.allowance import looser

REGIMES = """
adult_age: 18
channels: [email, sms]
purposes:
  marketing:
    description: Offers.
    minimum_notice: 2025-11
    special_category: true
    regimes:
      - {countries: [GB], basis: consent, channels: {email: {basis: consent, double_opt_in: true}}}
      - {countries: [US], basis: legitimate_interests, opt_out_signal: true}
      - {countries: elsewhere, basis: consent, channels: {sms: {basis: none}}}
"""


def told(old: str, new: str) -> dict[str, list[str]]:
    assert old in REGIMES
    before, after = (
        Regimes.model_validate(yaml.safe_load(text))
        for text in (REGIMES, REGIMES.replace(old, new))
    )
    countries = named_countries(before) | named_countries(after)
    found = looser(consent_allowances(before, countries), consent_allowances(after, countries))
    return {what: words for what, words in found if words}


LOOSER: Mapping[str, tuple[str, str, str, str]] = {
    "a basis that asks nobody": (
        *("[GB], basis: consent,", "[GB], basis: contract,"),
        *("in GB", "grounds beside consent gain contract by sms"),
    ),
    "an existing customer need not be asked": (
        *("double_opt_in: true", "double_opt_in: true, soft_opt_in: true"),
        *("in GB", "grounds beside consent gain soft_opt_in by email"),
    ),
    "an address that nobody confirmed": (
        *("double_opt_in: true", "double_opt_in: false"),
        *("in GB", "channels without double opt-in gain email"),
    ),
    "a signal that is not heard": (
        *(", opt_out_signal: true", ""),
        *("in US", "channels despite an opt-out signal gain email, sms"),
    ),
    "a country that was elsewhere": (
        *("[US]", "[US, CA]"),
        *("in CA", "channels gain sms"),
    ),
    "a country that is elsewhere now": (
        *("countries: elsewhere, basis: consent", "countries: elsewhere, basis: contract"),
        *("elsewhere", "grounds beside consent gain contract by email"),
    ),
    "a channel that was forbidden": (
        *("basis: none", "basis: consent"),
        *("elsewhere", "channels gain sms"),
    ),
}


@pytest.mark.parametrize("name", LOOSER)
def test_a_regime_that_permits_more_is_told_for_its_country(name: str) -> None:
    old, new, where, said = LOOSER[name]
    assert said in told(old, new)[f"consent for marketing {where}"]


def test_an_older_notice_and_no_explicit_consent_are_told_for_every_country() -> None:
    found = told("    minimum_notice: 2025-11\n    special_category: true\n", "")
    assert set(found) == {f"consent for marketing {one}" for one in ("in GB", "in US", "elsewhere")}
    for words in found.values():
        assert words == [
            "demands lose explicit consent",
            "minimum_notice was 2025-11 and is no longer limited",
        ]


def test_a_lower_age_is_told() -> None:
    assert told("adult_age: 18", "adult_age: 16") == {
        "consent of minors": ["adult_age is 16 instead of 18"]
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[US], basis: legitimate_interests", "[US], basis: consent"),
        ("[GB], basis: consent", "[GB, IE], basis: none"),
        ("basis: legitimate_interests, opt", "basis: legitimate_interests, channels: {}, opt"),
        ("channels: [email, sms]", "channels: [sms, email]"),
        ("minimum_notice: 2025-11", "minimum_notice: 2026-01"),
        ("adult_age: 18", "adult_age: 21"),
    ],
)
def test_a_regime_that_permits_the_same_or_less_is_not_told(old: str, new: str) -> None:
    assert told(old, new) == {}
