"""A place to run in: a home with the landing zone and the truth beside it, and what is found there
after a run."""

import hashlib
import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

AS_OF = datetime(2026, 11, 20, 9, tzinfo=UTC)
# This seed has enough brokers and agents among its people for identity to see what they are.
PEOPLE, SEED = 400, 13
SCHEMAS = (
    "landing", "staging", "identity", "consent", "profiles", "contexts", "activation", "outbound",
)  # fmt: skip
# The commitment hides the data of a decision behind a random key, so no two logs agree in it.
RANDOM_COLUMNS = ("commitment",)
# It compares the store's id map as the run found it with the ids of the run: a second run finds the
# first one's.
ABOUT_THE_RUN = ("id_assignments",)

Fingerprint = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Delivered:
    """One row that stands in the outbox: of which object, by which operation of which run, its
    fields."""

    object: str
    operation: str
    as_of: datetime
    row: dict[str, Any]


@dataclass(frozen=True)
class Place:
    """A directory with `home`, `landing` and `truth`."""

    root: Path

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def truth(self) -> Path:
        return self.root / "truth" / "identity.csv"

    @property
    def decision_log(self) -> Path:
        return self.home / "decision_log"

    @property
    def outbox(self) -> Path:
        return self.home / "outbox"

    def copy_to(self, root: Path) -> "Place":
        """The same place elsewhere, as it is now."""
        # Links as links: the read copy's `current` is one.
        ignored = shutil.ignore_patterns("*.lock")
        shutil.copytree(self.root, root, symlinks=True, ignore=ignored)
        return Place(root)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query to the warehouse."""
        with duckdb.connect(self.home / "warehouse.duckdb", read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(sql, list(parameters)).fetchall()

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The one value of a query to the warehouse."""
        ((value,),) = self.rows(sql, parameters)
        return value

    def store(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query to the operational store."""
        connection = sqlite3.connect(self.home / "assent.sqlite")
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def tables(self, *, without: Sequence[str] = ()) -> Fingerprint:
        """schema.table -> (rows, sum of the rows' hashes): equal for equal multisets of rows."""
        left_out = {*RANDOM_COLUMNS, *without}
        columns: dict[str, list[str]] = {}
        for schema, table, column in self.rows(
            "select table_schema, table_name, column_name from information_schema.columns "
            f"where table_schema in {SCHEMAS} order by all"
        ):
            if table not in ABOUT_THE_RUN and column not in left_out:
                columns.setdefault(f"{schema}.{table}", []).append(f'"{column}"')
        selects = [
            f"select '{table}', count(*), coalesce(sum(hash({', '.join(names)})::hugeint), 0) "
            f"from {table}"
            for table, names in columns.items()
        ]
        return {
            table: (count, digest)
            for table, count, digest in self.rows(" union all ".join(selects))
        }

    def delivered(self) -> list[Delivered]:
        """Every row of every batch that a receiver of the outbox sees, in order of writing."""
        found = []
        for path in sorted(self.outbox.glob("*/*/manifest.json"), key=_order):
            if path.parent.name.startswith("."):  # written half, by a run that was killed
                continue
            manifest = json.loads(path.read_text(encoding="utf-8"))
            rows = pq.read_table(path.with_name("data.parquet")).to_pylist()
            assert manifest["rows"] == len(rows)
            as_of = datetime.fromisoformat(manifest["as_of"])
            found += [Delivered(manifest["object"], manifest["op"], as_of, row) for row in rows]
        return found

    def delivered_counts(self) -> Counter[str]:
        """The rows of the outbox as a multiset."""
        return Counter(
            json.dumps([one.object, one.operation, one.row], sort_keys=True, default=str)
            for one in self.delivered()
        )

    def sent(self) -> tuple[Any, ...]:
        """Everything that changes when something is decided or sent."""
        return (
            digests(self.decision_log),
            digests(self.outbox),
            self.store("select seq, intent_id, op, state from sync_intent order by seq"),
            self.store("select * from sync_outcome order by intent_seq"),
        )


def digests(folder: Path) -> dict[str, str]:
    """sha256 of every file below a folder that a reader sees."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


def _order(manifest: Path) -> tuple[str, str, int]:
    run, _, number = manifest.parent.name.rpartition("-")
    return manifest.parent.parent.name, run, int(number)
