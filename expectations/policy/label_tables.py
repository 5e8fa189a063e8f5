"""The policy graph as two Arrow tables, for SQL: policy.pol_field and policy.pol_edge."""

import pyarrow as pa

from expectations.policy.dependencies import edges
from expectations.policy.graph import PolicyGraph
from expectations.policy.special import special_in

_TEXT, _TEXTS = pa.string(), pa.list_(pa.string())

FIELD_SCHEMA = pa.schema(
    [
        ("relation_schema", _TEXT),
        ("relation_table", _TEXT),
        ("column_name", _TEXT),
        ("position", pa.int32()),
        ("data_type", _TEXT),
        ("kind", _TEXT),
        ("is_declared", pa.bool_()),
        ("categories", _TEXTS),
        ("special_categories", _TEXTS),
        ("origin", _TEXTS),
        ("residency", _TEXTS),
        ("purposes", _TEXTS),
        ("retention_days", pa.int32()),
        ("selection", _TEXTS),
        ("subject", _TEXT),
        ("event_time", _TEXT),
    ]
)
"""One row per column of every relation."""

EDGE_SCHEMA = pa.schema(
    [
        *((f"source_{part}", _TEXT) for part in ("schema", "table", "column")),
        *((f"target_{part}", _TEXT) for part in ("schema", "table", "column")),
        ("how", _TEXT),
    ]
)
"""One row per dependency of a column; what decides a relation's rows has a null target_column."""


def field_table(graph: PolicyGraph) -> pa.Table:
    """Every column with its label, in the order of the data's path."""
    rows = [
        {
            "relation_schema": relation.schema,
            "relation_table": relation.table,
            "column_name": field.column.name,
            "position": position,
            "data_type": field.type,
            "kind": relation.kind,
            "is_declared": field.declared,
            "categories": sorted(field.label.categories),
            "special_categories": sorted(special_in(field.label.categories)),
            "origin": sorted(field.label.origin),
            "residency": _sorted(field.label.residency),
            "purposes": _sorted(field.label.purposes),
            "retention_days": field.label.retention_days,
            "selection": sorted(field.selection),
            "subject": relation.subject,
            "event_time": relation.event_time,
        }
        for relation in graph.relations.values()
        for position, field in enumerate(relation.fields, start=1)
    ]
    return pa.Table.from_pylist(rows, FIELD_SCHEMA)


def edge_table(graph: PolicyGraph) -> pa.Table:
    """Every dependency between columns."""
    rows = [
        {
            "source_schema": edge.source.schema,
            "source_table": edge.source.table,
            "source_column": edge.source.name,
            "target_schema": edge.target.schema,
            "target_table": edge.target.table,
            "target_column": None if edge.how == "rows" else edge.target.name,
            "how": edge.how,
        }
        for edge in edges(graph)
    ]
    return pa.Table.from_pylist(rows, EDGE_SCHEMA)


def _sorted(values: frozenset[str] | None) -> list[str] | None:
    return None if values is None else sorted(values)
