"""Releases in the store: manifest, signature and the text of every file.

Writing functions take a writing transaction of the store (`activation.store.transaction`). What is
read is checked: the id against the digest, the digest against the manifest, the manifest against
the signature and against each file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from activation.log.notes import PublicKey
from activation.release import signing
from activation.release.errors import ReleaseError
from activation.release.release import Bundle, Release, canonical, digest_of
from activation.store.tables_release import release as releases
from activation.store.tables_release import release_file, release_signature

_FILES_AT_ONCE = 500


@dataclass(frozen=True)
class Built:
    """Who built a release, and when it first entered the store (UTC)."""

    release: Release
    builders: tuple[str, ...]
    at: datetime


def record(connection: Connection, bundle: Bundle, *, note: str, actor: str, at: datetime) -> bool:
    """Store a bundle and its signature; returns whether the release is new.

    `note` is `signing.sign` of the release, `actor` who built it. Building a release again adds its
    builder. Raises ReleaseError when the id is taken by other content.
    """
    release = bundle.release
    stored = connection.execute(
        select(releases.c.digest).where(releases.c.id == release.id)
    ).scalar_one_or_none()
    if stored not in (None, release.digest):
        raise ReleaseError(
            f"release {release.id} is stored with another digest. Fix: restore the store."
        )
    if stored is None:
        _store_files(connection, bundle.files)
        connection.execute(
            insert(releases).values(
                id=release.id,
                digest=release.digest,
                manifest=dict(release.manifest),
                created_at=at,
            )
        )
    known = connection.execute(
        select(release_signature.c.seq).where(
            release_signature.c.release_id == release.id,
            release_signature.c.note == note,
            release_signature.c.actor == actor,
        )
    ).first()
    if known is None:
        connection.execute(
            insert(release_signature).values(release_id=release.id, note=note, actor=actor, at=at)
        )
    return stored is None


def stored_releases(connection: Connection) -> tuple[Release, ...]:
    """Every release of the store, by id. Raises ReleaseError when a manifest was changed.

    The signatures are not looked at: this tells what a row of the log was decided under.
    """
    rows = connection.execute(
        select(releases.c.id, releases.c.digest, releases.c.manifest).order_by(releases.c.id)
    ).all()
    return tuple(_checked(Release(row.id, row.digest, row.manifest)) for row in rows)


def builds(connection: Connection) -> tuple[Built, ...]:
    """Every release with its builders, in the order in which they were first built."""
    rows = connection.execute(
        select(
            release_signature.c.release_id, release_signature.c.actor, release_signature.c.at
        ).order_by(release_signature.c.seq)
    ).all()
    known = {release.id: release for release in stored_releases(connection)}
    actors: dict[str, list[str]] = {}
    first: dict[str, datetime] = {}
    for row in rows:
        first.setdefault(row.release_id, row.at)
        if row.actor not in actors.setdefault(row.release_id, []):
            actors[row.release_id].append(row.actor)
    return tuple(Built(known[one], tuple(who), first[one]) for one, who in actors.items())


def resolve(connection: Connection, name: str) -> str:
    """The id of the one release that `name` (an id or its beginning) means.

    Raises ReleaseError when there is none or more than one.
    """
    ids: Sequence[str] = (
        connection.execute(select(releases.c.id).order_by(releases.c.id)).scalars().all()
    )
    found = [one for one in ids if one == name] or [one for one in ids if one.startswith(name)]
    if len(found) != 1 or not name:
        said = "there is no release" if not found else "more than one release begins with"
        raise ReleaseError(f"{said} {name}. Fix: `assent release list` shows them.")
    return found[0]


def open_bundle(connection: Connection, release_id: str, key: PublicKey) -> Bundle:
    """A release with its files, after checking id, digest, signature and every file.

    Raises ReleaseError when it is not stored or anything does not hold.
    """
    row = connection.execute(
        select(releases.c.id, releases.c.digest, releases.c.manifest).where(
            releases.c.id == release_id
        )
    ).one_or_none()
    if row is None:
        raise ReleaseError(f"there is no release {release_id}. Fix: `assent release list`.")
    release = _checked(Release(row.id, row.digest, row.manifest))
    notes: Sequence[str] = (
        connection.execute(
            select(release_signature.c.note).where(release_signature.c.release_id == release_id)
        )
        .scalars()
        .all()
    )
    signing.verify(release, notes, key)
    return Bundle(release, _read_files(connection, release))


def _checked(release: Release) -> Release:
    fits = release.id == f"r_{release.digest[:12]}"
    if not fits or digest_of(canonical(release.manifest)) != release.digest:
        raise ReleaseError(
            f"the manifest of release {release.id} does not match its digest. "
            "Fix: restore the store from a copy."
        )
    return release


def _store_files(connection: Connection, files: Mapping[str, str]) -> None:
    contents = {digest_of(content): content for content in files.values()}
    known: set[str] = set(connection.execute(select(release_file.c.digest)).scalars())
    rows = [{"digest": d, "content": c} for d, c in contents.items() if d not in known]
    if rows:
        connection.execute(insert(release_file), rows)


def _read_files(connection: Connection, release: Release) -> dict[str, str]:
    wanted: Mapping[str, str] = release.manifest["files"]
    digests = sorted(set(wanted.values()))
    contents: dict[str, str] = {}
    for start in range(0, len(digests), _FILES_AT_ONCE):
        some = digests[start : start + _FILES_AT_ONCE]
        rows = connection.execute(
            select(release_file.c.digest, release_file.c.content).where(
                release_file.c.digest.in_(some)
            )
        )
        contents |= {row.digest: row.content for row in rows}
    for path, digest in wanted.items():
        if digest not in contents or digest_of(contents[digest]) != digest:
            raise ReleaseError(
                f"{path} of release {release.id} is missing or was changed in the store. "
                "Fix: restore the store from a copy, or build the release again from its files."
            )
    return {path: contents[digest] for path, digest in wanted.items()}
