"""`assent check` as a person and a build server use it, on copies of this project's dbt project.

Two copies are compiled for the whole file: one as it is, one with a fault of each kind.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from orchestration.cli import main
from orchestration.environment import PROJECT_ROOT

Check = Callable[..., Result]
ON, AFTER_EXPIRY = "2026-11-20", "2027-11-30"
DEFAULTS = "expectations/policy/defaults.yml"
EXPOSURES = "dbt_project/models/outbound/_exposures.yml"
POLICY_SOURCES = "dbt_project/models/staging/policy/_policy__sources.yml"
PROPERTY_LINE = "dbt_project/models/profiles/per_policies.yml"
JOURNEY = "activation/journeys/claim_update_day_3.yml"
LIMITS = "activation/journeys/policies.yml"
REGIMES = "activation/consent/regimes.yml"
PERMITTED = "dbt_project/models/outbound/out_permitted_actions.sql"

#: file -> what is written there -> what stands there in the faulty copy
FAULTS: Mapping[str, tuple[str, str]] = {
    PROPERTY_LINE: (
        "categories: [user.behavior.purchase_history]\n",
        "categories: [user.behavior.purchase_history]\n              retention_days: 36500\n",
    ),
    PERMITTED: (
        "            and actions.channel = contact_points.channel\n)",
        "            and actions.channel = contact_points.channel\n"
        "    union all\n    select actions.*, null as address from actions\n)",
    ),
    EXPOSURES: (
        "fields: [audience, person_id, channel, address, given_name, since]",
        "fields: [audience, person_id, channel, address, given_nam, since]",
    ),
    POLICY_SOURCES: (
        "categories: [user.financial.claim, user.health_and_medical]\n"
        "                  purposes: [claims_service, policy_service, marketing]",
        "categories: [user.financial.claim]\n"
        "                  purposes: [claims_service, policy_service, marketing]\n"
        "                  retention: 5",
    ),
}
#: what no label forbids, and yet lets more happen, in the same form
LOOSENED: Mapping[str, tuple[str, str]] = {
    JOURNEY: ("days_open between 3 and 6\n", "days_open >= 3\n"),
    LIMITS: ("    maximum: 2\n", "    maximum: 3\n"),
    REGIMES: (
        "{countries: [DE, FR], basis: consent}",
        "{countries: [DE], basis: legitimate_interests}",
    ),
}


def line_of(root: Path, file: str, text: str) -> int:
    before, found, _ = (root / file).read_text(encoding="utf-8").partition(text)
    assert found, f"{text} is not in {file}"
    return before.count("\n") + 1


def git(root: Path, *arguments: str) -> None:
    who = ("-c", "user.name=ana", "-c", "user.email=ana@assent.example")
    subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("check")


@pytest.fixture(scope="module")
def good(folder: Path) -> Path:
    """A git repository: the project as it is (`base`), and under stricter defaults (`strict`)."""
    root = folder / "good"
    for part in ("dbt_project", "activation/journeys"):
        shutil.copytree(PROJECT_ROOT / part, root / part)
    (root / REGIMES).parent.mkdir()
    shutil.copy(PROJECT_ROOT / REGIMES, root / REGIMES)
    (root / DEFAULTS).parent.mkdir(parents=True)
    shutil.copy(PROJECT_ROOT / DEFAULTS, root / DEFAULTS)
    git(root, "init", "-q")
    defaults = (root / DEFAULTS).read_text(encoding="utf-8")
    strict = defaults.replace(
        "staging/policy: {retention_days: 3650}", "staging/policy: {retention_days: 30}"
    )
    assert strict != defaults
    for tag, text in (("strict", strict), ("base", defaults)):
        (root / DEFAULTS).write_text(text, encoding="utf-8")
        git(root, "add", ".")
        git(root, "commit", "-q", "-m", tag)
        git(root, "tag", tag)
    return root


@pytest.fixture(scope="module")
def faulty(folder: Path, good: Path) -> Path:
    """The same repository with a fault of each kind, not committed."""
    root = folder / "faulty"
    shutil.copytree(good, root)
    for file, (before, after) in (FAULTS | LOOSENED).items():
        text = (root / file).read_text(encoding="utf-8")
        assert text.count(before) == 1, file
        (root / file).write_text(text.replace(before, after), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def check(folder: Path) -> Check:
    """Runs `assent check` on a project."""

    def run(root: Path, *words: str, on: str = ON) -> Result:
        place = ["--from", str(root), "--home", str(folder / "home"), "--on", on]
        return CliRunner().invoke(main, ["check", *place, *words])

    return run


@pytest.fixture(scope="module")
def findings(check: Check, faulty: Path) -> list[dict[str, Any]]:
    """What `--json` says of the faulty project."""
    done = check(faulty, "--json")
    assert done.exit_code == 1, done.output
    found: list[dict[str, Any]] = json.loads(done.output)["findings"]
    return found


def only(findings: list[dict[str, Any]], code: str) -> dict[str, Any]:
    (one,) = [each for each in findings if each["code"] == code]
    return one


def test_a_project_without_a_fault_exits_with_zero(check: Check, good: Path) -> None:
    done = check(good)
    assert done.exit_code == 0, done.output
    assert re.fullmatch(r"\d{3,} columns of \d+ relations, 0 findings\n", done.output)


def test_nothing_but_what_was_broken_is_found(findings: list[dict[str, Any]]) -> None:
    assert {one["code"] for one in findings} == {"POL002", "POL022", "POL041", "POL046"}


def test_a_loosened_label_is_named_with_its_line_the_way_of_its_value_and_the_fix(
    findings: list[dict[str, Any]], faulty: Path
) -> None:
    one = only(findings, "POL022")
    assert (one["model"], one["column"]) == ("profiles.per_policies", "property_line")
    assert one["file"] == PROPERTY_LINE
    line = line_of(faulty, PROPERTY_LINE, "policy:\n              categories: [user.behavior")
    assert one["line"] == line
    assert one["path"][0] == "landing.policy_policies.product_line"
    assert one["path"][-1] == "profiles.per_policies.property_line"
    assert one["message"] == "keeps 36500 days, its inputs 3650"
    assert one["fix"] == "say 3650 or less, or leave retention_days out"


def test_every_sync_behind_a_union_branch_without_permits_is_refused(
    findings: list[dict[str, Any]],
) -> None:
    ungated = [one for one in findings if one["code"] == "POL046"]
    assert {one["model"] for one in ungated} >= {
        "outbound.out_outbox_actions",
        "outbound.out_webhook_actions",
    }
    for one in ungated:
        assert "past the consent gate" in one["message"]
        assert one["file"].startswith("dbt_project/models/outbound/out_")
        assert "con_permits" in one["fix"]


def test_a_sync_field_that_does_not_exist_is_named_with_the_one_that_was_meant(
    findings: list[dict[str, Any]], faulty: Path
) -> None:
    one = only(findings, "POL041")
    assert (one["model"], one["column"]) == ("outbox_audiences", "given_nam")
    audiences = line_of(faulty, EXPOSURES, "- name: outbox_audiences")
    assert (one["file"], one["line"]) == (EXPOSURES, audiences + line_below(faulty, audiences))
    assert one["fix"] == "did you mean given_name?"


def line_below(root: Path, line: int) -> int:
    """How far below a line of the exposures `sync:` stands."""
    lines = (root / EXPOSURES).read_text(encoding="utf-8").splitlines()
    return next(n for n, text in enumerate(lines[line - 1 :]) if text.strip() == "sync:")


def test_an_unknown_key_of_a_label_is_named_with_its_line(
    findings: list[dict[str, Any]], faulty: Path
) -> None:
    one = only(findings, "POL002")
    assert (one["model"], one["column"]) == ("landing.policy_claims", "status")
    # of `policy:`, which stands before categories, purposes and the key
    line = line_of(faulty, POLICY_SOURCES, "retention: 5") - 3
    assert (one["file"], one["line"]) == (POLICY_SOURCES, line)
    assert "retention" in one["message"]
    assert "retention_days" in one["fix"]


def test_the_text_has_a_line_for_each_finding_and_its_path_and_fix(
    check: Check, faulty: Path, findings: list[dict[str, Any]]
) -> None:
    done = check(faulty)
    assert done.exit_code == 1
    loosened = only(findings, "POL022")
    assert f"{loosened['file']}:{loosened['line']}: POL022 profiles.per_policies" in done.output
    assert f"    path: {' -> '.join(loosened['path'])}\n" in done.output
    assert done.output.count("    fix: ") == len(findings)
    assert done.output.endswith(f"{len(findings)} findings\n")


def test_sarif_has_what_version_2_1_0_requires_and_a_result_for_each_finding(
    check: Check, faulty: Path, findings: list[dict[str, Any]]
) -> None:
    done = check(faulty, "--sarif")
    assert done.exit_code == 1
    log = json.loads(done.output)
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert all(rule["shortDescription"]["text"] for rule in rules)
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    assert len(run["results"]) == len(findings)
    for result, finding in zip(run["results"], findings, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding["code"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert finding["fix"] in result["message"]["text"]
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert place["artifactLocation"]["uri"] == finding["file"]
        assert not re.search(r"[\s\\]|^/", finding["file"]), "not a relative URI"
        assert place["region"] == {"startLine": finding["line"]}
        assert finding["line"] >= 1


def test_sarif_of_a_project_without_a_fault_has_an_empty_list_of_results(
    check: Check, good: Path
) -> None:
    done = check(good, "--sarif")
    assert done.exit_code == 0
    assert json.loads(done.output)["runs"][0]["results"] == []


def test_a_column_is_explained_from_its_source_on(check: Check, good: Path) -> None:
    done = check(good, "--explain", "per_policies.property_line")
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0] == "profiles.per_policies.property_line"
    assert "  is kept 3650 days" in lines
    assert any("from landing.policy_policies.product_line" in line for line in lines)
    assert not any("health" in line for line in lines if line.startswith("  is user"))


@pytest.mark.parametrize("name", ["per_policies.no_such_column", "person_id", "nowhere.email"])
def test_a_column_that_does_not_exist_can_not_be_explained(
    check: Check, good: Path, name: str
) -> None:
    done = check(good, "--explain", name)
    assert done.exit_code == 2
    assert f"{name}: no such column" in done.output


def test_an_approval_that_has_ended_fails_the_check_of_that_day(check: Check, good: Path) -> None:
    done = check(good, on=AFTER_EXPIRY)
    assert done.exit_code == 1
    assert f"declassify expired on {AFTER_EXPIRY}" in done.output
    assert (
        "POL044 outbox_actions.claim_status: is or may hold user.health_and_medical" in done.output
    )
    assert f"no exception holds on {AFTER_EXPIRY}" in done.output


@pytest.fixture(scope="module")
def looser(check: Check, faulty: Path) -> dict[str, list[str]]:
    """What `--diff --json` says of the faulty project."""
    done = check(faulty, "--diff", "base", "--json")
    assert done.exit_code == 1, done.output
    report = json.loads(done.output)
    assert report["revision"] == "base"
    return {one["what"]: one["how"] for one in report["looser"]}


def test_what_may_not_be_processed_where_decisions_are_made_fails_the_check(
    check: Check, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSENT_REGION", "us")
    done = check(good)
    assert done.exit_code == 1
    for name in ("status", "person_id"):
        assert (
            f"{JOURNEY}:1: POL043 claim_update_day_3.{name}: may be processed in eu, uk, and "
            "decisions are made in us\n    path: "
        ) in done.output


def test_a_change_is_told_from_its_base_by_what_is_looser(looser: dict[str, list[str]]) -> None:
    assert "is no longer user.health_and_medical" in looser["landing.policy_claims.status"]
    assert "outbound.out_outbox_actions.claim_status" in looser


def test_a_change_is_told_by_what_leaves_past_the_consent_gate(
    looser: dict[str, list[str]], findings: list[dict[str, Any]]
) -> None:
    ungated = {one["model"] for one in findings if one["code"] == "POL046"}
    assert {what for what in looser if what.count(".") == 1} == ungated
    for model in ungated:
        assert "past the consent gate: " in looser[model][0]


def test_a_change_is_told_by_what_syncs_journeys_limits_and_regimes_allow(
    looser: dict[str, list[str]],
) -> None:
    assert {what: how for what, how in looser.items() if "." not in what} == {
        "sync outbox_audiences": ["fields gain given_nam"],
        "journey claim_update_day_3": ["conditions lose days_open BETWEEN 3 AND 6"],
        "cap two_actions_in_seven_days": ["maximum is 3 instead of 2"],
        "consent for renewal in DE": [
            "grounds beside consent gain legitimate_interests by email, "
            "legitimate_interests by phone, legitimate_interests by post, "
            "legitimate_interests by push, legitimate_interests by sms"
        ],
    }


def test_the_text_of_a_change_has_a_line_for_each_thing_that_is_looser(
    check: Check, faulty: Path, looser: dict[str, list[str]]
) -> None:
    done = check(faulty, "--diff", "base")
    assert done.exit_code == 1
    assert done.output.splitlines() == [f"{what}: {'; '.join(how)}" for what, how in looser.items()]


def test_a_change_has_no_sarif(check: Check, good: Path) -> None:
    done = check(good, "--diff", "base", "--sarif")
    assert done.exit_code == 2
    assert "--json" in done.output


def test_nothing_is_looser_than_in_the_commit_itself(check: Check, good: Path) -> None:
    done = check(good, "--diff", "base")
    assert (done.exit_code, done.output) == (0, "nothing is looser than in base\n")


def test_a_looser_default_is_a_looser_label(check: Check, good: Path) -> None:
    done = check(good, "--diff", "strict")
    assert done.exit_code == 1
    looser = "landing.policy_policies.product_line: kept 3650 days instead of 30"
    assert looser in done.output.splitlines()


@pytest.mark.parametrize("revision", ["no-such-revision", "--output=x", "HEAD:dbt_project"])
def test_what_is_no_revision_of_a_project_is_refused(
    check: Check, good: Path, revision: str
) -> None:
    done = check(good, f"--diff={revision}")
    assert done.exit_code == 2, done.output
    assert revision in done.output


def test_a_project_outside_of_git_has_nothing_to_be_compared_with(
    check: Check, good: Path, folder: Path
) -> None:
    bare = folder / "bare"
    shutil.copytree(good, bare, ignore=shutil.ignore_patterns(".git"))
    done = check(bare, "--diff", "base")
    assert done.exit_code == 2
    assert "not a git repository" in done.output
