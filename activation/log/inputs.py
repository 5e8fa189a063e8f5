"""What a batch was decided from, kept so that anybody can decide it again.

    inputs/000001/manifest.json     facts (release, instant, halted nodes ...), digest of each table
    inputs/000001/<table>.parquet   rows that the decision read; erasable, for the owner alone
    inputs/000001/erased.json       digests of tables that an erasure has rewritten

The checkpoint of the batch carries the digest of its manifest, so nobody can give a batch other
inputs later. Erasing a person removes their rows; a table rewritten so has another digest, which
erased.json says. Replay (activation.decisions.replay) is then for the others.
"""

import json
import shutil
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from activation.log.durable import (
    PRIVATE,
    READ_ONLY,
    make_directory,
    publish,
    publish_bytes,
    sweep,
    sync_directory,
)
from activation.log.errors import LogDamaged
from activation.log.segments import SUFFIX

MANIFEST: Final = "manifest.json"
ERASED: Final = "erased.json"
PERSON: Final = "person_id"


@dataclass(frozen=True)
class Inputs:
    """Facts (JSON) and tables by name. A table that holds personal data has a person_id column."""

    facts: Mapping[str, Any]
    tables: Mapping[str, pa.Table]


@dataclass(frozen=True)
class Recorded:
    """A batch's inputs as they are now; `erased` counts the rows that erasures took."""

    inputs: Inputs
    erased: int


def write(directory: Path, inputs: Inputs) -> str:
    """Write a batch's inputs and return the digest of the manifest, for its checkpoint."""
    make_directory(directory, 0o700)
    tables = {}
    for name, table in sorted(inputs.tables.items()):
        path = directory / f"{name}{SUFFIX}"
        _write_table(path, table)
        tables[name] = {"rows": len(table), "sha256": _digest(path)}
    document = {"facts": dict(inputs.facts), "tables": tables}
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1).encode()
    publish_bytes(directory / MANIFEST, text, mode=READ_ONLY)
    return manifest_digest(text)


def manifest_digest(text: bytes) -> str:
    """How a checkpoint names the inputs of its batch."""
    return b64encode(sha256(text).digest()).decode()


def read(directory: Path) -> Recorded | None:
    """A batch's inputs; None when none were recorded, or all have been erased.

    Raises LogDamaged, naming the table, when one is not what was recorded.
    """
    if not (directory / MANIFEST).exists():
        return None
    if changed := changed_files(directory):
        raise LogDamaged(f"inputs/{directory.name}/{changed[0]}: not what was recorded; restore it")
    document = json.loads((directory / MANIFEST).read_bytes())
    tables, erased = {}, 0
    for name, recorded in document["tables"].items():
        tables[name] = pq.read_table(directory / f"{name}{SUFFIX}", partitioning=None)
        erased += recorded["rows"] - len(tables[name])
    return Recorded(Inputs(document["facts"], tables), erased)


def changed_files(directory: Path) -> list[str]:
    """Names of the files that are not what was recorded, or not what an erasure left."""
    try:
        recorded = json.loads((directory / MANIFEST).read_bytes())["tables"]
        left = _erasures(directory)
        wanted = {name: {entry["sha256"], *left.get(name, [])} for name, entry in recorded.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return [MANIFEST]
    changed = []
    for name, digests in wanted.items():
        path = directory / f"{name}{SUFFIX}"
        if not path.exists() or _digest(path) not in digests:
            changed.append(path.name)
    return changed


def erase_persons(directory: Path, values: pa.Array) -> None:
    """Remove these persons' rows from the inputs of every batch."""
    for batch in sorted(directory.iterdir()) if directory.is_dir() else ():
        for path in sorted(batch.glob(f"*{SUFFIX}")):
            if PERSON in pq.read_schema(path).names:
                _rewrite(path, values)


def erase_batch(directory: Path) -> None:
    """Remove the inputs of one batch (retention)."""
    if directory.is_dir():
        shutil.rmtree(directory)
        sync_directory(directory.parent)


def discard_after(directory: Path, last: int) -> None:
    """Remove what batches that were never committed left behind."""
    for batch in sorted(directory.iterdir()) if directory.is_dir() else ():
        sweep(batch)
        if batch.name == f"{last + 1:06d}":
            erase_batch(batch)


def _rewrite(path: Path, values: pa.Array) -> None:
    persons = pq.read_table(path, columns=[PERSON], partitioning=None)[PERSON]
    gone = pc.is_in(persons, values)
    if not pc.any(gone).as_py():
        return
    table = pq.read_table(path, partitioning=None).filter(pc.invert(gone))
    directory, name = path.parent, path.name.removesuffix(SUFFIX)
    written = path.with_name(f".{path.name}.tmp")
    _write_table(written, table, replace=True)
    # First the digest that will hold, then the table: a crash between leaves one that still holds.
    left = _erasures(directory)
    left[name] = [_digest(path), _digest(written)]
    publish_bytes(directory / ERASED, json.dumps(left).encode(), mode=PRIVATE, replace=True)
    written.replace(path)
    sync_directory(directory)


def _erasures(directory: Path) -> dict[str, list[str]]:
    path = directory / ERASED
    return dict(json.loads(path.read_bytes())) if path.exists() else {}


def _write_table(path: Path, table: pa.Table, *, replace: bool = False) -> None:
    def parquet(stream: IO[bytes]) -> None:
        pq.write_table(table, stream, compression="zstd", compression_level=1)

    publish(path, parquet, mode=PRIVATE, replace=replace)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return sha256(stream.read()).hexdigest()
