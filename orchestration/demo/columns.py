"""Text columns of an export, made from numpy without a Python loop per row. An empty text is SQL's
null.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

DAY = 86_400  # seconds


def fixed_width(places: np.ndarray) -> pa.Array:
    """Strings from a matrix of ASCII bytes, one row a string."""
    width = places.shape[1]
    data = np.ascontiguousarray(places).tobytes()
    offsets = np.arange(len(places) + 1, dtype=np.int32) * np.int32(width)
    return pa.StringArray.from_buffers(
        len(places), pa.py_buffer(offsets.tobytes()), pa.py_buffer(data)
    )


def choose(words: Sequence[str], positions: np.ndarray) -> pa.Array:
    """The words at those positions."""
    return pa.array(list(words), pa.string()).take(pa.array(positions))


def constant(word: str, size: int) -> pa.Array:
    """The same word `size` times."""
    return pa.array([word], pa.string()).take(pa.array(np.zeros(size, dtype=np.int64)))


def where(mask: np.ndarray, yes: pa.Array | str, no: pa.Array | str) -> pa.Array:
    """`yes` where the mask holds, else `no`."""
    return pc.if_else(pa.array(mask), yes, no)


def join(*parts: pa.Array | str) -> pa.Array:
    """The parts side by side, without a separator."""
    return pc.binary_join_element_wise(*parts, "")


def numbers(values: np.ndarray) -> pa.Array:
    """Whole numbers as text."""
    return pa.array(values).cast(pa.string())


def money(values: np.ndarray) -> pa.Array:
    """Amounts with two decimals."""
    cents = np.rint(values * 100).astype(np.int64)
    return join(numbers(cents // 100), ".", pc.utf8_lpad(numbers(cents % 100), 2, "0"))


def dates(days: np.ndarray, shown: np.ndarray | None = None) -> pa.Array:
    """ISO dates of days since 1970-01-01; empty where `shown` is false."""
    text = pa.array(days.astype(np.int32)).cast(pa.date32()).cast(pa.string())
    return text if shown is None else where(shown, text, "")


def timestamps(seconds: np.ndarray, shown: np.ndarray | None = None) -> pa.Array:
    """ISO 8601 timestamps in UTC of seconds since 1970; empty where `shown` is false."""
    moments = pa.array(seconds.astype(np.int64)).cast(pa.timestamp("s"))
    text = pc.strftime(moments, format="%Y-%m-%dT%H:%M:%S+00:00")
    return text if shown is None else where(shown, text, "")


def rows_of(table: pa.Table, chosen: np.ndarray) -> pa.Table:
    """The rows at those positions, or where a mask holds, in one chunk."""
    positions = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
    return table.take(pa.array(positions)).combine_chunks()


def scatter(column: pa.Array, positions: np.ndarray, values: pa.Array) -> pa.Array:
    """The column with other values at those positions."""
    order = np.arange(len(column))
    order[positions] = len(column) + np.arange(len(positions))
    return pa.concat_arrays([column, values]).take(pa.array(order))
