"""Deliver batches as files: `<outbox>/<destination>/<object>/<batch>/`.

A batch is a directory with `data.csv`, `data.parquet` and `manifest.json`. It is written under a
hidden name, synced to disk and renamed, so a receiver sees a batch whole or not at all. The name
and every byte follow from the batch, so writing a batch again changes nothing.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from activation.connectors.formula import guard
from activation.connectors.protocol import (
    Batch,
    Capabilities,
    ConnectorError,
    ErrorClass,
    Idempotency,
    Operation,
    RemovalAddress,
    RowOutcome,
    all_with,
)

MANIFEST = "manifest.json"
_CSV, _PARQUET, _PARTIAL = "data.csv", "data.parquet", ".partial-"
_CAPABILITIES = Capabilities(
    operations=frozenset(Operation),
    max_rows=50_000,
    idempotency=Idempotency.NATURAL,
    can_confirm=True,
    removal_address=RemovalAddress.HASH,
)


class FilesConnector:
    """Writes batches of one destination below an outbox directory.

    Directories and files are readable by owner and group only, since they hold addresses.
    """

    def __init__(self, outbox: Path, destination: str) -> None:
        self._root = outbox / path_part(destination)
        self._calls = 0

    @property
    def capabilities(self) -> Capabilities:
        return _CAPABILITIES

    @property
    def calls(self) -> int:
        return self._calls

    def deliver(self, batch: Batch) -> Sequence[RowOutcome]:
        self._calls += 1
        folder = self._root / path_part(batch.object)
        target = folder / path_part(batch.name)
        try:
            partial = _write(folder, batch)
            if not target.exists():
                partial.rename(target)
                _sync_directory(folder)
                return all_with(batch, None)
            same = _digest(target / MANIFEST) == _digest(partial / MANIFEST)
            shutil.rmtree(partial)
        except OSError as error:
            return all_with(batch, ErrorClass.TRANSIENT, f"errno {error.errno}")
        if same:
            return all_with(batch, None)
        # The store and the outbox disagree, e.g. one of them was restored from a copy.
        return all_with(batch, ErrorClass.CONFIG, "another batch of this name exists")

    def confirm(self, object_name: str, batches: Mapping[str, Sequence[str]]) -> Mapping[str, bool]:
        folder = self._root / path_part(object_name)
        found: dict[str, bool] = {}
        for name, delivery_ids in batches.items():
            arrived = _names_deliveries(folder / path_part(name) / MANIFEST, delivery_ids)
            found.update(dict.fromkeys(delivery_ids, arrived))
        return found

    def erase(self, object_name: str, rows: Mapping[str, Collection[str]]) -> int:
        """Take rows out of batches that still lie in the outbox; returns how many went.

        `rows` are values by column: a row with any of them goes. Data files are replaced one by
        one and the manifest last, so a batch that was cut short is completed by the next call.
        """
        folder = self._root / path_part(object_name)
        batches = sorted(folder.glob(f"*/{_PARQUET}")) if folder.is_dir() else []
        return sum(_erase_from(batch.parent, rows) for batch in batches)

    def close(self) -> None:
        """Nothing is held open between batches."""


def path_part(name: str) -> str:
    """The name, if it is safe as one component of a path.

    Raises ConnectorError otherwise.
    """
    allowed = all(c.isascii() and (c.isalnum() or c in "._-") for c in name)
    if not name or not allowed or name.startswith("."):
        raise ConnectorError(
            "A destination, object or batch name is not usable as a directory: use letters, "
            "digits, '.', '_' and '-', not starting with '.'."
        )
    return name


def _write(folder: Path, batch: Batch) -> Path:
    """Write the batch under its hidden name, replacing what a killed run left there."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    partial = folder / f"{_PARTIAL}{path_part(batch.name)}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o750)
    pq.write_table(batch.rows, partial / _PARQUET, compression="zstd")
    _write_csv(batch.rows, partial / _CSV)
    manifest = json.dumps(_manifest(batch, partial), indent=2, ensure_ascii=False) + "\n"
    (partial / MANIFEST).write_text(manifest, encoding="utf-8")
    for file in (_CSV, _PARQUET, MANIFEST):
        (partial / file).chmod(0o640)
        _sync_file(partial / file)
    _sync_directory(partial)
    return partial


def _erase_from(folder: Path, rows: Mapping[str, Collection[str]]) -> int:
    table = pq.read_table(folder / _PARQUET, partitioning=None)
    gone = pa.repeat(False, table.num_rows)
    for name, values in rows.items():
        if name in table.column_names and values:
            column = table[name].cast(pa.string()).combine_chunks()
            hit = pc.is_in(column, pa.array(sorted(values), pa.string()))
            gone = pc.or_(gone, hit)
    count = int(pc.sum(gone).as_py() or 0)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    if not count and manifest["rows"] == table.num_rows:
        return 0
    kept = table.filter(pc.invert(gone))
    staged = {name: folder / f"{_PARTIAL}{name}" for name in (_CSV, _PARQUET, MANIFEST)}
    _write_csv(kept, staged[_CSV])
    pq.write_table(kept, staged[_PARQUET], compression="zstd")
    manifest |= {"rows": kept.num_rows, "erased": table.num_rows - kept.num_rows}
    for entry in manifest["files"]:
        file = staged[entry["name"]]
        entry |= {"bytes": file.stat().st_size, "sha256": _digest(file)}
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    staged[MANIFEST].write_text(text, encoding="utf-8")
    for name, file in staged.items():
        file.chmod(0o640)
        _sync_file(file)
        file.replace(folder / name)
    _sync_directory(folder)
    return count


def _write_csv(rows: pa.Table, file: Path) -> None:
    pa_csv.write_csv(
        pa.table({name: _as_text(rows[name]) for name in rows.column_names}),
        file,
        pa_csv.WriteOptions(quoting_style="needed"),
    )


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column as a CSV file shows it: ISO 8601 in UTC for instants, text guarded."""
    if pa.types.is_timestamp(column.type):
        instants = column.cast(pa.timestamp("us", column.type.tz))
        utc = instants.cast(pa.timestamp("us", "UTC"))
        return pc.strftime(utc, format="%Y-%m-%dT%H:%M:%SZ")
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return guard(column.cast(pa.string()))
    return column.cast(pa.string())


def _manifest(batch: Batch, folder: Path) -> dict[str, Any]:
    schema = batch.rows.schema
    return {
        "format": "assent.batch/1",
        "sync": batch.sync,
        "destination": batch.destination,
        "object": batch.object,
        "batch": batch.name,
        "op": batch.operation.value,
        "as_of": batch.as_of.isoformat(),
        "rows": batch.rows.num_rows,
        "key": list(batch.key),
        "columns": [{"name": field.name, "type": str(field.type)} for field in schema],
        "formula_guard": "in the CSV file a leading apostrophe marks text that is no formula",
        "deliveries_sha256": _deliveries_digest(batch.delivery_ids),
        "files": [
            {
                "name": file,
                "bytes": (folder / file).stat().st_size,
                "sha256": _digest(folder / file),
            }
            for file in (_CSV, _PARQUET)
        ],
    }


def _deliveries_digest(delivery_ids: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(sorted(delivery_ids)).encode()).hexdigest()


def _names_deliveries(manifest: Path, delivery_ids: Sequence[str]) -> bool:
    if not manifest.is_file():
        return False
    content = json.loads(manifest.read_text(encoding="utf-8"))
    return bool(content.get("deliveries_sha256") == _deliveries_digest(delivery_ids))


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync_file(file: Path) -> None:
    with file.open("rb") as stream:
        os.fsync(stream.fileno())


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
