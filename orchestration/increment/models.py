"""The identity models as dbt compiled them, to be run over a part of the records.

The database `increment`, in memory, has the same schemas as the warehouse. A model reads its
sources and parents there and is written there, by the text that dbt would run.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from orchestration.dbt_runner import COMPILED_AS_OF
from orchestration.increment.components import solve_components

DATABASE = "increment"


@dataclass(frozen=True)
class Model:
    """A model of the schema identity: its SQL in the database `increment`, and what it reads."""

    name: str
    sql: str
    parents: frozenset[str]
    is_components: bool
    components_scope: str | None


@dataclass(frozen=True)
class Models:
    """The identity models of one state of the project, by name."""

    by_name: Mapping[str, Model]
    staging_of_records: tuple[str, ...]

    @classmethod
    def of(cls, compiled: Mapping[str, Any], as_of: datetime) -> "Models":
        """From a manifest that `dbt_runner.compile_project` made, for a run of that clock."""
        nodes = compiled["nodes"]
        by_name = {
            node["name"]: _model(node, as_of)
            for node in nodes.values()
            if node["resource_type"] == "model" and node["schema"] == "identity"
        }
        attributes = by_name.get("id_record_attributes")
        return cls(by_name, tuple(sorted(attributes.parents)) if attributes else ())

    def build(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        """Write one model into the database `increment`."""
        model = self.by_name[name]
        target = f"{DATABASE}.identity.{name}"
        if model.is_components:
            solve_components(connection, model.sql, target, model.components_scope)
        else:
            connection.execute(f"create or replace table {target} as {model.sql}")

    def keys_over(self, attributes: str) -> str:
        """The SQL of id_keys with another relation in the place of id_record_attributes."""
        read = f'"{DATABASE}"."identity"."id_record_attributes"'
        return self.by_name["id_keys"].sql.replace(read, attributes)


def _model(node: Mapping[str, Any], as_of: datetime) -> Model:
    sql = node["compiled_code"].replace(f'"{node["database"]}".', f'"{DATABASE}".')
    # A comment at the end would swallow what is put behind the text.
    sql = re.sub(r"^\s*--.*$", "", sql, flags=re.MULTILINE)
    return Model(
        name=node["name"],
        sql=sql.replace(COMPILED_AS_OF, as_of.isoformat()),
        parents=frozenset(parent.split(".")[-1] for parent in node["depends_on"]["nodes"]),
        is_components=node["config"]["materialized"] == "components",
        components_scope=node["config"].get("scope"),
    )


def create_schemas(connection: duckdb.DuckDBPyConnection, schemas: Iterable[str]) -> None:
    """A fresh, empty database `increment` with these schemas."""
    connection.execute(f"attach ':memory:' as {DATABASE}")
    for schema in schemas:
        connection.execute(f"create schema {DATABASE}.{schema}")
