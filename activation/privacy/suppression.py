"""Who was erased, as keyed hashes: what keeps an import from bringing them back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from activation.privacy.keyed import Keyed
from activation.store import StoreError
from activation.store.tables import erased_identifier


@dataclass(frozen=True)
class Suppressed:
    """The hashes of every erased identifier, and what makes them. Empty where nobody was erased."""

    keyed: Keyed
    hashes: frozenset[str]

    def holds(self, kind: str, value: str) -> bool:
        """Whether the normalised identifier is that of an erased person."""
        return bool(self.hashes) and self.keyed.hash(kind, value) in self.hashes


def read(connection: Connection, keyed: Keyed) -> Suppressed:
    """All suppressions. Raises StoreError when they were made with another key than `keyed`.

    With the wrong key nobody would be recognised, so nothing may be loaded.
    """
    rows = connection.execute(select(erased_identifier.c.hash, erased_identifier.c.key_id)).all()
    if any(row.key_id != keyed.key_id for row in rows):
        raise StoreError(
            "the erased persons were recorded with another key than keys/erasure.key: restore that "
            "file from its backup, or erased persons would come back"
        )
    return Suppressed(keyed, frozenset(row.hash for row in rows))


def add(
    connection: Connection,
    keyed: Keyed,
    identifiers: Iterable[tuple[str, str]],
    *,
    erasure_id: str,
    erased_at: datetime,
) -> int:
    """Suppress (kind, normalised value) pairs; returns how many there are. Known ones stay."""
    pairs = [(kind, keyed.hash(kind, value)) for kind, value in identifiers]
    add_hashes(connection, keyed, pairs, erasure_id=erasure_id, erased_at=erased_at)
    return len(pairs)


def add_hashes(
    connection: Connection,
    keyed: Keyed,
    pairs: Iterable[tuple[str, str]],
    *,
    erasure_id: str,
    erased_at: datetime,
) -> None:
    """Suppress (kind, hash) pairs that were hashed elsewhere."""
    rows = [
        {
            "hash": digest,
            "kind": kind,
            "key_id": keyed.key_id,
            "erasure_id": erasure_id,
            "erased_at": erased_at,
        }
        for kind, digest in pairs
    ]
    if rows:
        make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        statement = make(erased_identifier).on_conflict_do_nothing(index_elements=["hash"])
        connection.execute(statement, rows)
