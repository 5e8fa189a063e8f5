"""dbt node -> Dagster asset: one small method per concern, nothing decided by a model's name."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

from expectations.policy.graph import PolicyGraph
from orchestration.policy_metadata import table_metadata

# A table is late when no run has rebuilt it for this long. The age of its data is another number,
# judged by the contracts in expectations/.
RUN_OVERDUE = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(hours=26), warn_window=timedelta(hours=2)
)


class AssentTranslator(DagsterDbtTranslator):
    """Asset key [schema, table], group = folder = schema, owner, kinds, policy labels per column.

    `graph` holds the labels, `pages` is the folder of the rendered lineage pages.
    """

    def __init__(self, graph: PolicyGraph, pages: Path) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_code_references=False))
        self._graph = graph
        self._pages = pages

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        node = self.get_resource_props(manifest, unique_id)
        spec = super().get_asset_spec(manifest, unique_id, project)
        return spec.replace_attributes(
            group_name=node["schema"], freshness_policy=RUN_OVERDUE, kinds=kinds(node)
        ).merge_attributes(metadata=self.policy_metadata(node))

    def policy_metadata(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """Columns with their labels, column lineage, and what holds for the table as a whole."""
        schema, table = asset_key(node).path
        relation = self._graph.relations.get((schema, table))
        if relation is None:
            return {}
        words = {name.lower(): one["description"] for name, one in node["columns"].items()}
        return table_metadata(relation, words, self._pages)

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        return asset_key(dbt_resource_props)

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        return owners(dbt_resource_props)

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return str(dbt_resource_props["description"])


def asset_key(node: Mapping[str, Any]) -> dg.AssetKey:
    """[schema, table], for models and sources alike (versioned models would lose their schema)."""
    table = node.get("identifier") or node.get("alias") or node["name"]
    return dg.AssetKey([node["schema"], table])


def owners(node: Mapping[str, Any]) -> list[str]:
    """The owner that the node's YAML or its folder names."""
    owner = meta(node).get("owner")
    return [owner] if owner else []


def kinds(node: Mapping[str, Any]) -> set[str]:
    """What makes the table: dbt a model, Python what dbt only declares as a source."""
    return {"dbt" if node["resource_type"] == "model" else "python", "duckdb"}


def meta(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """A node's or column's `config.meta`; the only place where dbt keeps what we declare."""
    merged: dict[str, Any] = dict(node.get("meta") or {})
    merged.update((node.get("config") or {}).get("meta") or {})
    return merged
