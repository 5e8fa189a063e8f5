"""Activating a release: only one that is signed, whose examples hold and that checkers pass."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from sqlalchemy import Connection, Engine

from activation.decisions.examples import run_examples
from activation.journeys.loading import load
from activation.log import PublicKey
from activation.release.bundle import JOURNEYS
from activation.release.errors import ReleaseRefused
from activation.release.manifest import FORMAT
from activation.release.pointer import active_id, point, require_said
from activation.release.registry import open_bundle, stored_releases
from activation.release.release import Bundle, Release
from activation.release.review import has_second_person, sensitive_changes
from activation.store import transaction

Check = Callable[[Path], Sequence[str]]
"""Judges the files of a release below a directory: its findings, a line each; none is a pass."""


def require_fit(bundle: Bundle, check: Check) -> None:
    """Run what every release must pass before anybody decides under it, canaries included.

    Raises ReleaseRefused with each finding: another engine's format, an example of a journey that
    is decided otherwise than it says, whatever `check` objects to.
    """
    found = bundle.release.manifest["format"]
    if found != FORMAT:
        raise ReleaseRefused(
            bundle.release.id,
            [f"it is of format {found} and this engine decides by {FORMAT}: build it anew"],
        )
    with TemporaryDirectory() as directory:
        root = Path(directory)
        bundle.write(root)
        findings = [*_failing_examples(root), *check(root)]
    if findings:
        raise ReleaseRefused(bundle.release.id, findings)


def activate(
    engine: Engine,
    release_id: str,
    *,
    key: PublicKey,
    check: Check,
    actor: str,
    note: str,
    at: datetime,
) -> None:
    """Make a stored release the active one.

    The examples and the check run before the store is locked: a release can't change meanwhile.

    Raises ReleaseRefused with the findings when it may not be, ReleaseError when it is not what was
    signed, is active already, or nobody or no reason is named.
    """
    require_said(actor, note)
    with engine.connect() as reading:
        bundle = open_bundle(reading, release_id, key)
        require_second_person(reading, bundle.release, actor)
    require_fit(bundle, check)
    with transaction(engine) as connection:
        require_second_person(connection, bundle.release, actor)
        point(connection, release_id, kind="activate", actor=actor, note=note, at=at)


def require_second_person(connection: Connection, release: Release, actor: str) -> None:
    """Raise ReleaseRefused when the change is sensitive and one person alone stands behind it.

    The first release has nothing before it and needs nobody else.
    """
    active = active_id(connection)
    base = {one.id: one for one in stored_releases(connection)}.get(active or "")
    if base is None:
        return
    changes = sensitive_changes(release, base)
    if changes and not has_second_person(connection, release.id, actor):
        raise ReleaseRefused(
            release.id,
            [
                f"it changes {', '.join(changes)}, which needs a second person: somebody who did "
                f"not build it runs `assent release approve {release.id}`, or activates it"
            ],
        )


def _failing_examples(root: Path) -> list[str]:
    with duckdb.connect() as world:
        failures = run_examples(world, load(root / JOURNEYS))
    return [
        f"{one.node}.yml: the example {one.example!r} is decided {_said(one.found)}, "
        f"not {_said(one.expected)}"
        for one in failures
    ]


def _said(decided: str) -> str:
    return "no candidate" if decided == "None" else decided
