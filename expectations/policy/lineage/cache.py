"""Lineage that was found before, kept in one file, so that a check after an edit costs the edit.

The file belongs with dbt's target or the home's state, not in git: it can be deleted at any time.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from expectations.policy.lineage.edges import Column, OutputColumn, RelationLineage
from expectations.policy.lineage.flow import Columns

Key = tuple[str, str]


class LineageCache:
    """Lineage by a digest of everything it follows from; `path` of None keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._found: dict[str, Any] = {}
        self._used: dict[str, Any] = {}
        self._engine = _engine_digest()
        if path is not None and path.exists():
            try:
                self._found = json.loads(path.read_bytes())
            except ValueError:
                self._found = {}  # cut off while it was written: found again

    def lineage(
        self, follows_from: Mapping[str, Any], find: Callable[[], RelationLineage]
    ) -> RelationLineage:
        """The lineage that `find` found for the same inputs, now or in an earlier process.

        `follows_from`: the SQL, the materialisation and the types of the relations that it reads.
        """
        if self._path is None:
            return find()
        text = json.dumps(follows_from, sort_keys=True, default=str)
        digest = hashlib.sha256(f"{self._engine}{text}".encode()).hexdigest()
        if digest in self._found:
            self._used[digest] = self._found[digest]
            return _read(self._found[digest])
        lineage = find()
        self._used[digest] = _written(lineage)
        return lineage

    def save(self) -> None:
        """Write what was used since the cache was opened; what was not is forgotten."""
        if self._path is None or self._used.keys() == self._found.keys():
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps(self._used, separators=(",", ":")))
        beside.replace(self._path)


def _engine_digest() -> str:
    """Another DuckDB or another walker finds another lineage."""
    digest = hashlib.sha256(duckdb.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _written(lineage: RelationLineage) -> dict[str, Any]:
    """Columns by their number in one list: most occur many times."""
    numbers: dict[Column, int] = {}

    def held(columns: Columns) -> list[int]:
        return sorted(numbers.setdefault(column, len(numbers)) for column in columns)

    columns = [
        [one.name, one.type, held(one.value), held(one.selection), sorted(one.functions)]
        for one in lineage.columns
    ]
    return {
        "columns": columns,
        "rows": held(lineage.rows),
        "relations": sorted(lineage.relations),
        "names": [[one.schema, one.table, one.name] for one in numbers],
    }


def _read(kept: Mapping[str, Any]) -> RelationLineage:
    names = [Column._make(one) for one in kept["names"]]

    # most columns of a model were selected by the same ones: one set stands for all of them
    sets: dict[tuple[int, ...], Columns] = {}

    def columns(numbers: list[int]) -> Columns:
        key = tuple(numbers)
        if key not in sets:
            sets[key] = frozenset([names[number] for number in numbers])
        return sets[key]

    return RelationLineage(
        tuple(
            OutputColumn(name, kind, columns(value), columns(selection), frozenset(functions))
            for name, kind, value, selection, functions in kept["columns"]
        ),
        columns(kept["rows"]),
        frozenset((schema, table) for schema, table in kept["relations"]),
    )
