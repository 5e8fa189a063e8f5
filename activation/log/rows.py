"""The decision row: its columns in their fixed order, as text in the log and typed outside it.

Grain: one row per candidate (person, subject, node) and decision. Times are UTC. In a segment every
value is text or null, exactly as it is hashed, so that no reader can differ over how a number or an
instant is written: integers in plain decimal, instants as 2026-11-20T06:00:00.000000Z.
"""

from datetime import UTC, datetime
from typing import Final

import pyarrow as pa

from activation.log.errors import RowRefused

FORMAT: Final = "assent-decision-2"
"""Version of the columns, their order and the canonical form; the first element of every leaf."""

FORMAT_1: Final = "assent-decision-1"
"""The form before references could be erased: rows said in clear whom they were about."""

INSTANT: Final = pa.timestamp("us", tz="UTC")

DECISION_COLUMNS: Final[dict[str, pa.DataType]] = {
    "decision_id": pa.string(),
    "person_id": pa.string(),
    "node": pa.string(),
    "journey": pa.string(),
    "subject_id": pa.string(),
    "as_of": INSTANT,
    "outcome": pa.string(),
    "reason": pa.string(),
    "action": pa.string(),
    "channel": pa.string(),
    "purpose": pa.string(),
    "lawful_basis": pa.string(),
    "evidence": pa.string(),
    "watermark": pa.int64(),
    "policies": pa.string(),
    "once_key": pa.string(),
    "gate_mask": pa.int32(),
    "arm": pa.string(),
    "bucket": pa.int32(),
    "release": pa.string(),
}
LOG_COLUMNS: Final[dict[str, pa.DataType]] = {
    "batch": pa.int64(),
    "seq": pa.int64(),
    "commitment": pa.string(),
}
REFERENCES: Final = ("decision_id", "person_id", "subject_id", "evidence", "once_key", "bucket")
"""What tells whom a row is about, or can be tested against a guess: a decision_id is a digest of
person and subject, a bucket one of the person. It stands in the opening and is only committed to,
so that erasing the opening leaves a row that leads to nobody, nor to the person's other rows."""

SEGMENT_COLUMNS: Final = (
    "batch",
    "seq",
    *(name for name in DECISION_COLUMNS if name not in REFERENCES),
    "commitment",
)
"""The order in a segment; the leaf is [FORMAT, *these] as a JSON array."""

SEGMENT_COLUMNS_1: Final = ("batch", "seq", *DECISION_COLUMNS, "commitment")
COLUMNS_OF: Final = {FORMAT: SEGMENT_COLUMNS, FORMAT_1: SEGMENT_COLUMNS_1}

NEVER_NULL: Final = ("decision_id", "person_id", "node", "as_of", "outcome", "release", "context")
READ_SCHEMA: Final = pa.schema(DECISION_COLUMNS | LOG_COLUMNS)
GIVEN_SCHEMA: Final = pa.schema(DECISION_COLUMNS | {"context": pa.string()})
"""What is handed in: a decision and the context it was made from."""


def instant_text(moment: datetime) -> str:
    """An aware datetime as the log writes it. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("the decision log takes times with a time zone only")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_instant(text: str) -> datetime:
    """The reverse of `instant_text`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def _as_text(name: str, column: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    given = column.type
    if wanted == INSTANT:
        if not pa.types.is_timestamp(given) or given.tz is None:
            raise RowRefused(f"column {name}: is {given}; give a timestamp with a time zone")
        # A run has few distinct instants: format each once.
        encoded = _cast(name, column, INSTANT).combine_chunks().dictionary_encode()
        distinct = [
            None if at is None else instant_text(at) for at in encoded.dictionary.to_pylist()
        ]
        return pa.chunked_array([pa.array(distinct, pa.string()).take(encoded.indices)])
    if pa.types.is_null(given):
        return column.cast(pa.string())
    fits = pa.types.is_integer(given) if pa.types.is_integer(wanted) else _is_text(given)
    if not fits:
        raise RowRefused(f"column {name}: is {given}; give {wanted}")
    return _cast(name, column, wanted).cast(pa.string())


def _cast(name: str, column: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    # What can't be read back must not be sealed: there is no second chance.
    try:
        return column.cast(wanted)
    except pa.ArrowInvalid:
        raise RowRefused(f"column {name}: a value doesn't fit {wanted} without loss") from None


def _is_text(given: pa.DataType) -> bool:
    return (
        pa.types.is_string(given)
        or pa.types.is_large_string(given)
        or pa.types.is_string_view(given)
    )


def to_text(rows: pa.Table) -> pa.Table:
    """Decision rows and their context as text columns, checked, in the log's order.

    Raises RowRefused with the column and the fix: missing or unknown columns, wrong types, nulls
    where a decision must say something, the same decision_id twice.
    """
    wanted = {field.name: field.type for field in GIVEN_SCHEMA}
    if missing := [name for name in wanted if name not in rows.column_names]:
        raise RowRefused(f"column {missing[0]}: missing; a decision row has {', '.join(wanted)}")
    if strange := [name for name in rows.column_names if name not in wanted]:
        raise RowRefused(f"column {strange[0]}: not part of format {FORMAT}; leave it out")
    if len(set(rows.column_names)) != rows.num_columns:
        raise RowRefused("a column stands twice in the rows; name each once")
    text = pa.table(
        {name: _as_text(name, rows.column(name), kind) for name, kind in wanted.items()}
    )
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        raise RowRefused("a text column is not valid UTF-8; decode it before deciding") from None
    for name in NEVER_NULL:
        if text.column(name).null_count:
            raise RowRefused(f"column {name}: is null in some row; every decision has one")
    if len(text.column("decision_id").unique()) != len(text):
        raise RowRefused("column decision_id: the same id stands twice in one batch")
    return text


def to_typed(text: pa.Table, schema: pa.Schema = READ_SCHEMA) -> pa.Table:
    """Text rows with their types, in the schema's order."""
    columns = []
    for field in schema:
        column = text.column(field.name)
        columns.append(column if field.type == pa.string() else column.cast(field.type))
    return pa.Table.from_arrays(columns, schema=schema)
