"""The read copy as a reader has it: one person's rows by binary search in memory-mapped tables."""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from activation.consent.precedence import PersonFacts
from activation.consent.standing import KnownPerson
from activation.consent.suppression import Address
from activation.decisions.bundle import projection
from activation.journeys.node import Node
from activation.moment.columns import ReadValue, value_reader
from activation.moment.publishing import CURRENT, FORMAT, MANIFEST

Row = Mapping[str, Any]
_STEP = 64


class CopyError(RuntimeError):
    """There is no read copy, or not the one that these journeys need; the message says the fix."""


class SortedTable:
    """An Arrow table sorted by its leading text column, mapped into memory.

    Every _STEP-th key is read when it is opened: searching those is 1 us, and reading a key of the
    map in each of 20 steps was 12.
    """

    def __init__(self, path: Path) -> None:
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all()
        self.columns: frozenset[str] = frozenset(table.column_names)
        self._names: tuple[str, ...] = tuple(table.column_names)
        self._parts = [_Part(batch) for batch in table.to_batches() if len(batch)]
        self._starts = [0]
        self._marks: list[str] = []
        self._places: list[tuple[int, int]] = []
        for at, part in enumerate(self._parts):
            self._marks += part.keys_each(_STEP)
            self._places += [(at, row) for row in range(0, part.rows, _STEP)]
            self._starts.append(self._starts[-1] + part.rows)

    def __len__(self) -> int:
        return self._starts[-1]

    def _find(self, key: str) -> tuple[int, int]:
        """Part, and row in it, before which all keys are below."""
        mark = bisect_left(self._marks, key)
        if not mark:
            return 0, 0
        at, row = self._places[mark - 1]
        part = self._parts[at]
        row += bisect_left(range(row, min(row + _STEP, part.rows)), key, key=part.key)
        return (at, row) if row < part.rows else (at + 1, 0)

    def position(self, key: str) -> int:
        """Number of rows whose key is below."""
        at, row = self._find(key)
        return self._starts[at] + row

    def rows(self, key: str, columns: tuple[str, ...] | None = None) -> list[dict[str, Any]]:
        """The rows of a key, in the table's order, with just these columns."""
        found: list[dict[str, Any]] = []
        at, row = self._find(key)
        while at < len(self._parts):
            part = self._parts[at]
            while row < part.rows and part.key(row) == key:
                readers = part.readers(self._names if columns is None else columns)
                found.append({name: read(row) for name, read in readers})
                row += 1
            if row < part.rows:
                break
            at, row = at + 1, 0
        return found

    def count_after(self, key: str, column: str, since: datetime) -> int:
        """How many rows of a key are later than `since` in an ascending column of instants."""
        first, after = self.position(key), self.position(key + "\0")

        def is_later(position: int) -> bool:
            at = bisect_right(self._starts, position) - 1
            [(_, read)] = self._parts[at].readers((column,))
            return bool(read(position - self._starts[at]) > since)

        return after - first - bisect_left(range(first, after), True, key=is_later)

    def to_pylist(self) -> list[dict[str, Any]]:
        """Every row."""
        return [row for part in self._parts for row in part.batch.to_pylist()]


class _Part:
    """One record batch, and what reads its columns."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch, self.rows = batch, len(batch)
        self.key = value_reader(batch.column(0))
        self._readers: dict[tuple[str, ...], list[tuple[str, ReadValue]]] = {}

    def keys_each(self, step: int) -> list[str]:
        """Every step-th key, from the first on."""
        keys: list[str] = self.batch.column(0).take(pa.array(range(0, self.rows, step))).to_pylist()
        return keys

    def readers(self, columns: tuple[str, ...]) -> list[tuple[str, ReadValue]]:
        """What reads these columns, each under its name; made once for each set of columns."""
        if columns not in self._readers:
            self._readers[columns] = [
                (name, value_reader(self.batch.column(name))) for name in columns
            ]
        return self._readers[columns]


class ReadCopy:
    """The newest whole copy at the time it is opened; it does not change afterwards."""

    def __init__(self, directory: Path) -> None:
        """Open `directory`/current. Raises CopyError when there is none."""
        self._directory = directory
        try:
            self.folder = (directory / CURRENT).resolve(strict=True)
            manifest = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise CopyError(
                f"{directory}: no read copy of the warehouse. Fix: run `assent run` first"
            ) from None
        if manifest["format"] != FORMAT:
            raise CopyError(
                f"{directory}: the copy is of another format. Fix: run `assent run` again"
            )
        self.as_of = datetime.fromisoformat(manifest["as_of"]).astimezone(UTC)
        self.batches = frozenset(int(batch) for batch in manifest["batches"])
        self._tables = {
            table: SortedTable(self.folder / f"{table}.arrow") for table in manifest["rows"]
        }

    @cached_property
    def kinds(self) -> dict[tuple[str, str], str]:
        """The kind of each release's nodes, by release and node."""
        rows = self.table("release_node").to_pylist()
        return {(row["release"], row["node"]): row["kind"] for row in rows}

    def is_current(self) -> bool:
        """Whether no newer copy has been published."""
        return (self._directory / CURRENT).resolve() == self.folder

    def table(self, table: str) -> SortedTable:
        """One table. Raises CopyError when the copy lacks it."""
        if table not in self._tables:
            raise CopyError(f"the read copy has no {table}. Fix: run `assent run` again")
        return self._tables[table]

    def current_id(self, person_id: str) -> str:
        """The person that an id stands for today: that of a merged person leads to the survivor."""
        for row in self.table("successor").rows(person_id):
            return str(row["person_id"])
        return person_id

    def bundle(self, node: Node, person_id: str) -> list[dict[str, Any]]:
        """The minimal bundle: the rows of the node's context about a person, with its keys and its
        allow-listed fields and no other column.

        Raises CopyError when the copy lacks one of them.
        """
        context = self.table(node.context)
        wanted = projection(node)
        if not context.columns.issuperset(wanted):
            missing = set(wanted) - context.columns
            lacking = f"the read copy of {node.context} has no {min(missing)}"
            raise CopyError(f"{lacking}. Fix: run `assent run` again")
        return context.rows(person_id, wanted)

    def person(self, person_id: str) -> dict[str, Any]:
        """Residency, time zone and reachable channels of a person; empty when nobody has the id."""
        found = self.table("person").rows(person_id)
        return found[0] if found else {}

    def known_person(self, person_id: str, row: Row) -> KnownPerson:
        """What judging consent needs beside the ledger; `row` is what `person` gave."""
        links = self.table("link").rows(person_id)
        facts = PersonFacts(
            has_relationship=bool(row.get("has_relationship")),
            is_existing_customer=bool(row.get("is_existing_customer")),
            is_minor=bool(row.get("is_minor")),
            addresses=frozenset(
                Address(link["identifier_type"], link["identifier"], link["is_blocked"])
                for link in links
            ),
        )
        may_permit = {
            (link["identifier_type"], link["identifier"]): link["may_permit"] for link in links
        }
        former_links = {
            (link["identifier_type"], link["identifier"]): link["parted_at"]
            for link in self.table("former_link").rows(person_id)
        }
        return KnownPerson(row.get("jurisdiction"), facts, may_permit, former_links)
