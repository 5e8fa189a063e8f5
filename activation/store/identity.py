"""The logged map from records to persons: reads it, and commits a run's changes."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from sqlalchemy import Connection, Engine, delete, func, select

from activation.store.bulk import insert_rows
from activation.store.engine import StoreError, transaction
from activation.store.metadata import instant_text
from activation.store.tables import identity_change, identity_map, ledger_head

_ROWS_AT_ONCE = 10_000
_SUCCESSOR = pa.schema([("former_person_id", pa.string()), ("person_id", pa.string())])


@dataclass(frozen=True, slots=True)
class IdentityChange:
    """One record's change of person: null old = new record, null new = record gone."""

    change_id: str
    record_key: str
    old_person_id: str | None
    new_person_id: str | None
    cause: str
    changed_at: datetime


def read_identity_map(connection: Connection) -> dict[str, str]:
    """The person of each record, by record_key, as last committed."""
    rows = connection.execute(select(identity_map.c.record_key, identity_map.c.person_id))
    return {row.record_key: row.person_id for row in rows}


def successors(connection: Connection) -> pa.Table:
    """One row per person id that merged into another (former_person_id, person_id).

    A chain of merges leads to its end. An id that some record still has, or has again after a
    split, stands for itself.
    """
    merged = connection.execute(
        select(identity_change.c.old_person_id, identity_change.c.new_person_id)
        .where(identity_change.c.cause == "merged")
        .order_by(identity_change.c.seq)
    ).all()
    into = {row.old_person_id: row.new_person_id for row in merged}
    living: set[str] = set()
    for start in range(0, len(into), _ROWS_AT_ONCE):
        some = list(into)[start : start + _ROWS_AT_ONCE]
        living.update(
            connection.execute(
                select(identity_map.c.person_id).where(identity_map.c.person_id.in_(some))
            ).scalars()
        )
    rows = [
        {"former_person_id": former, "person_id": _end(into, living, former)}
        for former in sorted(into)
        if former not in living
    ]
    return pa.Table.from_pylist(rows, _SUCCESSOR)


def _end(into: Mapping[str, str], living: Set[str], person_id: str) -> str:
    """The end of a chain of merges. Ids are never given twice, so a chain has no circle; if the
    log had one all the same, it ends where it began."""
    seen: set[str] = set()
    while person_id in into and person_id not in living and person_id not in seen:
        seen.add(person_id)
        person_id = into[person_id]
    return person_id


def commit_identity(engine: Engine, changes: pa.Table | Iterable[IdentityChange]) -> int:
    """Log the changes and bring the map along, in one transaction; return how many were new.

    Changes that are known by change_id are skipped, so `changes` may hold the whole history, and a
    run that crashed after its commit may repeat it. Raises StoreError, and commits nothing, when a
    change starts from another person than the map holds: another run came between.
    """
    batch = _changes(changes)
    with transaction(engine) as connection:
        # One committer at a time; SQLite has locked already.
        connection.execute(select(ledger_head.c.seq).with_for_update())
        current = read_identity_map(connection)
        fresh = _unknown(connection, batch)
        _check(fresh, current)
        _log(connection, fresh)
        _apply(connection, fresh)
    return len(fresh)


def replay(changes: Iterable[IdentityChange]) -> dict[str, str]:
    """The map that changes in the order of their commits lead to."""
    persons: dict[str, str] = {}
    for change in changes:
        if change.new_person_id is None:
            persons.pop(change.record_key, None)
        else:
            persons[change.record_key] = change.new_person_id
    return persons


def _changes(changes: pa.Table | Iterable[IdentityChange]) -> list[IdentityChange]:
    if not isinstance(changes, pa.Table):
        return list(changes)
    names = tuple(IdentityChange.__dataclass_fields__)
    columns = (changes.column(name).to_pylist() for name in names)
    return [IdentityChange(*values) for values in zip(*columns, strict=True)]


def _unknown(connection: Connection, batch: Sequence[IdentityChange]) -> list[IdentityChange]:
    known: set[str] = set()
    for start in range(0, len(batch), _ROWS_AT_ONCE):
        ids = [change.change_id for change in batch[start : start + _ROWS_AT_ONCE]]
        statement = select(identity_change.c.change_id).where(identity_change.c.change_id.in_(ids))
        known.update(connection.execute(statement).scalars())
    return [change for change in batch if change.change_id not in known]


def _check(fresh: Sequence[IdentityChange], current: dict[str, str]) -> None:
    for change in fresh:
        if current.get(change.record_key) != change.old_person_id:
            raise StoreError(
                f"identity change {change.change_id} of record {change.record_key} starts from "
                "another person than the map holds; build identity again from the current map"
            )


def _log(connection: Connection, fresh: Sequence[IdentityChange]) -> None:
    last: int = connection.execute(select(func.max(identity_change.c.seq))).scalar() or 0
    rows = [
        (
            seq,
            change.change_id,
            change.record_key,
            change.old_person_id,
            change.new_person_id,
            change.cause,
            instant_text(change.changed_at),
        )
        for seq, change in enumerate(fresh, start=last + 1)
    ]
    insert_rows(connection, identity_change, identity_change.c.keys(), rows)


def _apply(connection: Connection, fresh: Sequence[IdentityChange]) -> None:
    moved = [
        (change.record_key, change.new_person_id, instant_text(change.changed_at))
        for change in fresh
        if change.new_person_id is not None
    ]
    insert_rows(
        connection,
        identity_map,
        ("record_key", "person_id", "since"),
        moved,
        on_conflict="on conflict (record_key) do update"
        " set person_id = excluded.person_id, since = excluded.since",
    )
    gone = [c.record_key for c in fresh if c.new_person_id is None]
    for start in range(0, len(gone), _ROWS_AT_ONCE):
        some = gone[start : start + _ROWS_AT_ONCE]
        connection.execute(delete(identity_map).where(identity_map.c.record_key.in_(some)))
