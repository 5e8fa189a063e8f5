"""Takes single records out of export files that lie in the home.

Text files keep their line numbers: a record's lines become empty lines, which the readers skip. A
file is written beside the old one and renamed over it, so it is whole at every moment.
"""

import gzip
import hashlib
import io
import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from activation.log.durable import sync_directory

_PARTIAL = ".erasing"
_MOST_LINES = 1000
_LEAST_BYTES = 5


def pattern_of(values: Collection[str]) -> re.Pattern[bytes] | None:
    """What finds any of the values in a line; shorter ones than five bytes would hit strangers."""
    known = sorted({one.encode() for one in values if len(one.encode()) >= _LEAST_BYTES})
    if not known:
        return None
    # Not inside a longer word: customer 12345 is not customer 912345.
    body = b"|".join(map(re.escape, known))
    return re.compile(rb"(?<![A-Za-z0-9])(?:" + body + rb")(?![A-Za-z0-9])", re.IGNORECASE)


def rewritten(
    path: Path, form: str | None, compressed: bool, lines: Collection[int], values: Sequence[str]
) -> Path | None:
    """Write the file without these records beside it; None where nothing would change.

    `lines` are record numbers as the loader counts them; records that hold one of `values` go too.
    """
    stored = path.read_bytes()
    content = gzip.decompress(stored) if compressed else stored
    if form == "parquet":
        changed = _without_rows(content, set(lines), values)
    else:
        changed = b"".join(_without_records(content, set(lines), pattern_of(values), form == "csv"))
    if changed == content:
        return None
    target = path.with_name(f".{path.name}{_PARTIAL}")
    with target.open("wb") as stream:
        # Without a time in its header, equal copies stay equal.
        stream.write(gzip.compress(changed, mtime=0) if compressed else changed)
        stream.flush()
        os.fsync(stream.fileno())
    target.chmod(path.stat().st_mode & 0o777)
    return target


def put_in_place(partial: Path, path: Path) -> None:
    """Let the rewritten file take the name of the old one."""
    partial.replace(path)
    sync_directory(path.parent)


def digest(path: Path) -> str:
    """SHA-256 of the bytes, as the loader takes it."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _without_records(
    content: bytes, lines: set[int], pattern: re.Pattern[bytes] | None, is_csv: bool
) -> Iterator[bytes]:
    number = 0
    physical = _physical(content)
    for line in physical:
        number += 1
        if number in lines:
            record = [line]
            while is_csv and _is_open(record) and (more := next(physical, None)) is not None:
                record.append(more)
                number += 1
            yield b"\n" * len(record)
        elif pattern is not None and number > is_csv and pattern.search(line):
            # A line of no known record: one that could not be read, or was never loaded.
            alone = not is_csv or line.count(b'"') % 2 == 0
            yield b"\n" if alone else pattern.sub(b"", line)
        else:
            yield line


def _is_open(record: Sequence[bytes]) -> bool:
    return len(record) < _MOST_LINES and sum(line.count(b'"') for line in record) % 2 == 1


def _physical(content: bytes) -> Iterator[bytes]:
    stream: IO[bytes] = io.BytesIO(content)
    yield from stream


def _without_rows(content: bytes, rows: set[int], values: Sequence[str]) -> bytes:
    table = pq.read_table(io.BytesIO(content))
    gone = pa.array([number in rows for number in range(1, table.num_rows + 1)], pa.bool_())
    wanted = pa.array(list(values), pa.string())
    for column in table.columns:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            found = pc.is_in(column.cast(pa.string()), wanted).combine_chunks()
            gone = pc.or_(gone, found)
    if not pc.any(gone).as_py():
        return content
    buffer = io.BytesIO()
    pq.write_table(table.filter(pc.invert(gone)), buffer, compression="zstd")
    return buffer.getvalue()
