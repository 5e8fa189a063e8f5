"""The regimes file says what issue and law say, and its errors say where and how to mend it."""

import re
from pathlib import Path

import pytest

from activation.consent.countries import COUNTRIES_FILE, load_countries
from activation.consent.regimes import (
    REGIMES_FILE,
    RuleBook,
    flatten,
    flatten_purposes,
    load_regimes,
    signalled_purposes,
)
from expectations.located_yaml import SourceError

CHANNELS = ("email", "sms", "push", "phone", "post")
CONTRACT, INTERESTS, CONSENT = "contract", "legitimate_interests", "consent"

# Basis by purpose and country, for every channel but the exceptions below.
EXPECTED = {
    "claims_service": dict.fromkeys(("GB", "IE", "DE", "FR", "US", "BR"), CONTRACT),
    "policy_service": dict.fromkeys(("GB", "IE", "DE", "FR", "US", "BR"), CONTRACT),
    "renewal": {
        **dict.fromkeys(("GB", "IE", "US"), INTERESTS),
        **dict.fromkeys(("DE", "FR", "BR"), CONSENT),
    },
    "onboarding": {**dict.fromkeys(("GB", "IE", "DE", "FR", "US"), INTERESTS), "BR": CONSENT},
    "service_recovery": {**dict.fromkeys(("GB", "IE", "DE", "FR", "US"), INTERESTS), "BR": CONSENT},
    "marketing": dict.fromkeys(("GB", "IE", "DE", "FR", "US", "BR"), CONSENT),
    "profiling": dict.fromkeys(("GB", "IE", "DE", "FR", "US", "BR"), CONSENT),
    "advertising": {**dict.fromkeys(("GB", "IE", "DE", "FR", "BR"), CONSENT), "US": INTERESTS},
}
MINIMUM_NOTICE = {"marketing": "2025-11", "profiling": "2025-11", "advertising": "2026-09"}
EXCEPTIONS = {
    ("service_recovery", "DE", "phone"): CONSENT,
    ("service_recovery", "FR", "phone"): CONSENT,
    ("marketing", "US", "email"): INTERESTS,
}


def test_the_shipped_regimes_are_the_table_of_purposes() -> None:
    book = RuleBook(load_regimes())
    for purpose, countries in EXPECTED.items():
        for country, basis in countries.items():
            for channel in CHANNELS:
                rule = book.find(country, purpose, channel)
                assert rule is not None
                assert rule.basis == EXCEPTIONS.get((purpose, country, channel), basis)
                is_soft = purpose == "marketing" and country in ("GB", "IE") and channel == "email"
                assert rule.soft_opt_in == is_soft
                assert rule.minimum_notice == MINIMUM_NOTICE.get(purpose)
                is_signalled = purpose == "advertising" and country != "BR"
                assert rule.opt_out_signal == is_signalled
    assert signalled_purposes(load_regimes()) == {"advertising"}


def test_a_person_without_a_country_is_judged_as_elsewhere() -> None:
    book = RuleBook(load_regimes())
    assert book.find(None, "renewal", "email") == book.find("BR", "renewal", "email")
    assert book.find("GB", "no_such_purpose", "email") is None


def test_what_a_country_forbids_is_not_filled_in_from_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "regimes.yml"
    path.write_text(
        "adult_age: 18\nchannels: [email, sms]\npurposes:\n  news:\n    description: x\n"
        "    regimes:\n      - {countries: [NO], basis: none, channels: {sms: {basis: consent}}}\n"
        "      - {countries: elsewhere, basis: consent}\n"
    )
    regimes = load_regimes(path)
    book = RuleBook(regimes)
    assert book.find("NO", "news", "email") is None
    assert book.find("NO", "news", "sms") is not None
    assert book.find("SE", "news", "email") is not None
    flat = {(r["jurisdiction"], r["channel"]): r["basis"] for r in flatten(regimes)}
    assert flat["NO", "email"] is None
    assert flat["*", "email"] == "consent"


def test_an_exception_for_a_channel_does_not_lose_the_signal(tmp_path: Path) -> None:
    path = tmp_path / "regimes.yml"
    path.write_text(
        "adult_age: 18\nchannels: [email, sms]\npurposes:\n  ads:\n    description: x\n"
        "    regimes:\n      - {countries: [US], basis: legitimate_interests, opt_out_signal: true,"
        " channels: {sms: {basis: consent}}}\n      - {countries: elsewhere, basis: consent}\n"
    )
    regimes = load_regimes(path)
    flat = {(r["jurisdiction"], r["channel"]): r["opt_out_signal"] for r in flatten(regimes)}
    assert flat == {
        ("US", "email"): True,
        ("US", "sms"): True,
        ("*", "email"): False,
        ("*", "sms"): False,
    }
    rule = RuleBook(regimes).find("US", "ads", "sms")
    assert rule is not None
    assert rule.opt_out_signal


def test_the_flat_table_has_each_jurisdiction_purpose_and_channel_once() -> None:
    regimes = load_regimes()
    rows = flatten(regimes)
    keys = {(row["jurisdiction"], row["purpose"], row["channel"]) for row in rows}
    assert len(keys) == len(rows)
    assert {row["purpose"] for row in rows if row["jurisdiction"] == "*"} == set(EXPECTED)
    assert {row["purpose"] for row in flatten_purposes(regimes)} == set(EXPECTED)
    assert {row["adult_age"] for row in flatten_purposes(regimes)} == {18}


MISTAKES = {
    "an unknown country": ("[DE, FR], basis", "[DE, France], basis", "ISO 3166-1"),
    "UK for GB": ("[GB, IE, US]", "[UK]", "code is GB"),
    "an unknown basis": ("basis: contract}", "basis: because}", "'contract', 'legal_obligation'"),
    "a notice that is no month": ("2025-11", "v3", "year-month"),
    "a missing field": ("adult_age: 18", "", "adult_age: is required"),
    "a misspelt field": ("soft_opt_in: true", "soft_optin: true", "not a known field"),
    "a country twice": ("[DE, FR], basis", "[DE, GB], basis", "GB stands in two regimes"),
    "a purpose twice": ("  renewal:", "  policy_service:", "stands twice"),
    "an unknown channel": ("phone: {basis", "fax: {basis", "'email', 'sms'"),
    "no elsewhere": (
        "      - {countries: elsewhere, basis: contract}\n\n  policy",
        "      - {countries: [GB], basis: contract}\n\n  policy",
        "exactly one regime",
    ),
    "a soft opt-in without consent": (
        "{basis: consent, soft_opt_in: true}",
        "{basis: contract, soft_opt_in: true}",
        "need basis: consent",
    ),
    "a signal on what a contract demands": (
        "{countries: elsewhere, basis: contract}",
        "{countries: elsewhere, basis: contract, opt_out_signal: true}",
        "opt_out_signal needs basis: consent or legitimate_interests",
    ),
    "no YAML": ("purposes:", "purposes: [", "is not YAML"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_regimes_names_file_line_and_fix(tmp_path: Path, mistake: str) -> None:
    right, wrong, message = MISTAKES[mistake]
    content = "".join(
        line for line in REGIMES_FILE.read_text().splitlines(True) if not line.startswith("#")
    )
    assert right in content
    path = tmp_path / "regimes.yml"
    path.write_text(content.replace(right, wrong, 1))
    with pytest.raises(SourceError, match=re.escape(message)) as failure:
        load_regimes(path)
    assert re.match(r"regimes\.yml(:\d+)?: ", str(failure.value))
    if mistake != "a missing field":
        assert failure.value.line is not None


def test_the_line_of_a_mistake_is_the_line_in_the_file(tmp_path: Path) -> None:
    lines = REGIMES_FILE.read_text().splitlines()
    number = next(n for n, line in enumerate(lines, start=1) if "soft_opt_in: true" in line)
    path = tmp_path / "regimes.yml"
    path.write_text("\n".join(lines).replace("soft_opt_in: true", "soft_opt_in: perhaps"))
    with pytest.raises(SourceError) as failure:
        load_regimes(path)
    assert failure.value.line == number
    assert failure.value.field.endswith("channels.email.soft_opt_in")


@pytest.mark.parametrize("content", [None, "", "[1]", "just text", "a: !!python/name:os.system"])
def test_a_file_that_holds_no_regimes_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "regimes.yml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SourceError, match=r"regimes\.yml"):
        load_regimes(path)


def test_every_country_has_a_zone_a_language_and_a_region() -> None:
    rows = {row["country"]: row for row in load_countries()}
    assert len(rows) > 240
    assert rows["GB"] == {
        "country": "GB",
        "timezone": "Europe/London",
        "language": "en",
        "residency": "uk",
    }
    residencies = {code: rows[code]["residency"] for code in ("IE", "DE", "FR", "NO", "US", "CH")}
    assert residencies == {
        "IE": "eu",
        "DE": "eu",
        "FR": "eu",
        "NO": "eu",
        "US": "us",
        "CH": "other",
    }


def test_a_zone_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "countries.yml"
    path.write_text(COUNTRIES_FILE.read_text().replace("Europe/Dublin", "Europe/Cork"))
    with pytest.raises(SourceError, match=r"countries\.yml:\d+: .*IANA") as failure:
        load_countries(path)
    assert failure.value.field == "countries.IE.timezone"
