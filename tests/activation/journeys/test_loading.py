import shutil
from pathlib import Path

import pytest

from activation.journeys import Kind, SourceError, load
from tests.activation.journeys import hostile

JOURNEYS = Path(__file__).parents[3] / "activation" / "journeys"
RENEWAL = "renewal_reminder_day_90.yml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in JOURNEYS.glob("*.yml"):
        shutil.copy(path, tmp_path / path.name)
    return tmp_path


def edit(folder: Path, file: str, old: str, new: str) -> int:
    """Replace text once; returns the line on which it stood."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_sample_has_five_nodes_and_an_audience_in_priority_order() -> None:
    nodes = load(JOURNEYS).nodes
    assert [node.id for node in nodes] == [
        "claim_update_day_3",
        "claim_update_day_7",
        "service_recovery_after_negative",
        "renewal_reminder_day_90",
        "onboarding_nudge_stalled",
        "cross_sell_home",
    ]
    assert [node.id for node in nodes if node.kind is Kind.AUDIENCE] == ["cross_sell_home"]


def test_the_costly_call_needs_approval_and_nothing_else_does() -> None:
    needing = [node.id for node in load(JOURNEYS).nodes if node.needs_approval]
    assert needing == ["service_recovery_after_negative"]


MISTAKES = {
    "an unknown key": (RENEWAL, "owner: lifecycle", "ownr: lifecycle", "ownr"),
    "a missing key": (RENEWAL, "purpose: renewal\n", "", "purpose"),
    "an unknown channel": (RENEWAL, "[email, sms]", "[email, fax]", "action.channels.1"),
    "a channel twice": (RENEWAL, "[email, sms]", "[email, email]", "action.channels"),
    "a priority of nought": (RENEWAL, "priority: 40", "priority: 0", "priority"),
    "a priority in words": (RENEWAL, "priority: 40", "priority: high", "priority"),
    "an id with capitals": (RENEWAL, "id: renewal_reminder_day_90", "id: Renewal", "id"),
    "a file of another name": (RENEWAL, "id: renewal_reminder_day_90", "id: renewal", "id"),
    "a condition on another field": (
        RENEWAL,
        "status = 'active'",
        "secret = 'active'",
        "when",
    ),
    "a condition of another type": (RENEWAL, "status = 'active'", "status = 1", "when"),
    "a payload outside the fields": (
        RENEWAL,
        "[policy_number, product_line, renews_on]",
        "[date_of_birth]",
        "action.payload",
    ),
    "a sentence outside the fields": (RENEWAL, "{renews_on}.", "{name}.", "explain"),
    "a sentence that reaches into a field": (
        RENEWAL,
        "{renews_on}.",
        "{renews_on.__class__}.",
        "explain",
    ),
    "once per something else": (RENEWAL, "[subject, renews_on]", "[status]", "limits.once_per"),
    "a holdout above all": (RENEWAL, "percent: 10", "percent: 101", "experiment.holdout_percent"),
    "an unknown exclusion group": (
        RENEWAL,
        "priority: 40",
        "exclusion_group: none_such\npriority: 40",
        "exclusion_group",
    ),
    "an example of another type": (
        RENEWAL,
        "days_to_renewal: 80,",
        "days_to_renewal: '80',",
        "examples.0.given.days_to_renewal",
    ),
    "an example without a field": (RENEWAL, "status: active, days", "days", "examples.0.given"),
    "a key of the context as a field": (
        RENEWAL,
        "  policy_number: text",
        "  person_id: text",
        "fields",
    ),
    "an audience with a cooldown": (
        "cross_sell_home.yml",
        "priority: 60",
        "limits: {cooldown: {days: 3}}\npriority: 60",
        "limits",
    ),
    "a cap on no node": (
        "policies.yml",
        "except_purposes: [claims_service]",
        "nodes: [none_such]",
        "caps.0.nodes",
    ),
    "quiet hours of no length": ("policies.yml", '"08:00"', '"20:00"', "quiet_hours"),
    "a quiet hour that does not exist": ("policies.yml", '"08:00"', '"24:00"', "quiet_hours.end"),
}


@pytest.mark.parametrize(("file", "old", "new", "field"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_reported_with_file_line_field_and_fix(
    folder: Path, file: str, old: str, new: str, field: str
) -> None:
    edit(folder, file, old, new)
    with pytest.raises(SourceError) as caught:
        load(folder)
    assert caught.value.file == file
    assert caught.value.field == field
    assert "Fix: " in str(caught.value)


def test_the_line_is_that_of_the_mistake(folder: Path) -> None:
    line = edit(folder, RENEWAL, "priority: 40", "priority: 4000")
    with pytest.raises(SourceError, match=rf"{RENEWAL}:{line}: priority: "):
        load(folder)


def test_the_line_of_a_wrong_condition_is_that_of_when(folder: Path) -> None:
    line = edit(folder, RENEWAL, "when: status", "when: other")
    with pytest.raises(SourceError) as caught:
        load(folder)
    assert caught.value.line == line


def test_the_error_does_not_repeat_the_value(folder: Path) -> None:
    edit(folder, RENEWAL, "priority: 40", "priority: ada@example.com")
    with pytest.raises(SourceError) as caught:
        load(folder)
    assert "ada@example.com" not in str(caught.value)


def test_two_caps_of_one_name_are_refused(folder: Path) -> None:
    path = folder / "policies.yml"
    text = path.read_text(encoding="utf-8")
    cap = text[text.index("  - id: two") : text.index("\nexclusion_groups")]
    path.write_text(text.replace(cap, cap + cap), encoding="utf-8")
    with pytest.raises(SourceError, match="the id stands twice"):
        load(folder)


def test_a_folder_without_policies_is_refused(folder: Path) -> None:
    (folder / "policies.yml").unlink()
    with pytest.raises(FileNotFoundError, match=r"policies\.yml"):
        load(folder)


def test_an_empty_folder_is_refused_rather_than_taken_for_no_journeys(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path)


@pytest.mark.parametrize(
    ("reason", "text"),
    [(reason, text) for reason, texts in hostile.FILES.items() for text in texts],
    ids=lambda value: value[:30].encode("ascii", "backslashreplace").decode(),
)
def test_a_journey_file_is_refused_because_of(reason: str, text: str, folder: Path) -> None:
    (folder / RENEWAL).write_text(text, encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        load(folder)
    assert str(caught.value).startswith(RENEWAL), reason
