"""The README is run: its commands in order, in an empty directory, must print what it shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from activation.connectors.settings import read_destinations
from activation.journeys.condition import parse_condition
from activation.journeys.loading import load

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND_SECONDS = 420


def console_examples() -> list[tuple[str, list[str]]]:
    """Every `$ command` of the console blocks, in order, with the lines shown below it."""
    examples: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                examples.append((line[2:], []))
            else:
                examples[-1][1].append(line)
    return examples


def yaml_examples() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)


def pattern(line: str) -> str:
    """A shown line as a regular expression: `...` stands for anything, blanks for any blanks."""
    parts = [re.escape(part) for part in line.split("...")]
    return re.sub(r"(\\ )+", r"\\s+", ".*".join(parts))


@pytest.mark.timeout(900)
def test_every_command_of_the_readme_prints_what_the_readme_shows(tmp_path: Path) -> None:
    for name in ("activation", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = {name: value for name, value in os.environ.items() if "ASSENT" not in name}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["COLUMNS"] = "120"
    examples = console_examples()
    assert len(examples) >= 8
    for command, shown in examples:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        expected = [pattern(line.rstrip()) for line in shown if line.strip() not in ("", "...")]
        found = re.search(r"\s*(?:.*\n)*?.*".join(expected), done.stdout)
        assert expected == [] or found, (
            f"{command} does not print what README shows:\n{done.stdout}"
        )


def test_the_rule_that_the_readme_changes_is_a_valid_condition_of_that_node() -> None:
    change = yaml.safe_load(yaml_examples()[0])
    node = load(ROOT / "activation" / "journeys").node("renewal_reminder_day_90")
    parse_condition(change["when"], node.fields)
    assert change["when"] != node.when


def test_the_destinations_file_that_the_readme_shows_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "destinations.yml"
    path.write_text(yaml_examples()[1], encoding="utf-8")
    assert set(read_destinations(path)) == {"outbox", "webhook", "postgres"}


def test_every_path_that_the_readme_names_exists() -> None:
    named = re.findall(
        r"`((?:activation|dbt_project|docs|expectations|orchestration|tests)/[\w/.-]*)`", README
    )
    assert len(named) >= 6
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_make_target_that_the_readme_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"make ([a-z-]+)", README)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_every_assent_command_is_described_in_the_readme_or_a_page_of_docs() -> None:
    from orchestration.cli import COMMANDS

    pages = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))]
    told = "\n".join([README, *pages])
    missing = [name for name in COMMANDS if name != "ui" and f"assent {name}" not in told]
    assert missing == []
