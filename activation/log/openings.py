"""Openings: what each commitment hides, erasable without touching the log.

Grain: one row per decision (person_id, seq, key, context). The key is random and belongs to one row
alone: showing one decision's opening to somebody tells nothing about another's, and without the
key nobody can test a guess against the commitment. Erasing deletes key and context together.

One Parquet file per batch, readable by its owner alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from activation.log import canonical
from activation.log.durable import PRIVATE, numbered, publish
from activation.log.errors import LogDamaged
from activation.log.segments import SUFFIX

SCHEMA: Final = pa.schema(
    {"person_id": pa.string(), "seq": pa.int64(), "key": pa.binary(), "context": pa.string()}
)


@dataclass(frozen=True)
class Opening:
    """What opens one commitment: sha256(key || seq || ':' || context)."""

    seq: int
    person_id: str
    key: bytes
    context: str


def keys(random: bytes, count: int) -> pa.Array:
    """Random bytes as one key a row. Raises ValueError when they are too few or too many."""
    if len(random) != count * canonical.KEY_BYTES:
        raise ValueError("the source of entropy gave another number of bytes than asked for")
    fixed = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(canonical.KEY_BYTES), count, [None, pa.py_buffer(random)]
    )
    return fixed.cast(pa.binary())


def table(text: pa.Table, seqs: pa.Array, row_keys: pa.Array) -> pa.Table:
    """A batch's openings (SCHEMA): its text rows with their contexts, seqs and keys."""
    columns = [text["person_id"], seqs, row_keys, text["context"]]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def commitments(openings: pa.Table) -> pa.Array:
    """What each opening opens."""
    return canonical.commitments(openings["key"], openings["seq"], openings["context"])


def write(path: Path, openings: pa.Table, *, replace: bool = False) -> None:
    """Publish a batch's openings whole."""

    def parquet(stream: IO[bytes]) -> None:
        pq.write_table(
            openings,
            stream,
            compression="zstd",
            compression_level=1,
            use_dictionary=["person_id"],
            write_statistics=["seq"],
        )

    publish(path, parquet, mode=PRIVATE, replace=replace)


def read(path: Path) -> pa.Table:
    """A batch's remaining openings (SCHEMA). Raises LogDamaged when the file can't be read."""
    try:
        openings = pq.read_table(path, partitioning=None)
        openings.validate(full=True)
    except (OSError, pa.ArrowException):
        raise LogDamaged(f"openings/{path.name}: can't be read as Parquet") from None
    if openings.schema.remove_metadata() != SCHEMA or any(
        column.null_count for column in openings.columns
    ):
        raise LogDamaged(f"openings/{path.name}: its columns are not {', '.join(SCHEMA.names)}")
    return openings


def find(directory: Path, batch: int, seq: int) -> Opening | None:
    """One decision's opening, or None when it was erased."""
    path = directory / f"{batch:06d}{SUFFIX}"
    if not path.exists():
        return None
    openings = read(path)
    for row in openings.filter(pc.equal(openings.column("seq"), seq)).to_pylist():
        return Opening(**row)
    return None


def _rewrite(path: Path, keep: Callable[[pa.Table], pa.ChunkedArray]) -> int:
    """Replace a file by the rows worth keeping; a file that keeps all is left alone."""
    openings = read(path)
    kept = openings.filter(keep(openings))
    if len(kept) < len(openings):
        write(path, kept, replace=True)
    return len(openings) - len(kept)


def erase_persons(directory: Path, values: pa.Array) -> int:
    """Erase all openings of these persons and return how many rows went.

    Raises LogDamaged when a file can't be read.
    """
    erased = 0
    for path in numbered(directory, SUFFIX)[0].values():
        try:
            persons = pq.read_table(path, columns=["person_id"], partitioning=None)
        except (OSError, pa.ArrowException):
            raise LogDamaged(f"openings/{path.name}: can't be read as Parquet") from None
        # Most files hold none of them: one narrow column tells, without reading any context.
        if pc.any(pc.is_in(persons.column("person_id"), values)).as_py():
            erased += _rewrite(path, lambda rows: pc.invert(pc.is_in(rows["person_id"], values)))
    return erased


def erase_batch(path: Path) -> int:
    """Erase all openings of one batch; the empty file stays."""
    if not path.exists():
        return 0
    return _rewrite(path, lambda rows: pa.chunked_array([pa.repeat(False, len(rows))]))
