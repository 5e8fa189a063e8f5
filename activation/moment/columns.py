"""Single values out of an Arrow column that is mapped into memory.

Arrow makes a scalar object for each value that is asked for: 0.6 us of CPU time for a text and 4 to
17 for an instant, whose zone it looks up by name. Read from the column's buffers they take 0.25 and
0.4. A property holds the two equal.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal

import pyarrow as pa

ReadValue = Callable[[int], Any]
"""The value of a row of one column."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY: Final = date(1970, 1, 1).toordinal()
# How the buffers of a type are laid out (arrow.apache.org/docs/format/Columnar.html), as `struct`
# names it.
_Code = Literal["b", "B", "h", "H", "i", "I", "q", "Q"]
_WIDTHS: Final[dict[pa.DataType, _Code]] = {
    pa.int8(): "b",
    pa.uint8(): "B",
    pa.int16(): "h",
    pa.uint16(): "H",
    pa.int32(): "i",
    pa.uint32(): "I",
    pa.int64(): "q",
    pa.uint64(): "Q",
}
_OFFSETS: Final[dict[pa.DataType, _Code]] = {pa.string(): "i", pa.large_string(): "q"}


def value_reader(column: pa.Array) -> ReadValue:
    """What gives the value of each row of the column, as `as_py` does; instants are in UTC."""
    read = _plain_reader(column)
    if read is None:
        return lambda row: column[row].as_py()
    validity = column.buffers()[0]
    if not column.null_count or validity is None:
        return read
    bits, offset = memoryview(validity), column.offset

    def read_unless_null(row: int) -> Any:
        row_bit = row + offset
        return read(row) if bits[row_bit >> 3] >> (row_bit & 7) & 1 else None

    return read_unless_null


def _plain_reader(column: pa.Array) -> ReadValue | None:
    """The reader of a column without nulls; None for a type that only Arrow reads."""
    kind = column.type
    if kind in _OFFSETS:
        return _text_reader(column)
    if pa.types.is_boolean(kind):
        bits, offset = memoryview(column.buffers()[1]), column.offset
        return lambda row: bool(bits[row + offset >> 3] >> (row + offset & 7) & 1)
    if kind in _WIDTHS:
        return _numbers(column, _WIDTHS[kind]).__getitem__
    if pa.types.is_date32(kind):
        days = _numbers(column, "i")
        return lambda row: date.fromordinal(_FIRST_DAY + days[row])
    if pa.types.is_timestamp(kind) and kind.unit == "us" and kind.tz is not None:
        instants = _numbers(column, "q")
        return lambda row: _EPOCH + timedelta(microseconds=instants[row])
    return None


def _numbers(column: pa.Array, code: _Code) -> "memoryview[int]":
    values = memoryview(column.buffers()[1]).cast("B").cast(code)
    return values[column.offset : column.offset + len(column)]


def _text_reader(column: pa.Array) -> ReadValue:
    _, ends, texts = column.buffers()
    # One end more than there are texts: the first is where the first text begins.
    offsets = memoryview(ends).cast("B").cast(_OFFSETS[column.type])[column.offset :]
    data = memoryview(texts if texts is not None else b"")
    return lambda row: str(data[offsets[row] : offsets[row + 1]], "utf-8")
