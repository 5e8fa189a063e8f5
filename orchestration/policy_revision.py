"""A revision of this project in git, and the files at hand, ready to be compared."""

import tarfile
from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path
from subprocess import run
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from activation.consent.allowance import consent_allowances, named_countries
from activation.consent.regimes import REGIMES_FILE, Regimes, load_regimes
from activation.journeys import load
from activation.journeys.allowance import journey_allowances
from activation.release.bundle import CONSENT, JOURNEYS
from activation.syncs.allowance import sync_allowances
from activation.syncs.spec import SyncError
from expectations.located_yaml import SourceError
from expectations.policy.allowance import Allowances
from expectations.policy.check import Checked, check_project
from expectations.policy.defaults import read_defaults
from expectations.policy.difference import Loosened, Revision, loosened
from expectations.policy.lineage.manifest import Manifest
from expectations.policy.location import Locator
from expectations.policy.nodes import meta
from expectations.policy.vocabulary import read_vocabulary
from orchestration.dbt_runner import DbtError, compile_project
from orchestration.environment import DBT_PROJECT_DIR, PROJECT_ROOT, Home
from orchestration.environment import home as home_at
from orchestration.policy_check import journey_uses
from orchestration.renderings import compiled
from orchestration.sync_step import spec_of

_Read = TypeVar("_Read")
_VOCABULARY = "expectations/policy/vocabulary.yml"
_DEFAULTS = "expectations/policy/defaults.yml"


class RevisionError(ValueError):
    """A git revision can't be read; the message says why."""


def looser_than(
    revision: str, checked: Checked, home: Home, on: date, root: Path = PROJECT_ROOT
) -> tuple[Loosened, ...]:
    """What the files below `root`, as they were `checked`, let happen that git's `revision` of them
    does not; each revision by its own rules, vocabulary and defaults, where it has them.

    Raises RevisionError when there is no such revision, or one of the two can't be compiled or
    read.
    """
    with TemporaryDirectory() as folder:
        base = Path(folder)
        _extract(revision, root, base)
        regimes = _regimes(root) or load_regimes()
        try:
            old_regimes = _regimes(base) or regimes
            countries = named_countries(regimes) | named_countries(old_regimes)
            before = _revision(
                _checked(base, on), base, home_at(base / "home"), old_regimes, countries
            )
        except (DbtError, SourceError, SyncError) as error:
            raise RevisionError(f"{revision} can't be compared with: {error}") from error
        try:
            after = _revision(checked, root, home, regimes, countries)
        except SyncError as error:
            raise RevisionError(str(error)) from error
        return loosened(before, after)


def _checked(base: Path, on: date) -> Checked:
    """The check of a revision by its own vocabulary and defaults, where it has them."""
    project = base / DBT_PROJECT_DIR.name
    both = compiled(home_at(base / "home"), project)
    return check_project(
        both.manifest,
        Locator(project, project.name),
        on,
        journey_uses(load(base / JOURNEYS)) if (base / JOURNEYS).is_dir() else (),
        renderings=both.renderings,
        vocabulary=_if_there(base / _VOCABULARY, read_vocabulary),
        defaults=_if_there(base / _DEFAULTS, read_defaults),
    )


def _revision(
    checked: Checked, root: Path, home: Home, regimes: Regimes, countries: frozenset[str]
) -> Revision:
    manifest = compile_project(home, root / DBT_PROJECT_DIR.name)
    allowances: Allowances = {
        **sync_allowances(spec_of(one) for one in _sending(manifest)),
        **(journey_allowances(load(root / JOURNEYS)) if (root / JOURNEYS).is_dir() else {}),
        **consent_allowances(regimes, countries),
    }
    return Revision(checked.graph, checked.ungated, allowances)


def _sending(manifest: Manifest) -> list[dict[str, Any]]:
    exposures = (manifest.get("exposures") or {}).values()
    return [one for one in exposures if meta(one).get("sync") is not None]


def _regimes(root: Path) -> Regimes | None:
    return _if_there(root / CONSENT / REGIMES_FILE.name, load_regimes)


def _if_there(path: Path, read: Callable[[Path], _Read]) -> _Read | None:
    return read(path) if path.is_file() else None


def _extract(revision: str, root: Path, into: Path) -> None:
    """What git has below `root` of the dbt project, the rules and the checker's files."""
    if revision.startswith("-"):
        raise RevisionError(f"{revision} is no git revision")
    wanted = (DBT_PROJECT_DIR.name, JOURNEYS, CONSENT, _VOCABULARY, _DEFAULTS)
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
