"""The policy check of this project: dbt compiles it in this process, activation says what journeys
do with data, and expectations judges."""

import tarfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from subprocess import run
from tempfile import TemporaryDirectory
from typing import Any

from activation.journeys import Kind, load
from expectations.located_yaml import SourceError
from expectations.policy.check import Checked, JourneyUse, check_project
from expectations.policy.location import Locator
from orchestration.dbt_runner import DbtError, compile_project, compiled_manifest
from orchestration.environment import ACTIVATION_DIR, DBT_PROJECT_DIR, PROJECT_ROOT, Home
from orchestration.environment import home as home_at

JOURNEYS = ACTIVATION_DIR / "journeys"


class RevisionError(ValueError):
    """A git revision can't be read; the message says why."""


def check(home: Home, on: date) -> Checked:
    """Compile the project (no warehouse is opened, no data read) and check it as of the day `on`.

    Raises DbtError with dbt's own words when it doesn't compile, and SourceError for a journey or a
    file of the checker's that is wrong.
    """
    return _check(compiled_manifest(home), DBT_PROJECT_DIR, on, JOURNEYS)


def policy_findings(root: Path) -> Sequence[str]:
    """What the checker objects to in the files of a release below `root`, a line each.

    A release without a dbt project has no columns to check.
    """
    project = root / DBT_PROJECT_DIR.name
    if not (project / "dbt_project.yml").is_file():
        return ()
    with TemporaryDirectory() as folder:
        try:
            manifest = compile_project(home_at(Path(folder)), project)
            today = datetime.now(UTC).date()
            checked = _check(manifest, project, today, root / "activation" / "journeys")
        except (DbtError, SourceError) as error:
            return (str(error),)
    return tuple(str(one) for one in checked.findings)


def check_revision(revision: str, on: date) -> Checked:
    """The same of what git has under `revision`, by today's vocabulary and defaults.

    Raises RevisionError when there is no such revision.
    """
    with TemporaryDirectory() as folder:
        base = Path(folder)
        _extract(revision, base)
        manifest = compile_project(home_at(base / "home"), base / "dbt_project")
        return _check(manifest, base / "dbt_project", on, base / "activation" / "journeys")


def _check(manifest: Mapping[str, Any], project: Path, on: date, journeys: Path) -> Checked:
    return check_project(manifest, Locator(project, project.name), on, journey_uses(journeys))


def _extract(revision: str, into: Path) -> None:
    if revision.startswith("-"):
        raise RevisionError(f"{revision} is no git revision")
    command = ["git", "archive", revision, "dbt_project", "activation/journeys"]
    archive = run(command, cwd=PROJECT_ROOT, capture_output=True, check=False)  # noqa: S603
    if archive.returncode:
        reason = archive.stderr.decode(errors="replace").strip().splitlines()
        raise RevisionError(f"git has no {revision} here: {reason[0] if reason else 'no reason'}")
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(into, filter="data")


def journey_uses(folder: Path = JOURNEYS) -> tuple[JourneyUse, ...]:
    """What the journeys of activation do with data, as the checker needs it."""
    return tuple(
        JourneyUse(
            id=node.id,
            file=f"activation/journeys/{node.id}.yml",
            purpose=node.purpose,
            context=node.context,
            fields=tuple(node.fields),
            decides_on=tuple(sorted(node.condition.fields)),
            object="audience" if node.kind is Kind.AUDIENCE else "action",
        )
        for node in load(folder).nodes
    )
