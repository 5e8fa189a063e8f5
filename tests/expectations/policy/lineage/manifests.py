"""Small dbt manifests, with only what lineage reads."""

from collections.abc import Mapping
from typing import Any

Manifest = dict[str, Any]


def source(name: str, columns: Mapping[str, str | None], schema: str = "raw") -> dict[str, Any]:
    """A source table; a type of None stands for a column without data_type."""
    return {
        "unique_id": f"source.shop.{schema}.{name}",
        "resource_type": "source",
        "database": "shop",
        "schema": schema,
        "identifier": name,
        "original_file_path": f"models/{schema}.yml",
        "columns": _columns(columns),
    }


def model(
    name: str,
    sql: str | None,
    reads: tuple[str, ...] = (),
    *,
    kind: str = "model",
    materialized: str = "table",
    columns: Mapping[str, str | None] | None = None,
    **config: Any,
) -> dict[str, Any]:
    """A model; `sql` of None makes it a Python model. `reads` are unique ids."""
    return {
        "unique_id": f"{kind}.shop.{name}",
        "resource_type": kind,
        "database": "shop",
        "schema": "mart",
        "alias": name,
        "original_file_path": f"models/{name}.sql",
        "language": "python" if sql is None else "sql",
        "compiled_code": sql or "def model(dbt, session): ...",
        "depends_on": {"nodes": list(reads), "macros": []},
        "config": {"materialized": materialized, **config},
        "columns": _columns(columns or {}),
    }


def manifest(*nodes: dict[str, Any], macros: Mapping[str, Any] | None = None) -> Manifest:
    return {
        "sources": {one["unique_id"]: one for one in nodes if one["resource_type"] == "source"},
        "nodes": {one["unique_id"]: one for one in nodes if one["resource_type"] != "source"},
        "macros": dict(macros or {}),
    }


def _columns(columns: Mapping[str, str | None]) -> dict[str, Any]:
    return {name: {"name": name, "data_type": kind} for name, kind in columns.items()}
