"""What a reader hands on: batches of records as text, and the lines it could not read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from orchestration.landing.content import MAX_RECORD_BYTES
from orchestration.landing.contract import EntityContract

LINE = "_line"
RAW = "_raw"

Fault = tuple[str, str]
"""Reason code and detail of a record that can't be read."""

OVERSIZED: Fault = ("oversized_record", f"longer than {MAX_RECORD_BYTES // 1024} KB")
NUL_BYTE: Fault = ("nul_byte", "holds a NUL character")
BAD_ENCODING: Fault = ("bad_encoding", "not UTF-8")


@dataclass(frozen=True)
class Reject:
    """One record that could not be read; `detail` never holds a value of it, `raw` does."""

    line: int
    field: str | None
    reason: str
    detail: str
    raw: str


@dataclass(frozen=True)
class Batch:
    """A run of records of one file.

    `table` has the columns `_line`, `_raw` (null where the text can be composed from the columns)
    and one text column per announced column that the file has, under the announced name; `rejects`
    are the records between them that could not be read.
    """

    table: pa.Table
    rejects: tuple[Reject, ...]

    @property
    def rows(self) -> int:
        """Number of records read, rejects included."""
        return self.table.num_rows + len(self.rejects)


@dataclass
class Shape:
    """What a reader learns about the form of a file while it reads.

    `missing`: announced columns that must be there and are not, in which case no row is accepted.
    `unannounced`: names of columns that the contract does not know.
    """

    missing: list[str] = field(default_factory=list)
    unannounced: set[str] = field(default_factory=set)


def text_table(
    contract: EntityContract,
    lines: Sequence[int],
    raws: Sequence[str],
    columns: Mapping[str, pa.ChunkedArray | Sequence[str | None]],
) -> pa.Table:
    """Batch table of a text format; `columns` maps announced names to values, blank for null."""
    arrays = [pa.array(lines, pa.int64()), pa.array(raws, pa.string())]
    names = [LINE, RAW]
    for column in contract.columns:
        if column.name in columns:
            values = columns[column.name]
            is_arrow = isinstance(values, pa.ChunkedArray)
            arrays.append(values if is_arrow else pa.array(values, pa.string()))
            names.append(column.name)
    return pa.Table.from_arrays(arrays, names=names)


def decode(lines: list[bytes]) -> tuple[list[str], dict[int, Fault]]:
    """Decode physical lines; the faults say (by index) which can't be read as they are, and why.

    A line that is not UTF-8 comes with its bad bytes escaped, so that it can be shown.
    """
    faults: dict[int, Fault] = {}
    if max(map(len, lines)) > MAX_RECORD_BYTES:
        faults = {i: OVERSIZED for i, line in enumerate(lines) if len(line) > MAX_RECORD_BYTES}
    joined = b"\n".join(lines)
    if b"\0" in joined:
        faults |= {i: NUL_BYTE for i, line in enumerate(lines) if b"\0" in line}
    try:
        return joined.decode("utf-8").split("\n"), faults
    except UnicodeDecodeError:
        return [_decode_line(i, line, faults) for i, line in enumerate(lines)], faults


def _decode_line(index: int, line: bytes, faults: dict[int, Fault]) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        faults.setdefault(index, BAD_ENCODING)
        return line.decode("utf-8", "backslashreplace")


def shown(raw: str) -> str:
    """Raw text as the quarantine keeps it: cut to the greatest record, NUL bytes made visible."""
    return raw[:MAX_RECORD_BYTES].replace("\0", "\\0")
