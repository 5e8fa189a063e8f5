"""Histories of records run through the compiled models of models/identity, on an own DuckDB.

A build takes a third of a second, so that a property is tried on many histories. Components are
solved by a union-find; test_identity_components.py holds the materialisation against it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from tests.dbt.builder import AS_OF, read_source_tables
from tests.hash_key import HASH_KEY

_ADDRESS = "email varchar, phone_e164 varchar, country varchar"
_NAMES = "name_given_normalised varchar, name_family_normalised varchar"
_DESCRIPTION = (
    f"{_NAMES}, given_name varchar, family_name varchar, date_of_birth date, street varchar,"
    f" postcode_normalised varchar, updated_at timestamptz, {_ADDRESS}"
)
STAGING = {
    "stg_crm__contacts": f"contact_id varchar, preferred_language varchar, {_DESCRIPTION}",
    "stg_policy__policyholders": (
        f"customer_number varchar, crm_contact_id varchar, {_DESCRIPTION}"
    ),
    "stg_product__accounts": (
        f"account_id varchar, customer_number varchar, device_id varchar, {_ADDRESS},"
        " created_at timestamptz"
    ),
    "stg_service__tickets": f"ticket_id varchar, {_NAMES}, {_ADDRESS}, opened_at timestamptz",
    "stg_policy__policies": "policy_number varchar, customer_number varchar",
    "stg_billing__invoices": "policy_number varchar, billing_email varchar",
}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Model:
    """A compiled model; `scope` is the column that keeps the graphs of a components model apart."""

    relation: str
    sql: str
    is_components: bool
    scope: str | None


def union_find(edges: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """node -> least node of its component, the obvious way."""
    parent: dict[Any, Any] = {}

    def root(node: Any) -> Any:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for a, b in edges:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    return {node: root(node) for node in list(parent)}


class IdentitySql:
    """The compiled models of models/identity in order of reference, and what a run commits."""

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = models
        self.connection = duckdb.connect()
        self.connection.execute("attach ':memory:' as warehouse; use warehouse")
        self.connection.execute("set TimeZone = 'UTC'; set threads = 1")
        for table in read_source_tables().values():
            columns = ", ".join(f'"{name}" {kind}' for name, kind in table.columns.items())
            self.connection.execute(f"create schema if not exists {table.schema}")
            self.connection.execute(f"create table {table.path} ({columns})")
        self.connection.execute("insert into store.hash_key values (?)", [HASH_KEY.text])
        self.connection.execute("create schema staging")
        for name, listed in STAGING.items():
            self.connection.execute(f"create table staging.{name} (record_key varchar, {listed})")

    def forget(self) -> None:
        """Empty everything, also what earlier builds committed."""
        for name in STAGING:
            self.connection.execute(f"delete from staging.{name}")
        for name in ("identity_map", "identity_change", "identity_override"):
            self.connection.execute(f"delete from store.{name}")

    def replace(self, table: str, rows: Sequence[Row]) -> None:
        """Make these rows the table's only ones."""
        self.connection.execute(f"delete from {table}")
        if rows:
            self.connection.register("incoming", pa.Table.from_pylist([dict(row) for row in rows]))
            self.connection.execute(f"insert into {table} by name select * from incoming")
            self.connection.unregister("incoming")

    def build(self, as_of: datetime = AS_OF) -> dict[str, str]:
        """Build every model at an instant; returns record_key -> person_id."""
        for model in self.models:
            sql = model.sql.replace(AS_OF.isoformat(), as_of.isoformat())
            if model.is_components:
                self._solve(model, sql)
            else:
                self.connection.execute(f"create or replace table {model.relation} as {sql}")
        return dict(self.rows("select record_key, person_id from identity.id_records"))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query, as tuples."""
        return self.connection.execute(sql).fetchall()

    def run_sql(self, sql: str) -> None:
        """Execute statements."""
        self.connection.execute(sql)

    def _solve(self, model: Model, sql: str) -> None:
        scope = model.scope or "0"
        links = self.rows(f"select {scope}, record_key, component from ({sql})")
        solved = union_find(((value, a), (value, b)) for value, a, b in links)
        kept = f"{model.scope}, " if model.scope else ""
        self.connection.execute(
            f"create or replace table {model.relation} as"
            f" select {kept}record_key, component from ({sql}) limit 0"
        )
        if solved:
            self.connection.executemany(
                f"insert into {model.relation} values ({'?, ' if model.scope else ''}?, ?)",
                [
                    [*([value] if model.scope else []), record, least]
                    for (value, record), (_, least) in solved.items()
                ],
            )
