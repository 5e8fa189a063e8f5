"""Reads what each destination has acknowledged."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from activation.connectors.protocol import Operation
from activation.store.tables_sync import sync_intent, sync_state
from activation.syncs.item import Item

FORGOTTEN = "forgotten"
"""In place of a parked hash: the destination refuses this person whatever the content."""

STATE_SCHEMA = pa.schema(
    [
        ("row_key", pa.string()),
        ("person_id", pa.string()),
        ("purpose", pa.string()),
        ("channel", pa.string()),
        ("row_hash", pa.string()),
        ("uncertain", pa.bool_()),
        ("parked_hash", pa.string()),
        ("address_hash", pa.string()),
        ("address_sent", pa.string()),
    ]
)
"""One row per key of one sync, as in the store's sync_state."""

_CHUNK = 500
_COLUMNS = [sync_state.c[name] for name in STATE_SCHEMA.names]


def all_state(connection: Connection, sync: str) -> pa.Table:
    """The state of every key of the sync."""
    return _table(connection, [select(*_COLUMNS).where(sync_state.c.sync == sync)])


def state_of_keys(connection: Connection, sync: str, row_keys: Sequence[str]) -> pa.Table:
    """The state of these keys only, so that the cost does not grow with what was ever sent."""
    base = select(*_COLUMNS).where(sync_state.c.sync == sync)
    return _table(
        connection, [base.where(sync_state.c.row_key.in_(chunk)) for chunk in _chunks(row_keys)]
    )


def held_rows_of(
    connection: Connection, sync: str, persons: Sequence[str], addresses: Sequence[str]
) -> list[Item]:
    """Removals for every row that the destination holds, or may hold, of these persons or
    addresses (SHA-256), ordered by key.
    """
    present = or_(sync_state.c.row_hash.is_not(None), sync_state.c.uncertain)
    base = select(*_COLUMNS).where(sync_state.c.sync == sync).where(present)
    found: dict[str, Item] = {}
    for column, values in (
        (sync_state.c.person_id, persons),
        (sync_state.c.address_hash, addresses),
    ):
        for chunk in _chunks(values):
            for row in connection.execute(base.where(column.in_(chunk))):
                found[row.row_key] = Item(
                    operation=Operation.REMOVE,
                    row_key=row.row_key,
                    person_id=row.person_id,
                    purpose=row.purpose,
                    channel=row.channel,
                    address_hash=row.address_hash,
                    address_sent=row.address_sent,
                    required=True,
                )
    return [found[row_key] for row_key in sorted(found)]


def count_held(connection: Connection, sync: str) -> int:
    """How many rows the destination holds, as far as is acknowledged."""
    held: ColumnElement[bool] = sync_state.c.row_hash.is_not(None)
    return (
        connection.scalar(
            select(func.count()).select_from(sync_state).where(sync_state.c.sync == sync, held)
        )
        or 0
    )


def last_other_intent(connection: Connection, sync: str, items: Sequence[Item]) -> dict[str, int]:
    """Row key -> seq of its latest intent with another operation or content than planned now."""
    planned = {item.row_key: (item.operation.value, item.row_hash) for item in items}
    latest: dict[str, int] = {}
    for chunk in _chunks(list(planned)):
        for row in connection.execute(
            select(
                sync_intent.c.row_key,
                sync_intent.c.op,
                sync_intent.c.row_hash,
                func.max(sync_intent.c.seq).label("seq"),
            )
            .where(sync_intent.c.sync == sync, sync_intent.c.row_key.in_(chunk))
            .group_by(sync_intent.c.row_key, sync_intent.c.op, sync_intent.c.row_hash)
        ):
            if (row.op, row.row_hash) != planned[row.row_key]:
                latest[row.row_key] = max(row.seq, latest.get(row.row_key, 0))
    return latest


def _table(connection: Connection, queries: Sequence[Select[tuple[object, ...]]]) -> pa.Table:
    rows = [tuple(row) for query in queries for row in connection.execute(query)]
    columns = zip(*rows, strict=True) if rows else [()] * len(STATE_SCHEMA)
    arrays = [
        pa.array(values, field.type) for values, field in zip(columns, STATE_SCHEMA, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=STATE_SCHEMA)


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
