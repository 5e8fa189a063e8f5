"""The policy labels of the landing tables, as relations without lineage, from dbt's files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from expectations.policy.defaults import read_defaults
from expectations.policy.graph import Field, Relation
from expectations.policy.label import Label
from expectations.policy.lineage.edges import Column
from orchestration.landing.contract import LANDING_SCHEMA, SOURCE_FILES, read_document


def landing_relations(sources: Path) -> dict[str, Relation]:
    """Every labelled landing table by name, without its schema."""
    relations = {}
    for file in sorted(sources.glob(SOURCE_FILES)):
        for source in read_document(file)["sources"]:
            if source.get("schema") == LANDING_SCHEMA:
                for table in source["tables"]:
                    relations[table["name"]] = _relation(_below(file), source["name"], table)
    return relations


def _below(file: Path) -> str:
    """The path as dbt's manifest has it: models/staging/<system>/<file>."""
    return "/".join(("models", *file.parts[-3:]))


def _relation(path: str, system: str, table: Mapping[str, Any]) -> Relation:
    policy = _policy(table)
    name = table["name"]
    key = policy.get("subject_key") or ()
    return Relation(
        schema=LANDING_SCHEMA,
        table=name,
        kind="source",
        fields=tuple(_field(path, system, name, policy, one) for one in table["columns"]),
        lineage=None,
        path=path,
        subject=policy.get("subject"),
        subject_key=(key,) if isinstance(key, str) else tuple(key),
        event_time=policy.get("event_time"),
    )


def _field(
    path: str, system: str, table: str, about: Mapping[str, Any], column: Mapping[str, Any]
) -> Field:
    own = _policy(column)
    policy = read_defaults().merged(path, system, column["name"], about, own)
    label = Label(
        categories=frozenset(policy.get("categories") or ()),
        origin=frozenset({policy["origin"]}),
        residency=_set(policy.get("residency")),
        purposes=_set(policy.get("purposes")),
        retention_days=policy.get("retention_days"),
    )
    at = Column(LANDING_SCHEMA, table, column["name"])
    return Field(at, str(column.get("data_type", "")), label, frozenset(), bool(own))


def _set(values: Any) -> frozenset[str] | None:
    return None if values is None else frozenset(values)


def _policy(node: Mapping[str, Any]) -> dict[str, Any]:
    return dict(((node.get("config") or {}).get("meta") or {}).get("policy") or {})
