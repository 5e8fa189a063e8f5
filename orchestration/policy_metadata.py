"""A relation's labels and lineage as Dagster metadata: tag chips, column lineage, table facts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from activation.evidence.lineage_pages import page_name
from expectations.policy.chips import chips
from expectations.policy.graph import Relation
from expectations.policy.label import join_all
from expectations.policy.special import special_in


def table_metadata(relation: Relation, words: Mapping[str, str], pages: Path) -> dict[str, Any]:
    """The metadata of a table; `words` are its columns' descriptions, `pages` the folder of the
    lineage pages."""
    label = join_all(field.label for field in relation.fields)
    found: dict[str, Any] = {
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(
                    name=field.column.name,
                    type=field.type or "?",
                    description=words.get(field.column.name) or None,
                    tags=dict.fromkeys(chips(field.label), ""),
                )
                for field in relation.fields
            ]
        ),
        "policy/residency": _listed(label.residency, "anywhere"),
        "policy/special_categories": ", ".join(sorted(special_in(label.categories))) or "none",
        "policy/lineage": dg.MetadataValue.path(str(pages / page_name(relation.name))),
    }
    kept = [one.label.retention_days for one in relation.fields if one.label.retention_days]
    if kept:
        found["policy/retention_days"] = max(kept)
        found["policy/shortest_retention_days"] = min(kept)
    if lineage := column_lineage(relation):
        found["dagster/column_lineage"] = lineage
    return found


def column_lineage(relation: Relation) -> dg.TableColumnLineage | None:
    """From which columns each value comes. What selected it is on the lineage page: Dagster knows
    one kind of dependency, and the two must not look alike."""
    if relation.lineage is None:
        return None
    return dg.TableColumnLineage(
        deps_by_column={
            output.name: [
                dg.TableColumnDep(
                    asset_key=dg.AssetKey([column.schema, column.table]), column_name=column.name
                )
                for column in sorted(output.value)
            ]
            for output in relation.lineage.columns
            if output.value
        }
    )


def _listed(names: frozenset[str] | None, otherwise: str) -> str:
    return otherwise if names is None else ", ".join(sorted(names)) or "nowhere"
