"""`assent release` as a person uses it: each step says what it did, or what to mend."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestration.cli import main
from tests.activation.release.projects import write_project

Say = Callable[..., str]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def say(home: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Runs `assent release ...` for a home, as ana, and gives what it prints."""
    monkeypatch.setenv("ASSENT_ACTOR", "ana")

    def run(*words: object, fails: bool = False) -> str:
        done = CliRunner().invoke(main, ["release", *map(str, words), "--home", str(home)])
        assert (done.exit_code != 0) == fails, done.output
        return done.output

    return run


def built(say: Say, root: Path, **rules: object) -> str:
    """Build the release of a small project without SQL; its id."""
    project = write_project(root, sql=None, **rules)  # type: ignore[arg-type]
    return say("build", "--from", project).split()[0]


def test_a_change_is_built_activated_and_rolled_back(say: Say, tmp_path: Path) -> None:
    first = built(say, tmp_path / "project", days=30)
    assert say("activate", first, "--note", "begin").startswith(f"{first} is active")
    second = built(say, tmp_path / "project", days=31)
    assert first != second
    say("activate", second[:8], "--note", "a day more")
    listed = {line.split()[0]: line for line in say("list").splitlines()[1:]}
    assert "active" not in listed[first]
    assert "active" in listed[second]
    assert say("rollback", "--note", "too early").startswith(f"{first} is active again")
    shown = say("show", first)
    assert "the signature and every file hold" in shown
    assert "days_to_renewal <= 30" in shown
    assert "rollback" in shown
    assert "too early" in shown


def test_a_canary_starts_widens_and_ends(say: Say, tmp_path: Path) -> None:
    first, second = (built(say, tmp_path / "project", days=days) for days in (30, 31))
    say("activate", first, "--note", "begin")
    assert "5 % of the persons" in say("canary", second, "--share", "5%", "--note", "try")
    assert "can only be widened" in say(
        "canary", second, "--share", "1", "--note", "less", fails=True
    )
    say("canary", second, "--share", "12.5%", "--note", "more")
    assert "canary 12.5 %" in say("list")
    assert "has ended" in say("canary", "--end", "--note", "seen")


def test_a_canary_of_another_warehouse_or_of_an_unfit_release_is_refused(
    say: Say, tmp_path: Path
) -> None:
    first = built(say, tmp_path / "project", days=30)
    other_tables = built(say, tmp_path / "project", regimes="adult_age: 16\n")
    unfit = built(say, tmp_path / "project", days=5)
    say("activate", first, "--note", "begin")
    refused = say("canary", other_tables, "--share", "5%", "--note", "try", fails=True)
    assert "builds other tables" in refused
    refused = say("canary", unfit, "--share", "5%", "--note", "try", fails=True)
    assert "'ten days ahead'" in refused


def test_a_node_is_halted_by_its_name_and_resumed(say: Say, tmp_path: Path) -> None:
    built(say, tmp_path / "project")
    assert "there is no node nosuch. Fix: one of reminder" in say(
        "halt", "nosuch", "--reason", "typo", fails=True
    )
    assert "reminder is halted" in say("halt", "reminder", "--reason", "wrong price")
    assert "halted already" in say("halt", "reminder", "--reason", "again", fails=True)
    assert "goes on" in say("resume", "reminder", "--reason", "mended")


def test_a_sensitive_change_asks_for_a_second_person_by_the_command_that_helps(
    say: Say, tmp_path: Path
) -> None:
    first = built(say, tmp_path / "project")
    say("activate", first, "--note", "begin")
    looser = built(say, tmp_path / "project", regimes="adult_age: 16\n")
    refused = say("activate", looser, "--note", "alone", fails=True)
    assert f"assent release approve {looser}" in refused
    say("approve", looser, "--actor", "ben", "--note", "legal agreed")
    say("activate", looser, "--note", "together")
    assert "ben" in say("list")


def test_the_files_of_a_release_come_out_as_they_were_built(say: Say, tmp_path: Path) -> None:
    project = write_project(tmp_path / "project")
    release_id = say("build", "--from", project).split()[0]
    say("show", release_id, "--out", tmp_path / "out")
    for path in project.rglob("*.*"):
        assert (tmp_path / "out" / path.relative_to(project)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("activate", "r_0", "--note", "x"), "there is no release r_0"),
        (("rollback", "--note", "x"), "no release was active before"),
        (("canary", "--end", "--note", "x"), "no canary is running"),
        (("canary", "--note", "x"), "give RELEASE and --share, or --end"),
        (("resume", "reminder", "--reason", "x"), "reminder is not halted"),
        (("rollback", "--actor", "", "--note", "x"), "say who does it and why"),
    ],
)
def test_what_can_not_be_done_is_said_in_one_line(
    say: Say, words: tuple[str, ...], said: str
) -> None:
    output = say(*words, fails=True)
    assert said in output
    assert "Traceback" not in output


def test_a_fault_in_a_journey_is_named_by_file_line_field_and_fix(say: Say, tmp_path: Path) -> None:
    root = write_project(tmp_path / "project")
    path = root / "activation/journeys/reminder.yml"
    path.write_text(path.read_text().replace("days_to_renewal <= 30", "nothing <= 30"))
    refused = say("build", "--from", root, fails=True)
    assert "reminder.yml:10: when" in refused
    assert "Fix: use one of: policy_number, days_to_renewal" in refused


def test_a_comparison_before_the_first_run_says_what_to_do(say: Say, tmp_path: Path) -> None:
    one, other = (built(say, tmp_path / "project", days=days) for days in (30, 31))
    assert "`assent run` makes one" in say("diff", one, other, fails=True)


def test_a_home_that_trusts_a_key_kept_elsewhere_builds_nothing(
    say: Say, home: Path, tmp_path: Path
) -> None:
    first = built(say, tmp_path / "project")
    (home / "keys" / "release.key").unlink()
    refused = say("build", "--from", tmp_path / "project", fails=True)
    assert "this home trusts a key that is kept elsewhere" in refused
    say("activate", first, "--note", "built elsewhere")


def test_no_message_holds_the_private_key(say: Say, home: Path, tmp_path: Path) -> None:
    release_id = built(say, tmp_path / "project")
    secret = (home / "keys" / "release.key").read_text().strip().rpartition("+")[2]
    said = say("show", release_id) + say("list") + say("activate", release_id, "--note", "x")
    assert secret not in said
    assert (home / "keys" / "release.key").stat().st_mode & 0o077 == 0
