"""The policy check of this project: dbt compiles it in this process, activation says what journeys
do with data, and expectations judges."""

import tarfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from subprocess import run
from tempfile import TemporaryDirectory
from typing import TypeVar

from activation.journeys import Kind, load
from expectations.located_yaml import SourceError
from expectations.policy.check import Checked, JourneyUse, build_graph, check_project
from expectations.policy.defaults import read_defaults
from expectations.policy.graph import PolicyGraph
from expectations.policy.location import Locator
from expectations.policy.vocabulary import read_vocabulary
from orchestration.dbt_runner import DbtError, compile_project, lineage_cache
from orchestration.environment import ACTIVATION_DIR, DBT_PROJECT_DIR, PROJECT_ROOT, Home
from orchestration.environment import home as home_at

JOURNEYS = ACTIVATION_DIR / "journeys"
_Read = TypeVar("_Read")
_VOCABULARY = "expectations/policy/vocabulary.yml"
_DEFAULTS = "expectations/policy/defaults.yml"


class RevisionError(ValueError):
    """A git revision can't be read; the message says why."""


def check(home: Home, on: date, root: Path = PROJECT_ROOT, project: Path | None = None) -> Checked:
    """Compile the project below `root` (no warehouse is opened, no data read) and check it as of
    the day `on`. `project` is its dbt project, where that stands elsewhere.

    What dbt compiled, and lineage, are kept below the home. Raises DbtError with dbt's own words
    when it doesn't compile, and SourceError for a journey or a file of the checker's that is wrong.
    """
    project = project or root / DBT_PROJECT_DIR.name
    return check_project(
        compile_project(home, project),
        Locator(project, project.name),
        on,
        journey_uses(root / JOURNEYS.relative_to(PROJECT_ROOT)),
        lineage_cache(home, project),
    )


def policy_findings(root: Path) -> Sequence[str]:
    """What the checker objects to in the files of a release below `root`, a line each.

    A release without a dbt project has no columns to check.
    """
    if not (root / DBT_PROJECT_DIR.name / "dbt_project.yml").is_file():
        return ()
    with TemporaryDirectory() as folder:
        try:
            checked = check(home_at(Path(folder)), datetime.now(UTC).date(), root)
        except (DbtError, SourceError) as error:
            return (str(error),)
    return tuple(str(one) for one in checked.findings)


def graph_of_revision(revision: str, on: date, root: Path = PROJECT_ROOT) -> PolicyGraph:
    """The labelled graph of what git has under `revision`, by its own vocabulary and defaults where
    it has them.

    Raises RevisionError when there is no such revision, or it can't be compiled or read.
    """
    with TemporaryDirectory() as folder:
        base = Path(folder)
        _extract(revision, root, base)
        project = base / DBT_PROJECT_DIR.name
        try:
            return build_graph(
                compile_project(home_at(base / "home"), project),
                Locator(project, project.name),
                on,
                vocabulary=_if_there(base / _VOCABULARY, read_vocabulary),
                defaults=_if_there(base / _DEFAULTS, read_defaults),
            )
        except (DbtError, SourceError) as error:
            raise RevisionError(f"{revision} can't be compared with: {error}") from error


def _if_there(path: Path, read: Callable[[Path], _Read]) -> _Read | None:
    return read(path) if path.is_file() else None


def _extract(revision: str, root: Path, into: Path) -> None:
    """What git has of the dbt project and of the checker's files below `root`."""
    if revision.startswith("-"):
        raise RevisionError(f"{revision} is no git revision")
    wanted = (DBT_PROJECT_DIR.name, _VOCABULARY, _DEFAULTS)
    listed = _git(root, "ls-tree", "--name-only", revision, *wanted).decode().splitlines()
    if DBT_PROJECT_DIR.name not in listed:
        raise RevisionError(f"{revision} has no {DBT_PROJECT_DIR.name}")
    archive = _git(root, "archive", revision, *listed)
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(into, filter="data")


def _git(root: Path, *arguments: str) -> bytes:
    try:
        done = run(["git", *arguments], cwd=root, capture_output=True, check=False)  # noqa: S603, S607
    except FileNotFoundError:
        raise RevisionError("git is not installed, so there is nothing to compare with") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise RevisionError(f"git {arguments[0]}: {said[0] if said else 'failed without a word'}")
    return done.stdout


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
