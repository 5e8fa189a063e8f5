"""A policy graph as bytes and back: a cache of what took seconds to prove.

The same graph gives the same bytes in every process, so they also stand for it in a digest.
"""

import json
from collections.abc import Iterable
from typing import Any

from expectations.policy.graph import Field, PolicyGraph, Relation
from expectations.policy.label import Label
from expectations.policy.lineage.edges import Column, OutputColumn, RelationLineage

FORMAT = "assent-policy-graph-1"


class GraphFileError(ValueError):
    """The bytes are no graph of this format; make them anew."""


def dump(graph: PolicyGraph) -> bytes:
    """The graph as canonical JSON: sorted keys, sorted sets, UTF-8."""
    content = {
        "format": FORMAT,
        "relations": [_relation(one) for one in graph.relations.values()],
    }
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def load(data: bytes) -> PolicyGraph:
    """The graph that `dump` wrote. Raises GraphFileError when it is of another format."""
    try:
        content = json.loads(data)
        if content["format"] != FORMAT:
            raise GraphFileError(f"the graph is {content['format']}, not {FORMAT}")
        relations = [_read_relation(one) for one in content["relations"]]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise GraphFileError(f"not a policy graph: {error}") from error
    return PolicyGraph({(one.schema, one.table): one for one in relations})


def _relation(relation: Relation) -> dict[str, Any]:
    return {
        "schema": relation.schema,
        "table": relation.table,
        "kind": relation.kind,
        "path": relation.path,
        "subject": relation.subject,
        "subject_key": list(relation.subject_key),
        "event_time": relation.event_time,
        "fields": [
            [
                field.column.name,
                field.type,
                sorted(field.label.categories),
                sorted(field.label.origin),
                _sorted(field.label.residency),
                _sorted(field.label.purposes),
                field.label.retention_days,
                sorted(field.selection),
                field.declared,
            ]
            for field in relation.fields
        ],
        "lineage": None if relation.lineage is None else _lineage(relation.lineage),
    }


def _lineage(lineage: RelationLineage) -> dict[str, Any]:
    return {
        "columns": [
            [
                one.name,
                one.type,
                _columns(one.value),
                _columns(one.selection),
                sorted(one.functions),
            ]
            for one in lineage.columns
        ],
        "rows": _columns(lineage.rows),
        "relations": sorted(list(one) for one in lineage.relations),
    }


def _read_relation(content: dict[str, Any]) -> Relation:
    schema, table = content["schema"], content["table"]
    return Relation(
        schema=schema,
        table=table,
        kind=content["kind"],
        fields=tuple(_read_field(schema, table, *one) for one in content["fields"]),
        lineage=None if content["lineage"] is None else _read_lineage(content["lineage"]),
        path=content["path"],
        subject=content["subject"],
        subject_key=tuple(content["subject_key"]),
        event_time=content["event_time"],
    )


def _read_field(schema: str, table: str, name: str, kind: str, *parts: Any) -> Field:
    categories, origin, residency, purposes, retention_days, selection, declared = parts
    label = Label(
        categories=frozenset(categories),
        origin=frozenset(origin),
        residency=None if residency is None else frozenset(residency),
        purposes=None if purposes is None else frozenset(purposes),
        retention_days=retention_days,
    )
    return Field(Column(schema, table, name), kind, label, frozenset(selection), declared)


def _read_lineage(content: dict[str, Any]) -> RelationLineage:
    return RelationLineage(
        columns=tuple(
            OutputColumn(
                name, kind, _read_columns(value), _read_columns(selection), frozenset(functions)
            )
            for name, kind, value, selection, functions in content["columns"]
        ),
        rows=_read_columns(content["rows"]),
        relations=frozenset((schema, table) for schema, table in content["relations"]),
    )


def _columns(columns: Iterable[Column]) -> list[list[str]]:
    return [[one.schema, one.table, one.name] for one in sorted(columns)]


def _read_columns(content: Iterable[list[str]]) -> frozenset[Column]:
    return frozenset(Column(*one) for one in content)


def _sorted(values: frozenset[str] | None) -> list[str] | None:
    return None if values is None else sorted(values)
