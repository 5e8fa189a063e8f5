"""What a reader of a comparison sees: the rules by field, the decisions by reason, on one page."""

import itertools
import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

from activation.release import read_bundle
from activation.release.decision_diff import DecisionDiff, Group, NodeCount, Side
from activation.release.diff_page import render_page
from activation.release.diff_report import ReleaseDiff
from activation.release.rule_diff import RuleChange, rule_changes
from tests.activation.release.projects import write_project

AS_OF = datetime(2026, 11, 20, 9, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>"


def report(**changes: object) -> ReleaseDiff:
    groups = (
        Group("renewal", "lost", Side("act", "selected", "email"), None, 3, 2, ("p~1", "p~2")),
        Group(
            "renewal", "gained", Side("withhold", "capped", None), Side("act", "selected", "sms"),
            1, 1, ("p~3",),
        ),
    )  # fmt: skip
    counts = (NodeCount("renewal", 3, 1, 1, 3, 0, 1_200),)
    given = {
        "before": "r_1", "after": "r_2", "as_of": AS_OF, "inputs": "the contexts",
        "rules": (RuleChange("renewal", "when", f"a < 1 {HOSTILE}", None),),
        "decisions": DecisionDiff(groups, counts), "notes": ("A note.",),
    }  # fmt: skip
    return ReleaseDiff(**(given | changes))  # type: ignore[arg-type]


class Outline(HTMLParser):
    """Tags in order, and whether each that is opened is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_rule_that_was_changed_is_named_by_node_and_field(tmp_path: Path) -> None:
    before = read_bundle(write_project(tmp_path, days=30))
    after = read_bundle(write_project(tmp_path, days=31))
    assert rule_changes(before, after) == [
        RuleChange("reminder", "when", "days_to_renewal <= 30", "days_to_renewal <= 31")
    ]
    assert rule_changes(before, before) == []


def test_a_changed_regime_is_told_by_field_and_changed_sql_by_lines(tmp_path: Path) -> None:
    before = read_bundle(write_project(tmp_path))
    after = read_bundle(write_project(tmp_path, regimes="adult_age: 16\n", sql="select 1\n, 2"))
    assert rule_changes(before, after) == [
        RuleChange("activation/consent/regimes.yml", "adult_age", "18", "16"),
        RuleChange(
            "dbt_project/models/contexts/ctx_policy.sql", "lines", "0 removed", "1 added\n, 2"
        ),
    ]


def test_of_changed_sql_the_first_lines_are_shown_and_the_rest_is_counted(tmp_path: Path) -> None:
    before = read_bundle(write_project(tmp_path, sql="select 1"))
    many = "\n".join(f"-- line {number}" for number in range(40))
    after = read_bundle(write_project(tmp_path, sql=f"select 1\n{many}"))
    [change] = rule_changes(before, after)
    told = str(change.after).splitlines()
    assert told[:2] == ["40 added", "-- line 0"]
    assert told[-1] == "..."
    assert len(told) == 14


def test_a_comment_alone_is_told_as_such(tmp_path: Path) -> None:
    root = write_project(tmp_path)
    before = read_bundle(root)
    path = root / "activation/journeys/reminder.yml"
    path.write_text("# why\n" + path.read_text())
    name = "activation/journeys/reminder.yml"
    assert rule_changes(before, read_bundle(root)) == [
        RuleChange(name, "comments or layout", None, None)
    ]


def test_a_node_that_is_new_is_one_line(tmp_path: Path) -> None:
    root = write_project(tmp_path)
    before = read_bundle(root)
    text = (root / "activation/journeys/reminder.yml").read_text()
    (root / "activation/journeys/second.yml").write_text(text.replace("id: reminder", "id: second"))
    after = read_bundle(root)
    description = "Reminds a policyholder of the renewal."
    assert rule_changes(before, after) == [
        RuleChange("second", "the whole node", None, description)
    ]
    assert rule_changes(after, before) == [
        RuleChange("second", "the whole node", description, None)
    ]


def test_the_page_is_whole_without_script_or_network_and_escapes_what_it_shows() -> None:
    page = render_page(report())
    outline = Outline(page)
    assert outline.open == []
    names = [tag for tag, _ in outline.tags]
    assert not {"script", "link", "img", "iframe"} & set(names)
    assert not re.search(r"https?:|url\(|@import|\bon\w+=", page)
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page


def test_a_screen_reader_finds_headings_captions_and_the_scope_of_each_heading_cell() -> None:
    outline = Outline(render_page(report()))
    assert dict(outline.tags)["html"] == {"lang": "en"}
    names = [tag for tag, _ in outline.tags]
    headings = [int(tag[1]) for tag in names if re.fullmatch(r"h\d", tag)]
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings))
    assert names.count("table") == names.count("caption") == 3
    assert all(attributes.get("scope") for tag, attributes in outline.tags if tag == "th")
    regions = [a for tag, a in outline.tags if tag == "div"]
    assert all(a["role"] == "region" and a["tabindex"] == "0" and a["aria-label"] for a in regions)


def test_each_pair_of_colours_has_the_contrast_for_small_text() -> None:
    page = render_page(report())
    schemes = re.findall(
        r"--ink: (#\w{6}); --paper: (#\w{6}); --line: (#\w{6});\s+--soft: (#\w{6})", page
    )
    assert len(schemes) == 2
    for ink, paper, line, soft in schemes:
        assert contrast(ink, paper) > 7
        assert contrast(ink, soft) > 7
        assert contrast(line, paper) > 3


def test_the_page_says_who_gains_and_loses_and_why_in_words() -> None:
    page = render_page(report())
    assert "1 gained, 3 lost, 0 changed, 1,200 decided the same" in page
    assert "This person has had as many messages lately as we allow." in page
    assert "Not a candidate" in page
    assert "Done, by sms" in page
    assert "Read with this in mind" in page
    nobody = render_page(report(rules=(), decisions=DecisionDiff((), ())))
    assert "both hold the same files" in nobody
    assert "every decision is the same" in nobody


def test_the_json_holds_the_same_and_no_more() -> None:
    document = json.loads(json.dumps(report().as_dict()))
    assert document["summary"] == "1 gained, 3 lost, 0 changed, 1,200 decided the same"
    assert document["decisions"]["groups"][0]["before"]["reason"] == "selected"
    assert document["as_of"] == AS_OF.isoformat()


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.2."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
