"""Copies of the store's tables for the warehouse, as Arrow tables of the declared types."""

from datetime import datetime
from typing import Any, Final

import pyarrow as pa
from sqlalchemy import Column, Connection, String, func, or_, select, type_coerce
from sqlalchemy.sql import Select

from activation.store.hash_key import HashKey
from activation.store.identity_overrides import current_under
from activation.store.metadata import Instant
from activation.store.tables import consent_event, identity_change, identity_map

_INSTANT: Final = pa.timestamp("us", tz="UTC")
_CONSENT_COLUMNS: Final = (
    "seq",
    "event_id",
    "identifier_type",
    "identifier",
    "purpose",
    "channel",
    "action",
    "jurisdiction",
    "lawful_basis",
    "notice_version",
    "source",
    "evidence",
    "occurred_at",
    "recorded_at",
    "expires_at",
)


def consent_events(connection: Connection) -> pa.Table:
    """store.consent_event: the whole ledger without its hashes, in order of seq."""
    columns = [consent_event.c[name] for name in _CONSENT_COLUMNS]
    return _read(connection, select(*columns).order_by(consent_event.c.seq))


def consent_watermark(connection: Connection, *, recorded_at: datetime) -> pa.Table:
    """store.consent_watermark: one row, the last seq of which all is known, and the as-of instant.

    An event that was recorded or will happen after `recorded_at`, the run's as-of instant, is not
    known to the permits; the watermark stops before it, so that the gate at the moment of sending
    reads it. Read the watermark before `consent_events`: a copy may hold more, never less.
    """
    unknown = or_(
        consent_event.c.recorded_at > recorded_at, consent_event.c.occurred_at > recorded_at
    )
    seq: int = connection.execute(
        select(
            func.coalesce(
                select(func.min(consent_event.c.seq) - 1).where(unknown).scalar_subquery(),
                select(func.max(consent_event.c.seq)).scalar_subquery(),
                0,
            )
        )
    ).scalar_one()
    schema = pa.schema([("seq", pa.int64()), ("recorded_at", _INSTANT)])
    return pa.Table.from_pylist([{"seq": seq, "recorded_at": recorded_at}], schema=schema)


def identity_maps(connection: Connection) -> pa.Table:
    """store.identity_map: record_key, person_id, since; one row per record that names a person."""
    return _read(connection, select(*identity_map.c).order_by(identity_map.c.record_key))


def identity_changes(connection: Connection) -> pa.Table:
    """store.identity_change: every change of a record's person, in the order of commits."""
    columns = [column for column in identity_change.c if column.name != "seq"]
    return _read(connection, select(*columns).order_by(identity_change.c.seq))


def hash_key(key: HashKey) -> pa.Table:
    """store.hash_key: one row, what keyed hashes are made with."""
    return pa.table({"key": pa.array([key.text], type=pa.string())})


def identity_overrides(connection: Connection, key: HashKey) -> pa.Table:
    """store.identity_override: the overrides that stand, in the order they were recorded, without
    who decided them and why, which the models do not ask.

    Raises OverrideError for one whose value was hashed with another key.
    """
    names = ("override_id", "kind", "rule", "key_hash", "record_key", "other_record_key")
    rows = [{name: getattr(one, name) for name in names} for one in current_under(connection, key)]
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in names]))


def _read(connection: Connection, statement: Select[Any]) -> pa.Table:
    columns = list(statement.selected_columns)
    if connection.dialect.name == "sqlite":
        # Arrow reads the fixed-width text of an instant much faster than Python does.
        statement = statement.with_only_columns(*map(_as_stored, columns))
    rows = connection.execute(statement).all()
    values: list[Any] = list(zip(*rows, strict=True)) if rows else [() for _ in columns]
    arrays = [
        _array(column, some, is_text=connection.dialect.name == "sqlite")
        for column, some in zip(columns, values, strict=True)
    ]
    return pa.Table.from_arrays(arrays, names=[str(column.key) for column in columns])


def _as_stored(column: Any) -> Any:
    return type_coerce(column, String).label(column.key) if _is_instant(column) else column


def _is_instant(column: Column[Any]) -> bool:
    return isinstance(column.type, Instant)


def _array(column: Any, values: tuple[Any, ...], *, is_text: bool) -> pa.Array:
    if _is_instant(column):
        if is_text:
            return pa.array(values, type=pa.string()).cast(_INSTANT)
        return pa.array(values, type=_INSTANT)
    return pa.array(values, type=pa.int64() if column.key == "seq" else pa.string())
