"""Writing an export's files: the same rows give the same bytes. Every file appears whole or not at
all.
"""

import gzip
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.demo.columns import constant, join, where

_CLOUD_EVENT_DATA = ("account_id", "device_id", "feature", "claim_number", "milestone", "ticket_id")


def csv_lines(table: pa.Table) -> pa.Array:
    """One RFC 4180 record per row, without line ends; fields are quoted where they must be."""
    fields: list[pa.Array | str] = []
    for column in table.itercolumns():
        fields += [_quoted(column.combine_chunks()), ","]
    return join(*fields[:-1])


def json_lines(table: pa.Table) -> pa.Array:
    """One JSON object per row; the data of a CloudEvent in an object of its own."""
    is_event = "specversion" in table.column_names
    nested = [name for name in table.column_names if is_event and name in _CLOUD_EVENT_DATA]
    plain = [name for name in table.column_names if name not in nested]
    data = ['"data": {', *_members(table, nested), "}"] if nested else []
    members = _members(table, plain)
    return join("{", *members, *([", ", *data] if data else []), "}")


def with_line_ends(lines: pa.Array, end: str) -> bytes:
    """The lines as a file's bytes."""
    ended = join(lines, end).cast(pa.large_string())
    _, offsets, data = ended.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int64)
    begin, stop = bounds[ended.offset], bounds[ended.offset + len(ended)]
    return data.slice(int(begin), int(stop - begin)).to_pybytes() if data is not None else b""


def parquet_bytes(table: pa.Table) -> bytes:
    """The rows as Parquet; no metadata but the schema."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def compressed(content: bytes) -> bytes:
    """gzip without the time and name that would make each file different."""
    return gzip.compress(content, compresslevel=6, mtime=0)


def write_whole(path: Path, content: bytes) -> None:
    """Writes beside and renames, so that a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def _quoted(column: pa.Array) -> pa.Array:
    needs = pc.match_substring_regex(column, '[",\r\n]').to_numpy(zero_copy_only=False)
    if not needs.any():
        return column
    return where(needs, join('"', pc.replace_substring(column, '"', '""'), '"'), column)


def _members(table: pa.Table, names: list[str]) -> list[pa.Array | str]:
    parts: list[pa.Array | str] = []
    for name in names:
        column = table.column(name).combine_chunks() if len(table) else constant("", 0)
        parts += [f'"{name}": "', column, '", ']
    return [*parts[:-1], '"'] if parts else []
