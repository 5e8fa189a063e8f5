"""Lineage of the project's own models, from what `dbt compile` writes."""

import json
from pathlib import Path
from typing import Any

import pytest

from expectations.policy.lineage.project import project_lineage
from tests.dbt.builder import Warehouse


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory, manifest: Any) -> dict[str, Any]:
    """The manifest with compiled SQL; the warehouse stays empty."""
    warehouse = Warehouse(directory=tmp_path_factory.mktemp("lineage"), manifest=manifest)
    warehouse.create()
    return compiled_manifest(warehouse)


def compiled_manifest(warehouse: Warehouse) -> dict[str, Any]:
    warehouse.run_dbt(["compile", "--write-json"])
    path: Path = warehouse.directory / "target" / "manifest.json"
    manifest: dict[str, Any] = json.loads(path.read_text())
    return manifest


def test_every_model_of_the_project_has_lineage(compiled: dict[str, Any]) -> None:
    lineages = project_lineage(compiled)
    models = {
        (one["schema"], one["alias"])
        for one in compiled["nodes"].values()
        if one["resource_type"] in ("model", "snapshot")
    }
    assert set(lineages) == models
    sources = {(one["schema"], one["identifier"]) for one in compiled["sources"].values()}
    for lineage in lineages.values():
        assert lineage.relations <= models | sources


def test_who_is_permitted_decides_which_actions_leave(compiled: dict[str, Any]) -> None:
    actions = project_lineage(compiled)["outbound", "out_permitted_actions"]
    assert ("consent", "con_permits") in actions.relations
    assert {"consent.con_permits.verdict"} <= {str(column) for column in actions.rows}


def test_connected_components_mix_the_ends_of_links_and_nothing_else(
    compiled: dict[str, Any],
) -> None:
    (record_key, component) = project_lineage(compiled)["identity", "id_components"].columns
    ends = {"identity.id_candidate_links.record_key", "identity.id_candidate_links.anchor_key"}
    assert {str(column) for column in record_key.value} == ends
    assert {str(column) for column in component.value} == ends
