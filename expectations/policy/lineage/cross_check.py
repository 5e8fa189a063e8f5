"""A second opinion on a query's value lineage, from sqlglot, which resolves names by itself.

Slow (seconds for a large query) and not sound, so it is asked only to find what ours may have
missed."""

from collections.abc import Mapping

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify

from expectations.policy.lineage.edges import Column, RelationLineage

#: database -> schema -> table -> column -> type
Schema = Mapping[str, Mapping[str, Mapping[str, Mapping[str, str]]]]


def missed_by_ours(sql: str, ours: RelationLineage, schema: Schema) -> dict[str, set[Column]]:
    """For each output column what sqlglot finds in its value and ours has in no edge at all.

    The union of both counts. A query that sqlglot can't resolve has no second opinion: empty.
    """
    try:
        query = qualify(parse_one(sql, dialect="duckdb"), schema=dict(schema), dialect="duckdb")
        if not isinstance(query, exp.Query):
            return {}
        found: dict[str, set[Column]] = {}
        for name, column in zip(query.named_selects, ours.columns, strict=False):
            missing = _sources(name, query, schema) - column.value - column.selection - ours.rows
            if missing:
                found[column.name] = missing
        return found
    except (SqlglotError, KeyError):
        return {}


def _sources(name: str, query: exp.Query, schema: Schema) -> set[Column]:
    root = lineage(name, query.copy(), schema=dict(schema), dialect="duckdb")
    return {
        Column(
            node.expression.db.lower(),
            node.expression.name.lower(),
            node.name.rsplit(".", 1)[-1].strip('"').lower(),
        )
        for node in root.walk()
        if not node.downstream and isinstance(node.expression, exp.Table)
    }
