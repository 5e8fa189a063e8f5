"""Releases in the store: their manifests, and the append-only pointer to the active one.

The functions take a writing transaction of the store (`activation.store.transaction`), so that a
release and its pointer are committed together.
"""

from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection, insert, select

from activation.decisions.contract import Release
from activation.release.manifest import canonical
from activation.store.tables import release as releases
from activation.store.tables import release_pointer


class ReleaseError(ValueError):
    """A stored release is not what its id says."""


def register(
    connection: Connection,
    release: Release,
    *,
    activated_at: datetime,
    actor: str,
    note: str | None = None,
) -> bool:
    """Store the release if it is new, and point to it if another one is active.

    Returns whether the pointer moved. Raises ReleaseError when the id is taken by other content.
    """
    stored = connection.execute(
        select(releases.c.digest).where(releases.c.id == release.id)
    ).scalar_one_or_none()
    if stored is None:
        connection.execute(
            insert(releases).values(
                id=release.id,
                digest=release.digest,
                manifest=dict(release.manifest),
                created_at=activated_at,
            )
        )
    elif stored != release.digest:
        raise ReleaseError(
            f"release {release.id} is stored with another digest. Fix: rebuild it from its files."
        )
    current = _active_id(connection)
    if current == release.id:
        return False
    connection.execute(
        insert(release_pointer).values(
            release_id=release.id, activated_at=activated_at, actor=actor, note=note
        )
    )
    return True


def active(connection: Connection) -> Release | None:
    """The release that the newest pointer names; None before the first one."""
    current = _active_id(connection)
    found = [release for release in stored_releases(connection) if release.id == current]
    return found[0] if found else None


def stored_releases(connection: Connection) -> tuple[Release, ...]:
    """Every release of the store, by id. Raises ReleaseError when a manifest was changed."""
    rows = connection.execute(
        select(releases.c.id, releases.c.digest, releases.c.manifest).order_by(releases.c.id)
    ).all()
    found = tuple(Release(row.id, row.digest, row.manifest) for row in rows)
    for release in found:
        if sha256(canonical(release.manifest).encode()).hexdigest() != release.digest:
            raise ReleaseError(
                f"the manifest of release {release.id} does not match its digest. "
                "Fix: restore the store from a copy."
            )
    return found


def _active_id(connection: Connection) -> str | None:
    return connection.execute(
        select(release_pointer.c.release_id).order_by(release_pointer.c.seq.desc()).limit(1)
    ).scalar_one_or_none()
