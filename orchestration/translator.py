"""dbt node -> Dagster asset: one small method per concern, nothing decided by a model's name."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

from expectations.policy.defaults import read_defaults

# A table is late when no run has rebuilt it for this long. The age of its data is another number,
# judged by the contracts in expectations/.
RUN_OVERDUE = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(hours=26), warn_window=timedelta(hours=2)
)


class AssentTranslator(DagsterDbtTranslator):
    """Asset key [schema, table], group = folder = schema, owner, kinds, policy tags per column."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_code_references=False))

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        node = self.get_resource_props(manifest, unique_id)
        spec = super().get_asset_spec(manifest, unique_id, project)
        return spec.replace_attributes(
            group_name=node["schema"], freshness_policy=RUN_OVERDUE, kinds=kinds(node)
        ).merge_attributes(metadata=column_metadata(node))

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


def column_metadata(node: Mapping[str, Any]) -> dict[str, Any]:
    """Dagster's column schema with a tag chip for each policy label of the column."""
    columns = [
        dg.TableColumn(
            name=name,
            type=column.get("data_type") or "?",
            description=column.get("description") or None,
            tags=policy_tags(declared_policy(node, name, column)),
        )
        for name, column in node["columns"].items()
    ]
    if not columns:
        return {}
    return {"dagster/column_schema": dg.TableSchema(columns=columns)}


def declared_policy(
    node: Mapping[str, Any], name: str, column: Mapping[str, Any]
) -> Mapping[str, Any]:
    """What the YAML and the defaults say of a column; of a source that nobody labels nothing."""
    own, table = meta(column).get("policy") or {}, meta(node).get("policy") or {}
    if node["resource_type"] != "source" or not (own or table):
        return own
    path, source = node["original_file_path"], node["source_name"]
    return read_defaults().merged(path, source, name, table, own)


def policy_tags(policy: Mapping[str, Any]) -> dict[str, str]:
    """A policy label as tag chips: one per category, region and purpose, and the retention."""
    tags = {f"category/{category}": "" for category in policy.get("categories", [])}
    tags |= {f"residency/{region}": "" for region in policy.get("residency", [])}
    tags |= {f"purpose/{purpose}": "" for purpose in policy.get("purposes", [])}
    if "retention_days" in policy:
        tags["retention_days"] = str(policy["retention_days"])
    return tags
