"""Openings: what each commitment hides, erasable without touching the log.

Grain: one row per decision: seq, the references (whom and what the row is about), and either the
context with its key or, when the context's retention is over, the digest that it had. The key is
random and belongs to one row alone: showing one decision's opening to somebody tells nothing about
another's, and without key or digest nobody can test a guess against the commitment. Erasing a
person deletes the whole row: what is left in the log leads to nobody.

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
from activation.log.canonical import SLICE_ROWS
from activation.log.durable import PRIVATE, numbered, publish
from activation.log.errors import LogDamaged
from activation.log.rows import REFERENCES
from activation.log.segments import ROW_GROUP, SUFFIX

_TEXTS: Final = {name: pa.string() for name in REFERENCES}
SCHEMA: Final = pa.schema(
    {"seq": pa.int64()}
    | _TEXTS
    | {"key": pa.binary(), "context": pa.string(), "digest": pa.binary()}
)
SCHEMA_1: Final = pa.schema(
    {"person_id": pa.string(), "seq": pa.int64(), "key": pa.binary(), "context": pa.string()}
)
"""The form of batches in format 1, whose segments hold the references themselves."""
_NEVER_NULL: Final = ("seq", "decision_id", "person_id")


@dataclass(frozen=True)
class Opening:
    """What opens one commitment; `references` is None in format 1, where the row has them.

    Either key and context are there, or only the digest: of a context that was erased, or that is
    not for the eyes of whoever gets a proof.
    """

    seq: int
    references: tuple[str | None, ...] | None
    key: bytes | None
    context: str | None
    digest: bytes | None = None

    @property
    def commitment(self) -> str:
        """What it opens."""
        digest = self.digest
        if self.key is not None and self.context is not None:
            digest = canonical.context_digest(self.key, self.seq, self.context.encode())
        if digest is None:
            return ""
        if self.references is None:
            return digest.hex()
        return canonical.commitment(digest, self.references)

    def without_context(self) -> "Opening":
        """The same commitment, opened as far as the references."""
        if self.key is None or self.context is None:
            return self
        digest = canonical.context_digest(self.key, self.seq, self.context.encode())
        return Opening(self.seq, self.references, None, None, digest)


def keys(random: bytes, count: int) -> pa.Array:
    """Random bytes as one key a row. Raises ValueError when they are too few or too many."""
    if len(random) != count * canonical.KEY_BYTES:
        raise ValueError("the source of entropy gave another number of bytes than asked for")
    return canonical.fixed_width(random, canonical.KEY_BYTES)


def table(text: pa.Table, seqs: pa.Array, row_keys: pa.Array) -> pa.Table:
    """A batch's openings (SCHEMA): its text rows with their contexts, seqs and keys."""
    references = [text[name] for name in REFERENCES]
    columns = [seqs, *references, row_keys, text["context"], pa.nulls(len(text), pa.binary())]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def commitments(openings: pa.Table) -> pa.Array:
    """What each opening opens."""
    parts = [openings.slice(at, SLICE_ROWS) for at in range(0, len(openings), SLICE_ROWS)]
    found = [_commitments(part.combine_chunks()) for part in parts]
    return pa.concat_arrays(found) if found else pa.array([], pa.string())


def _commitments(openings: pa.Table) -> pa.Array:
    digests = _digests(openings)
    if is_format_1(openings):
        return canonical.hexadecimal(b"".join(digests.to_pylist()))
    return canonical.commitments(digests, openings)


def _digests(openings: pa.Table) -> pa.Array:
    """The context digests of one slice, computed where the context is there."""
    if is_format_1(openings):
        return _computed(openings)
    digests = openings["digest"].combine_chunks()
    gone = digests.is_null()
    return pc.replace_with_mask(digests, gone, _computed(openings.filter(gone)))


def _computed(openings: pa.Table) -> pa.Array:
    columns = (openings[name].combine_chunks() for name in ("key", "seq", "context"))
    return canonical.context_digests(*columns)


def is_format_1(openings: pa.Table) -> bool:
    """Whether the openings are of a batch in format 1."""
    return "digest" not in openings.column_names


def write(path: Path, openings: pa.Table, *, replace: bool = False) -> None:
    """Publish a batch's openings whole."""
    repeating = ["person_id"] if is_format_1(openings) else ["person_id", "bucket"]

    def parquet(stream: IO[bytes]) -> None:
        pq.write_table(
            openings,
            stream,
            compression="zstd",
            compression_level=1,
            row_group_size=ROW_GROUP,
            use_dictionary=repeating,
            write_statistics=["seq"],
        )

    publish(path, parquet, mode=PRIVATE, replace=replace)


def read(path: Path, columns: list[str] | None = None, only: int | None = None) -> pa.Table:
    """A batch's remaining openings (SCHEMA or SCHEMA_1), or just these columns or that one seq.

    Raises LogDamaged when the file can't be read.
    """
    try:
        wanted = None if only is None else [("seq", "=", only)]
        openings = pq.read_table(path, columns=columns, filters=wanted, partitioning=None)
        openings.validate(full=True)
    except (OSError, pa.ArrowException):
        raise LogDamaged(f"openings/{path.name}: can't be read as Parquet") from None
    if columns is None and not _is_whole(openings):
        raise LogDamaged(f"openings/{path.name}: its columns are not {', '.join(SCHEMA.names)}")
    return openings


def _is_whole(openings: pa.Table) -> bool:
    schema = openings.schema.remove_metadata()
    if schema == SCHEMA_1:
        return not any(column.null_count for column in openings.columns)
    if schema != SCHEMA or any(openings[name].null_count for name in _NEVER_NULL):
        return False
    kept, gone = openings["context"].is_valid(), openings["digest"].is_valid()
    keyed = openings["key"].is_valid()
    whole = pc.and_(pc.xor(kept, gone), pc.equal(kept, keyed))
    return bool(pc.all(whole, min_count=0).as_py())


def find(directory: Path, batch: int, seq: int) -> Opening | None:
    """One decision's opening, or None when it was erased."""
    path = directory / f"{batch:06d}{SUFFIX}"
    if not path.exists():
        return None
    openings = read(path, only=seq)
    for row in openings.to_pylist():
        if is_format_1(openings):
            return Opening(seq, None, row["key"], row["context"])
        references = tuple(row[name] for name in REFERENCES)
        return Opening(seq, references, row["key"], row["context"], row["digest"])
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
        persons = read(path, ["person_id"])
        # Most files hold none of them: one narrow column tells, without reading any context.
        if pc.any(pc.is_in(persons.column("person_id"), values)).as_py():
            erased += _rewrite(path, lambda rows: pc.invert(pc.is_in(rows["person_id"], values)))
    return erased


def contexts_in(path: Path) -> int:
    """How many contexts of one batch are not erased."""
    if not path.exists():
        return 0
    contexts = read(path, ["context"])["context"]
    return len(contexts) - int(contexts.null_count)


def erase_contexts(path: Path) -> int:
    """Erase the contexts of one batch and return how many rows had one.

    The references stay, since what was done for a person is history for later decisions. In format
    1 the rows themselves hold them, and the openings go whole.
    """
    if not path.exists():
        return 0
    openings = read(path)
    if is_format_1(openings):
        return _rewrite(path, lambda rows: pa.chunked_array([pa.repeat(False, len(rows))]))
    had = len(openings) - openings["context"].null_count
    if had:
        for name, column in (
            ("key", pa.nulls(len(openings), pa.binary())),
            ("context", pa.nulls(len(openings), pa.string())),
            ("digest", pa.array(_digests(openings), pa.binary())),
        ):
            openings = openings.set_column(openings.column_names.index(name), name, column)
        write(path, openings, replace=True)
    return had
