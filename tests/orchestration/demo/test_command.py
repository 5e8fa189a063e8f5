"""`assent demo` on the command line."""

from pathlib import Path

from click.testing import CliRunner

from orchestration.demo.command import demo


def test_the_command_writes_a_world_and_says_what_is_in_it(tmp_path: Path) -> None:
    out = tmp_path / "landing"
    arguments = ["--people", "60", "--seed", "3", "--as-of", "2026-11-20T06:00:00+00:00"]
    result = CliRunner().invoke(demo, [*arguments, "--out", str(out), "--days", "1"])
    assert result.exit_code == 0, result.output
    assert "60 people" in result.output
    assert "1 more day" in result.output
    assert "wildcard" in result.output
    assert len(result.output.splitlines()) < 70
    assert (out / "crm" / "contacts-2026-11-21.csv").is_file()
    assert (tmp_path / "truth" / "identity.csv").is_file()


def test_the_command_names_what_to_mend(tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "something").touch()
    refused = CliRunner().invoke(demo, ["--people", "60", "--out", str(tmp_path / "landing")])
    assert refused.exit_code == 1
    assert "is not empty" in refused.output
    wrong = CliRunner().invoke(demo, ["--as-of", "soon", "--out", str(tmp_path / "other")])
    assert wrong.exit_code == 2
    assert "--as-of" in wrong.output
