"""Lineage of the project's own models, from what `dbt compile` writes."""

import json
from pathlib import Path
from typing import Any

import pytest

from expectations.policy.lineage.dominance import Gate, dominated_by
from expectations.policy.lineage.project import catalog_of, project_lineage
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


def test_every_model_that_leaves_is_dominated_by_the_permits(compiled: dict[str, Any]) -> None:
    lineages = project_lineage(compiled)
    keys = {key: key for key in ("person_id", "purpose", "channel")}
    inner = Gate(("consent", "con_permits"), keys, {"verdict": "permit"})
    # what leaves needs no purpose of its own, and names the person
    outer = Gate(inner.relation, {"person_id": "person_id"}, inner.conditions)
    dominated: dict[tuple[str, str], Any] = {}
    sql = {
        (one["schema"], one["alias"]): one["compiled_code"] for one in compiled["nodes"].values()
    }
    outbound = [key for key in lineages if key[0] == "outbound"]
    with catalog_of(compiled, lineages) as catalog:
        for key in outbound:
            names = [column.name for column in lineages[key].columns]
            gate = inner if key[1].startswith("out_permitted") else outer
            found = dominated_by(catalog.plan(sql[key]), names, gate, dominated)
            assert found.undominated == (), key
            dominated[key] = found.carried
    assert len(outbound) >= 7
