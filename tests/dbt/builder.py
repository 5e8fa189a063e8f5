"""Builds a small warehouse for tests of dbt models: source tables from rows, then `dbt build`.

    warehouse.insert("crm_contacts", [{"contact_id": "C1", "email": "ada@example.com"}])
    warehouse.build("+id_records")
    warehouse.rows("select person_id from identity.id_records")

The tables are created from the project's own source YAML, so a column that is not declared there
cannot be inserted here. Columns left out of a row are null; the landing metadata (`_file`, ...) and
`updated_at` are filled in. `warehouse` is a fixture of conftest.py, one fresh DuckDB file a test;
`shared_warehouse` makes one for a whole module.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import yaml

from activation.consent.identifiers import parse_phone
from tests.hash_key import HASH_KEY

PROJECT_DIR = Path(__file__).resolve().parents[2] / "dbt_project"
AS_OF = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
LANDED_AT = datetime(2026, 11, 19, 6, 0, tzinfo=UTC)
PHONE_COLUMNS = (
    ("landing.crm_contacts", "phone"),
    ("landing.policy_policyholders", "phone"),
    ("landing.service_tickets", "requester_phone"),
)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class SourceTable:
    """One table of a dbt source: `schema.name` and its columns with their types, in order."""

    schema: str
    name: str
    columns: Mapping[str, str]

    @property
    def path(self) -> str:
        return f"{self.schema}.{self.name}"


def read_source_tables(project_dir: Path = PROJECT_DIR) -> dict[str, SourceTable]:
    """Every source table that the project declares, by its name."""
    tables: dict[str, SourceTable] = {}
    for path in sorted((project_dir / "models").rglob("*__sources.yml")):
        for source in yaml.safe_load(path.read_text()).get("sources", []):
            for table in source["tables"]:
                columns = {column["name"]: column["data_type"] for column in table["columns"]}
                schema = source.get("schema", source["name"])
                tables[table["name"]] = SourceTable(schema, table["name"], columns)
    return tables


@dataclass
class Warehouse:
    """A DuckDB file with the project's source tables; each method opens and closes it."""

    directory: Path
    manifest: Any
    tables: Mapping[str, SourceTable] = field(default_factory=read_source_tables)

    @property
    def path(self) -> Path:
        # dbt takes the database name from the file's, and the manifest was parsed for this one
        return self.directory / "warehouse.duckdb"

    def create(self) -> None:
        """Create every source table, empty but for the key of keyed hashes."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(self.path) as connection:
            for table in self.tables.values():
                columns = ", ".join(f'"{name}" {kind}' for name, kind in table.columns.items())
                connection.execute(f"create schema if not exists {table.schema}")
                connection.execute(f"create table {table.path} ({columns})")
            connection.execute("insert into store.hash_key values (?)", [HASH_KEY.text])

    def insert(self, name: str, rows: Iterable[Row]) -> None:
        """Append rows to a source table; phone numbers of landing rows are parsed by `build`."""
        table = self.tables[name]
        with duckdb.connect(self.path) as connection:
            start = connection.execute(f"select count(*) from {table.path}").fetchone()
            filled = [
                {**self._metadata(table, number), **row}
                for number, row in enumerate(rows, start=start[0] + 1 if start else 1)
            ]
            for row in filled:
                unknown = set(row) - set(table.columns)
                if unknown:
                    raise KeyError(f"{table.path} declares no column {sorted(unknown)}")
                names = ", ".join(f'"{column}"' for column in row)
                marks = ", ".join("?" for _ in row)
                connection.execute(
                    f"insert into {table.path} ({names}) values ({marks})", list(row.values())
                )

    def clear(self, name: str, where: str = "true") -> None:
        """Delete rows of a source table."""
        with duckdb.connect(self.path) as connection:
            connection.execute(f"delete from {self.tables[name].path} where {where}")

    def build(
        self,
        *select: str,
        as_of: datetime = AS_OF,
        data_tests: bool = True,
        arguments: Sequence[str] = (),
    ) -> None:
        """`dbt build` of the selection with its data tests; raises AssertionError on a failure."""
        self.parse_phone_numbers()
        left_out = ["unit_test"] if data_tests else ["unit_test", "test"]
        excluded = [word for kind in left_out for word in ("--exclude-resource-type", kind)]
        results = self.run_dbt(["build", *excluded, "--select", *select, *arguments], as_of=as_of)
        failed = [
            f"{result.node.name}: {result.status} {result.message}"
            for result in results
            if result.status not in ("success", "pass", "no-op")
        ]
        assert not failed, "\n".join(failed)

    def run_dbt(
        self,
        arguments: Sequence[str],
        as_of: datetime | None = AS_OF,
        variables: Mapping[str, Any] | None = None,
        project: Path = PROJECT_DIR,
    ) -> Any:
        """Run one dbt command in this process against this warehouse; return the results of its
        nodes, without the project's hooks."""
        import os

        from dbt.cli.main import dbtRunner

        os.environ["ASSENT_WAREHOUSE"] = str(self.path)
        passed = {**({"as_of": as_of.isoformat()} if as_of else {}), **(variables or {})}
        common = [
            *("--project-dir", str(project)),
            *("--profiles-dir", str(project)),
            *("--target-path", str(self.directory / "target")),
            *("--log-path", str(self.directory / "logs")),
            *("--vars", json.dumps(passed)),
            *("--quiet", "--no-write-json", "--log-level-file", "none", "--no-partial-parse"),
        ]
        before = Path.cwd()
        try:
            outcome = dbtRunner(manifest=self.manifest).invoke(
                [arguments[0], *common, *arguments[1:]]
            )
        finally:
            os.chdir(before)  # dbt leaves the process in the project's directory
        if outcome.exception is not None:
            raise outcome.exception
        return [one for one in outcome.result if one.node.resource_type != "operation"]

    def parse_phone_numbers(self) -> None:
        """Fill reference.phone_number from the numbers that stand in landing, as a run does."""
        union = " union ".join(f"select {column}, country from {t}" for t, column in PHONE_COLUMNS)
        with duckdb.connect(self.path) as connection:
            connection.execute("delete from reference.phone_number")
            for raw, country in connection.execute(union).fetchall():
                if raw is not None:
                    number = parse_phone(raw, country)
                    parsed = [number.e164, number.kind] if number else [None, None]
                    connection.execute(
                        "insert into reference.phone_number values (?, ?, ?, ?)",
                        [raw, country, *parsed],
                    )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query, as tuples."""
        with duckdb.connect(self.path) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(sql).fetchall()

    def run_sql(self, sql: str) -> None:
        """Execute a statement, for what `insert` cannot say."""
        with duckdb.connect(self.path) as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(sql)

    @staticmethod
    def _metadata(table: SourceTable, line: int) -> dict[str, Any]:
        if table.schema != "landing":
            return {}
        filled = {
            "_file": f"{table.name}.csv",
            "_file_rank": table.name,
            "_line": line + 1,
            "_digest": "0" * 64,
            "_loaded_at": LANDED_AT,
        }
        if "updated_at" in table.columns:
            filled["updated_at"] = LANDED_AT
        return {name: value for name, value in filled.items() if name in table.columns}
