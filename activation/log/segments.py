"""Segments: the rows of one batch, one write-once Parquet file of text columns.

Its footer repeats the Merkle frontier before and after the batch. Nobody trusts it: a frontier
counts only when it folds to the root that a signed checkpoint states. It spares the reader of one
batch from hashing all earlier ones.
"""

from base64 import b64encode
from pathlib import Path
from typing import IO, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from activation.log.durable import READ_ONLY, publish
from activation.log.errors import LogDamaged
from activation.log.merkle import HASH_BYTES, Frontier
from activation.log.notes import decode_base64
from activation.log.rows import COLUMNS_OF, FORMAT, SEGMENT_COLUMNS

SUFFIX: Final = ".parquet"
_FORMAT_KEY: Final = b"assent.format"
_BEFORE_KEY: Final = b"assent.frontier.before"
_AFTER_KEY: Final = b"assent.frontier.after"
_FIRST_KEY: Final = b"assent.as_of.first"
# A proof reads one group: 16,384 rows cost it 5 ms, and 131,072 would 40.
ROW_GROUP: Final = 16_384
# Digests and running numbers never repeat: a dictionary of them only costs time.
_DISTINCT: Final = frozenset({"seq", "commitment"})
_REPEATING: Final = [name for name in SEGMENT_COLUMNS if name not in _DISTINCT]


def encode_frontier(frontier: Frontier) -> bytes:
    """Size and nodes as one line of text."""
    return b"%d " % frontier.size + b64encode(b"".join(frontier.nodes))


def decode_frontier(encoded: bytes) -> Frontier | None:
    """The reverse; None when it is not a frontier."""
    size, _, nodes = encoded.decode("ascii", "replace").partition(" ")
    try:
        raw = decode_base64(nodes)
        parts = tuple(raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES))
        return Frontier(int(size), parts)
    except ValueError:
        return None


def write(path: Path, rows: pa.Table, before: Frontier, after: Frontier) -> None:
    """Publish a segment, once and for good."""
    metadata = {
        _FORMAT_KEY: FORMAT.encode(),
        _BEFORE_KEY: encode_frontier(before),
        _AFTER_KEY: encode_frontier(after),
        _FIRST_KEY: pc.min(rows["as_of"]).as_py().encode(),
    }
    rows = rows.replace_schema_metadata(metadata)

    def parquet(stream: IO[bytes]) -> None:
        pq.write_table(
            rows,
            stream,
            row_group_size=ROW_GROUP,
            compression="zstd",
            compression_level=1,
            use_dictionary=_REPEATING,
            write_statistics=["seq"],
        )

    publish(path, parquet, mode=READ_ONLY)


def form_of(rows: pa.Table) -> str:
    """The format of rows that `read` gave."""
    return (rows.schema.metadata or {}).get(_FORMAT_KEY, b"").decode("ascii", "replace")


def read(path: Path, columns: list[str] | None = None) -> pa.Table:
    """A segment's rows, all text, in the order of its format or just these columns.

    Raises LogDamaged when it is missing, can't be read or has another form.
    """
    try:
        rows = pq.read_table(path, columns=columns, partitioning=None)
        rows.validate(full=True)
    except FileNotFoundError:
        raise LogDamaged(f"segments/{path.name}: missing; restore it") from None
    except (OSError, pa.ArrowException):
        raise LogDamaged(f"segments/{path.name}: can't be read as Parquet; restore it") from None
    wanted = columns or COLUMNS_OF.get(form_of(rows))
    form = [(field.name, field.type) for field in rows.schema]
    if not wanted or form != [(name, pa.string()) for name in wanted]:
        raise LogDamaged(f"segments/{path.name}: its columns are not those of its format")
    return rows


def read_frontiers(path: Path) -> tuple[Frontier | None, Frontier | None]:
    """The frontiers before and after the batch that the footer claims, unverified.

    Raises LogDamaged when the segment is missing or can't be read.
    """
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException):
        raise LogDamaged(f"segments/{path.name}: missing or can't be read; restore it") from None
    return decode_frontier(metadata.get(_BEFORE_KEY, b"")), decode_frontier(
        metadata.get(_AFTER_KEY, b"")
    )


def read_rows(path: Path, start: int, count: int) -> pa.Table:
    """A few rows of a segment, by their place in it, without reading the others' groups.

    Raises LogDamaged when it is missing, can't be read or has not so many rows.
    """
    try:
        parquet = pq.ParquetFile(path)
        groups, skipped, seen = [], 0, 0
        for group in range(parquet.num_row_groups):
            rows = parquet.metadata.row_group(group).num_rows
            if seen + rows <= start:
                skipped += rows
            elif seen < start + count:
                groups.append(group)
            seen += rows
        found = parquet.read_row_groups(groups).slice(start - skipped, count)
    except (OSError, pa.ArrowException):
        raise LogDamaged(f"segments/{path.name}: missing or can't be read; restore it") from None
    if len(found) != count or form_of(found) not in COLUMNS_OF:
        raise LogDamaged(f"segments/{path.name}: hasn't the rows that its checkpoint counts")
    return found


def names(path: Path) -> list[str]:
    """The segment's columns. Raises LogDamaged when it is missing or can't be read."""
    try:
        return list(pq.read_schema(path).names)
    except (OSError, pa.ArrowException):
        raise LogDamaged(f"segments/{path.name}: missing or can't be read; restore it") from None


def first_as_of(path: Path) -> str | None:
    """The oldest instant among the batch's rows as the footer claims it; None in old segments."""
    try:
        claimed = (pq.read_schema(path).metadata or {}).get(_FIRST_KEY)
    except (OSError, pa.ArrowException):
        raise LogDamaged(f"segments/{path.name}: missing or can't be read; restore it") from None
    return claimed.decode("ascii", "replace") if claimed else None
