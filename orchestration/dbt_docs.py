"""dbt's documentation site with policy labels: one page that opens from the disk.

The site is dbt's own. It reads a manifest and a catalog; here they are put into the page, as
`dbt docs generate --static` does, with the inferred label in each column's description and meta.
Nothing is written into the project's YAML, and no warehouse is asked: the policy graph knows every
column and its type.
"""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from expectations.policy.chips import chips
from expectations.policy.graph import Field, PolicyGraph, Relation
from orchestration import dbt_runner
from orchestration.environment import DBT_PROJECT_DIR, Home
from orchestration.translator import asset_key

#: What dbt's own `--static` puts the two files in place of.
_PLACES = ('"MANIFEST.JSON INLINE DATA"', '"CATALOG.JSON INLINE DATA"')


def labelled_site(home: Home, graph: PolicyGraph, project_dir: Path = DBT_PROJECT_DIR) -> str:
    """The page as text. Raises LookupError when dbt's page has no place for its files."""
    from dbt.task.docs import DOCS_INDEX_FILE_PATH

    page = Path(DOCS_INDEX_FILE_PATH).read_text(encoding="utf-8")
    manifest = labelled_manifest(dbt_runner.read_manifest(home, project_dir), graph)
    for place, content in zip(_PLACES, (manifest, catalog(manifest, graph)), strict=True):
        if page.count(place) != 1:
            raise LookupError("dbt's documentation page has changed; see orchestration/dbt_docs.py")
        page = page.replace(place, _inline(content))
    return page


def labelled_manifest(manifest: Mapping[str, Any], graph: PolicyGraph) -> dict[str, Any]:
    """A copy of a manifest in which each column says its label, and each relation has every column
    that the graph knows of it."""
    labelled = copy.deepcopy(dict(manifest))
    # who made it and when is no part of the documentation, and differs from run to run
    for kind in ("macros", "docs", "exposures", "metrics", "unit_tests"):
        for one in labelled.get(kind, {}).values():
            one.pop("created_at", None)
    labelled["metadata"] = {
        name: manifest["metadata"][name]
        for name in ("dbt_schema_version", "dbt_version", "project_name", "adapter_type")
    }
    for node in (*labelled["nodes"].values(), *labelled["sources"].values()):
        node.pop("created_at", None)
        relation = _relation(node, graph)
        if relation is not None:
            node["columns"] = {
                field.column.name: _labelled(field, node["columns"].get(field.column.name, {}))
                for field in relation.fields
            }
    return labelled


def catalog(manifest: Mapping[str, Any], graph: PolicyGraph) -> dict[str, Any]:
    """What `dbt docs generate` would find in a warehouse: tables and their columns' types."""
    found: dict[str, dict[str, Any]] = {"nodes": {}, "sources": {}}
    for kind in found:
        for unique_id, node in manifest[kind].items():
            relation = _relation(node, graph)
            if relation is not None:
                found[kind][unique_id] = _catalog_entry(unique_id, node, relation)
    return {"metadata": {}, "errors": None, **found}


def _relation(node: Mapping[str, Any], graph: PolicyGraph) -> Relation | None:
    if node["resource_type"] not in ("model", "snapshot", "source"):
        return None
    schema, table = asset_key(node).path
    return graph.relations.get((schema, table))


def _labelled(field: Field, column: Mapping[str, Any]) -> dict[str, Any]:
    shown = chips(field.label)
    words = " ".join(str(column.get("description") or "").split())
    label = f"{'Declared' if field.declared else 'Inferred'} label: " + " ".join(
        f"`{chip}`" for chip in shown or ("no restriction",)
    )
    return {
        "name": field.column.name,
        "data_type": field.type,
        "tags": list(shown),
        **column,
        "description": f"{words}\n\n{label}".strip(),
        "meta": {"label": list(shown), "chosen_by": sorted(field.selection)},
    }


def _catalog_entry(unique_id: str, node: Mapping[str, Any], relation: Relation) -> dict[str, Any]:
    return {
        "unique_id": unique_id,
        "metadata": {
            "type": "BASE TABLE",
            "database": node["database"],
            "schema": relation.schema,
            "name": relation.table,
            "comment": None,
            "owner": None,
        },
        "columns": {
            field.column.name: {
                "name": field.column.name,
                "type": field.type,
                "index": position,
                "comment": None,
            }
            for position, field in enumerate(relation.fields, start=1)
        },
        "stats": {},
    }


def _inline(content: Any) -> str:
    """JSON inside a script element: nothing in it may end the element."""
    return json.dumps(content, sort_keys=True).replace("</", "<\\/")
