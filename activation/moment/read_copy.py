"""The read copy as a reader has it: one person's rows by binary search in memory-mapped tables."""

import json
from bisect import bisect_left
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
from activation.moment.publishing import CURRENT, FORMAT, MANIFEST

Row = Mapping[str, Any]


class CopyError(RuntimeError):
    """There is no read copy, or not the one that these journeys need; the message says the fix."""


class SortedTable:
    """An Arrow table sorted by its leading text column, mapped into memory."""

    def __init__(self, path: Path) -> None:
        with pa.memory_map(str(path)) as source:
            self._table = pa.ipc.open_file(source).read_all()
        self._keys = self._table.column(0)
        # The chunks' first keys are few: a search ends in one chunk without touching the others.
        self._chunks = [chunk for chunk in self._keys.chunks if len(chunk)]
        self._firsts = [chunk[0].as_py() for chunk in self._chunks]
        self._starts = [0]
        for chunk in self._chunks:
            self._starts.append(self._starts[-1] + len(chunk))

    def __len__(self) -> int:
        return len(self._table)

    @property
    def columns(self) -> list[str]:
        """Names of the columns, the key first."""
        return list(self._table.column_names)

    def position(self, key: str) -> int:
        """Number of rows whose key is below."""
        at = bisect_left(self._firsts, key)
        if not at:
            return 0
        chunk = self._chunks[at - 1]
        return self._starts[at - 1] + bisect_left(
            range(len(chunk)), key, key=lambda row: chunk[row].as_py()
        )

    def rows(self, key: str, columns: list[str] | None = None) -> list[dict[str, Any]]:
        """The rows of a key, in the table's order, with just these columns."""
        first = last = self.position(key)
        while last < len(self._keys) and self._keys[last].as_py() == key:
            last += 1
        if first == last:
            return []
        found = self._table.slice(first, last - first)
        return found.to_pylist() if columns is None else found.select(columns).to_pylist()

    def count_after(self, key: str, column: str, since: datetime) -> int:
        """How many rows of a key are later than `since` in an ascending column of instants."""
        first, after = self.position(key), self.position(key + "\0")
        instants = self._table.column(column)
        return (
            after
            - bisect_left(
                range(first, after),
                True,
                key=lambda row: instants[row].as_py() > since,
            )
            - first
        )

    def to_pylist(self) -> list[dict[str, Any]]:
        """Every row."""
        return list(self._table.to_pylist())


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
        wanted = list(projection(node))
        missing = sorted(set(wanted) - set(context.columns))
        if missing:
            raise CopyError(
                f"the read copy of {node.context} has no {missing[0]}. Fix: run `assent run` again"
            )
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
        return KnownPerson(row.get("jurisdiction"), facts, may_permit)
