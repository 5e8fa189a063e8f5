"""Edits of journeys and limits: each one that lets more happen is told, no other one is."""

import shutil
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.journeys import load
from activation.journeys.allowance import conjuncts, journey_allowances
from activation.journeys.condition import parse_condition
from activation.journeys.evaluation import holds
from activation.journeys.fields import FieldType
from expectations.policy.allowance import looser

JOURNEYS = Path(__file__).parents[3] / "activation" / "journeys"
CLAIM, NUDGE = "claim_update_day_3.yml", "onboarding_nudge_stalled.yml"
CALL, RENEWAL = "service_recovery_after_negative.yml", "renewal_reminder_day_90.yml"
POLICIES = "policies.yml"
CAP, NIGHT = "two_actions_in_seven_days", '  start: "20:00"\n'

#: file, what stands there, what is written instead, what is said of it
LOOSER = [
    (CLAIM, "assurance: B", "assurance: C", "minimum_assurance is C instead of B"),
    (CLAIM, "hours: 168", "hours: 720", "context_max_age_hours is 720 instead of 168"),
    (CLAIM, "[sms, email]", "[sms, phone, email]", "channels gain phone"),
    (CLAIM, "payload: [", "payload: [product_line, ", "payload gain product_line"),
    (CLAIM, "  days_open: i", "  cause: text\n  days_open: i", "fields gain cause"),
    (
        CLAIM,
        "purpose: claims_service",
        "purpose: renewal",
        "purpose is renewal instead of claims_s",
    ),
    (CLAIM, "destination: outbox", "destination: crm", "destination is crm instead of outbox"),
    (CLAIM, "expires: 2028", "expires: 2029", "expires is 2029-01-01 instead of 2028-01-01"),
    (CLAIM, "expires: 2028-01-01\n", "", "expires was 2028-01-01 and is no longer limited"),
    (CLAIM, " and days_open between 3 and 6", "", "conditions lose days_open BETWEEN 3 AND 6"),
    (CLAIM, "when: status in", "when: days_open > 2 or status in", "conditions lose "),
    (CLAIM, "once_per: [subject]", "volume: {maximum: 9}", "repetitions are no longer limited"),
    (RENEWAL, "[subject, renews_on]", "[]", "repetitions are no longer limited"),
    (CALL, "once_per: [subject]", "once_per: [subject, seen_on]", "repetitions gain seen_on"),
    (NUDGE, "    days: 14\n", "    days: 7\n", "cooldown days is 7 instead of 14"),
    (NUDGE, "percent: 10", "percent: 1", "holdout percent is 1 instead of 10"),
    (CALL, "approval: true", "approval: false", "safeguards lose approval by a person"),
    (POLICIES, "days: 7", "days: 1", "days is 1 instead of 7"),
    (POLICIES, "maximum: 2", "maximum: 9", "maximum is 9 instead of 2"),
    (POLICIES, "[claims_service]", "[claims_service, renewal]", "counting is per person over "),
    (POLICIES, "percent: 5", "percent: 4", "percent is 4 instead of 5"),
    (POLICIES, "purposes: [marketing]", "purposes: [profiling]", "purposes lose marketing"),
    (POLICIES, 'start: "20', 'start: "21', "sms is no longer silent from 20:00 to 21:00"),
    (POLICIES, "[sms, push, phone]", "[sms, push]", "phone is no longer silent from 00:00 to 08"),
]
NOT_LOOSER = [
    (CLAIM, "assurance: B", "assurance: A"),
    (CLAIM, "[sms, email]", "[email]"),
    (CLAIM, "[sms, email]", "[email, sms]"),
    (CLAIM, "  product_line: text\n", ""),
    (CLAIM, "payload: [claim_number, status]", "payload: [status]"),
    (CLAIM, "when: status in", "when: days_open <> 4 and status in"),
    (CLAIM, "when: status", "residency: [uk]\nwhen: status"),
    (CLAIM, "priority: 10", "priority: 11"),
    (CLAIM, "risk_tier: medium", "risk_tier: high"),
    (CLAIM, "priority: 10", "priority: 10\nhalted: true"),
    (CLAIM, "  once_per: [subject]", "  once_per: [subject]\n  volume: {maximum: 9}"),
    (RENEWAL, "[subject, renews_on]", "[subject]"),
    (NUDGE, "    days: 14\n", "    days: 21\n"),
    (POLICIES, "maximum: 2", "maximum: 1"),
    (POLICIES, 'start: "20', 'start: "19'),
    (POLICIES, "[sms, push, phone]", "[sms, push, phone, email]"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The sample's journeys; the call has a date to count by, and needs approval by itself."""
    for path in JOURNEYS.glob("*.yml"):
        shutil.copy(path, tmp_path / path.name)
    edit(tmp_path, CALL, "  topic: text\n", "  topic: text\n  seen_on: date\n")
    edit(tmp_path, CALL, "risk_tier: high", "risk_tier: low")
    return tmp_path


def edit(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def told(folder: Path, *edits: tuple[str, str, str]) -> list[str]:
    before = journey_allowances(load(folder))
    for one in edits:
        edit(folder, *one)
    return [word for _, words in looser(before, journey_allowances(load(folder))) for word in words]


@pytest.mark.parametrize(("file", "old", "new", "said"), LOOSER)
def test_an_edit_that_lets_more_happen_is_told(
    folder: Path, file: str, old: str, new: str, said: str
) -> None:
    assert any(word.startswith(said) for word in told(folder, (file, old, new)))


@pytest.mark.parametrize(("file", "old", "new"), NOT_LOOSER)
def test_an_edit_that_lets_the_same_or_less_happen_is_not_told(
    folder: Path, file: str, old: str, new: str
) -> None:
    assert told(folder, (file, old, new)) == []


def test_a_halt_that_ends_is_told(folder: Path) -> None:
    edit(folder, CLAIM, "priority: 10", "priority: 10\nhalted: true")
    assert told(folder, (CLAIM, "halted: true", "halted: false")) == ["safeguards lose the halt"]


def test_limits_that_are_gone_are_told(folder: Path) -> None:
    text = (folder / POLICIES).read_text(encoding="utf-8")
    group = "exclusion_groups:\n  - {id: one, description: One of these., days: 3}\n"
    edit(folder, POLICIES, "exclusion_groups: []", group)
    cap, holdout = text.index("caps:"), text.index("# Measures all")
    gone = [
        (POLICIES, text[holdout:cap], ""),
        (POLICIES, text[cap : text.index("exclusion_groups")], ""),
        (POLICIES, group, ""),
    ]
    assert told(folder, *gone) == ["holds no more"] * 3


def test_a_new_journey_is_told_whole(folder: Path) -> None:
    after = journey_allowances(load(folder))
    before = {name: one for name, one in after.items() if name != "journey claim_update_day_3"}
    ((name, (how,)),) = [(name, words) for name, words in looser(before, after) if words]
    assert name == "journey claim_update_day_3"
    assert how.startswith("is new: purpose claims_service; context ctx_claim; ")
    assert "fields claim_number, days_open, product_line, status; " in how


_FIELDS = {"a": FieldType.INTEGER, "b": FieldType.INTEGER}
_parts = st.lists(
    st.sampled_from(["a > 1", "b = 2", "a in (0, 2)", "(a = 1 or b = 1)", "not (b > 1 and a = 0)"]),
    min_size=1,
    max_size=3,
)


@given(_parts, _parts)
def test_a_rule_that_loses_no_condition_chooses_nobody_else(
    before: list[str], after: list[str]
) -> None:
    """By trying it on every value, unknown ones too."""
    old = parse_condition(" and ".join(before), _FIELDS)
    new = parse_condition(f"({after[0]}) and ({' and '.join(after)})", _FIELDS)
    if set(conjuncts(old)) <= set(conjuncts(new)):
        for a, b in product((None, 0, 1, 2, 3), repeat=2):
            assert holds(old, {"a": a, "b": b}) or not holds(new, {"a": a, "b": b})
