"""The dbt project as the definitions see it: its manifest, and specs for what it declares."""

from functools import cache
from typing import Any

import dagster as dg

from expectations.policy.graph import PolicyGraph
from orchestration import dbt_runner, environment
from orchestration.policy_graph import policy_graph
from orchestration.rules import active_dbt_project
from orchestration.translator import AssentTranslator

# One writer: DuckDB refuses a second process, so a step that opens the warehouse waits its turn.
WAREHOUSE_POOL = "warehouse_writer"


@cache
def manifest() -> dict[str, Any]:
    """The manifest of the active release of the home that ASSENT_HOME names; of the project's own
    files before the first release. Parsed anew when a dbt file changed."""
    home = environment.home()
    return dbt_runner.read_manifest(home, active_dbt_project(home))


@cache
def graph() -> PolicyGraph:
    """The policy graph of the same project, proven anew when a dbt file or the checker changed."""
    home = environment.home()
    return policy_graph(home, active_dbt_project(home))


TRANSLATOR = AssentTranslator(graph(), environment.home().policy_pages)


def source_specs(schema: str) -> list[dg.AssetSpec]:
    """A spec per declared source table of `schema`, for the asset that writes those tables."""
    unique_ids = [key for key, one in manifest()["sources"].items() if one["schema"] == schema]
    if not unique_ids:
        raise ValueError(
            f"dbt declares no source in schema {schema}; see models/**/_*__sources.yml"
        )
    return [
        TRANSLATOR.get_asset_spec(manifest(), unique_id, None).replace_attributes(
            deps=[], skippable=False
        )
        for unique_id in sorted(unique_ids)
    ]


def source_keys(schema: str) -> list[dg.AssetKey]:
    """The asset keys of `source_specs`."""
    return [spec.key for spec in source_specs(schema)]


def model_keys(*schemas: str) -> list[dg.AssetKey]:
    """The asset keys of every model in the given schemas."""
    return [
        TRANSLATOR.get_asset_key(node)
        for node in manifest()["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] in schemas
    ]


def exposures() -> list[dict[str, Any]]:
    """Every exposure, by name: each is one sync."""
    return sorted(manifest()["exposures"].values(), key=lambda one: str(one["name"]))
