"""Rules of the dbt project itself, checked over its manifest; each message says how to mend it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.dbt.builder import PROJECT_DIR, Warehouse

LAYERS = ("staging", "identity", "consent", "profiles", "contexts", "outbound")
PREFIXES = {
    "staging": "stg_",
    "identity": "id_",
    "consent": "con_",
    "profiles": "per_",
    "contexts": "ctx_",
    "outbound": "out_",
}


def models(manifest: Any) -> Iterator[Any]:
    return (node for node in manifest.nodes.values() if node.resource_type == "model")


def relations(manifest: Any) -> Iterator[Any]:
    yield from models(manifest)
    yield from manifest.sources.values()


def layer(node: Any) -> str:
    return str(node.fqn[1])


def test_every_model_and_source_is_described_and_owned(manifest: Any) -> None:
    faults = [
        f"{node.unique_id}: add a description and config.meta.owner to its YAML"
        for node in relations(manifest)
        if not node.description
        or not (node.config.meta.get("owner") or node.source_meta.get("owner"))
    ]
    assert faults == []


def test_every_column_has_a_description_and_a_type(manifest: Any) -> None:
    faults = [
        f"{node.unique_id}.{column.name}: add description and data_type"
        for node in relations(manifest)
        for column in node.columns.values()
        if not column.description or not column.data_type
    ]
    assert faults == []


def test_every_model_states_its_grain_first(manifest: Any) -> None:
    faults = [
        f"{node.original_file_path}: begin with `-- grain: one row per ...`"
        for node in models(manifest)
        if not node.raw_code.startswith("-- grain: one ")
    ]
    assert faults == []


def test_prefix_folder_and_schema_are_one(manifest: Any) -> None:
    faults = [
        f"{node.original_file_path}: prefix {PREFIXES[layer(node)]}, schema set by the folder alone"
        for node in models(manifest)
        if not node.name.startswith(PREFIXES[layer(node)]) or node.schema != layer(node)
    ]
    assert faults == []


def test_only_staging_reads_landing(manifest: Any) -> None:
    faults = [
        f"{node.original_file_path}: read the staging model instead of {parent}"
        for node in models(manifest)
        if layer(node) != "staging"
        for parent in node.depends_on.nodes
        if parent in manifest.sources and manifest.sources[parent].schema == "landing"
    ]
    assert faults == []


def test_dependencies_follow_the_path(manifest: Any) -> None:
    faults = [
        f"{node.original_file_path}: {layer(node)} may not read {parent}"
        for node in models(manifest)
        for parent in node.depends_on.nodes
        if parent in manifest.nodes
        and LAYERS.index(layer(manifest.nodes[parent])) > LAYERS.index(layer(node))
    ]
    assert faults == []


def test_no_model_reads_the_wall_clock() -> None:
    clocks = ("now()", "current_timestamp", "current_date", "today()", "get_current_timestamp")
    faults = [
        f"{path.relative_to(PROJECT_DIR)}: use as_of() instead of {clock}"
        for folder in ("models", "macros")
        for path in sorted((PROJECT_DIR / folder).rglob("*.sql"))
        for clock in clocks
        if clock in path.read_text().lower()
    ]
    assert faults == []


@pytest.fixture(scope="module")
def empty_warehouse(shared_warehouse: Callable[[str], Warehouse]) -> Warehouse:
    warehouse = shared_warehouse("project")
    warehouse.build("path:models", data_tests=False)
    return warehouse


def test_the_whole_project_builds_on_an_empty_landing(empty_warehouse: Warehouse) -> None:
    assert empty_warehouse.rows("select count(*) from identity.id_persons") == [(0,)]


def test_every_unit_test_beside_a_model_passes(empty_warehouse: Warehouse) -> None:
    results = empty_warehouse.run_dbt(["test", "--select", "test_type:unit"])
    failed = [f"{r.node.name}: {r.message}" for r in results if str(r.status) != "pass"]
    assert failed == []
    assert len(results) > 0
