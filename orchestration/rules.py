"""The rules that a home decides under: those of its active release, from the store.

What lies in the project's folder is where a release is built from, and what a home without a
release begins with. A run takes one release at its start and keeps it to its end.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from activation.consent.countries import COUNTRIES_FILE, load_countries
from activation.consent.regimes import REGIMES_FILE, Regimes, load_regimes
from activation.journeys import JourneySet, load
from activation.release import (
    Bundle,
    Release,
    ReleaseError,
    activate,
    active_id,
    open_bundle,
    read_bundle,
    read_files,
    record,
    sign,
)
from activation.release.bundle import CONSENT, JOURNEYS, WAREHOUSE
from activation.release.release import digest_of
from activation.store import opened_store, transaction
from orchestration.environment import PROJECT_ROOT, Home
from orchestration.policy_check import policy_findings
from orchestration.release_keys import public_key, signing_key

FIRST_RUN = "first run"


@dataclass(frozen=True)
class Rules:
    """A release, and the directory below which its files stand as in the project.

    `dbt_project` is the project's own where the release has the same SQL: it is parsed already.
    """

    release: Release
    root: Path
    dbt_project: Path

    def journeys(self) -> JourneySet:
        """The journeys and policies, checked."""
        return load(self.root / JOURNEYS)

    def regimes(self) -> Regimes:
        """The consent regimes, checked."""
        return load_regimes(self.root / CONSENT / REGIMES_FILE.name)

    def countries(self) -> list[dict[str, Any]]:
        """Rows of reference.country."""
        return load_countries(self.root / CONSENT / COUNTRIES_FILE.name)


def build_from_disk(
    home: Home, engine: Engine, *, actor: str, at: datetime, root: Path = PROJECT_ROOT
) -> tuple[Bundle, bool]:
    """Build, sign and store the release of the files below `root`; and whether it is new."""
    bundle = read_bundle(root)
    note = sign(bundle.release, signing_key(home))
    with transaction(engine) as store:
        is_new = record(store, bundle, note=note, actor=actor, at=at)
    return bundle, is_new


def activate_disk(home: Home, *, actor: str, note: str, at: datetime) -> Release:
    """Build the release of the project's files and activate it, unless it is active already.

    Raises ReleaseRefused as `assent release activate` does: it is a shorter way, not another door.
    """
    with opened_store(home.store_url) as engine:
        bundle, _ = build_from_disk(home, engine, actor=actor, at=at)
        with engine.connect() as store:
            active = active_id(store)
        if active != bundle.release.id:
            activate(
                engine,
                bundle.release.id,
                key=public_key(home),
                check=policy_findings,
                actor=actor,
                note=note,
                at=at,
            )
        return bundle.release


def active_rules(home: Home, at: datetime) -> Rules:
    """The rules of the active release; a home without one begins with those of the project.

    Raises ReleaseError when the release in the store is not what was signed, or the first one may
    not be activated.
    """
    found = _active(home)
    if found is None:
        activate_disk(home, actor=FIRST_RUN, note="the rules this home began with", at=at)
        found = _active(home)
    if found is None:
        raise ReleaseError("no release is active. Fix: `assent release activate`.")
    return found


def rules_of(home: Home, release_id: str) -> Rules:
    """The rules of a stored release. Raises ReleaseError when it is not what was signed."""
    with opened_store(home.store_url) as engine, engine.connect() as store:
        bundle = open_bundle(store, release_id, public_key(home))
    return _rules(home, bundle)


def active_dbt_project(home: Home) -> Path:
    """The dbt project of the active release; the project's own where none is active yet.

    Nothing is written to the store: this is asked whenever the definitions are loaded.
    """
    found = _active(home)
    return found.dbt_project if found else PROJECT_ROOT / WAREHOUSE


def differing_files(release: Release) -> list[str]:
    """Paths of the files that are other in the project than in the release."""
    disk = {path: digest_of(content) for path, content in read_files(PROJECT_ROOT).items()}
    released = release.manifest["files"]
    return sorted(path for path in {*disk, *released} if disk.get(path) != released.get(path))


def _active(home: Home) -> Rules | None:
    with opened_store(home.store_url) as engine, engine.connect() as store:
        active = active_id(store)
        bundle = open_bundle(store, active, public_key(home)) if active else None
    return _rules(home, bundle) if bundle else None


def _rules(home: Home, bundle: Bundle) -> Rules:
    disk = read_files(PROJECT_ROOT)
    root = PROJECT_ROOT if disk == bundle.files else _written(home, bundle)
    same_sql = _of_warehouse(disk) == _of_warehouse(bundle.files)
    return Rules(bundle.release, root, (PROJECT_ROOT if same_sql else root) / WAREHOUSE)


def _of_warehouse(files: Mapping[str, str]) -> dict[str, str]:
    return {path: content for path, content in files.items() if path.startswith(WAREHOUSE)}


def _written(home: Home, bundle: Bundle) -> Path:
    """The bundle's files below the home, exactly.

    They are a cache: whatever was added, changed or lost is set right from the store.
    """
    root = home.releases / bundle.release.id
    if not root.is_dir() or read_files(root) != bundle.files:
        temporary = root.with_name(f".{root.name}.{os.getpid()}")
        shutil.rmtree(temporary, ignore_errors=True)
        bundle.write(temporary)
        shutil.rmtree(root, ignore_errors=True)
        temporary.rename(root)
    return root
