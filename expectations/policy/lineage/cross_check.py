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
    found: dict[str, set[Column]] = {}
    for theirs, column in zip(resolved(sql, schema) or (), ours.columns, strict=False):
        missing = theirs - column.value - column.selection - ours.rows
        if missing:
            found[column.name] = missing
    return found


def resolved(sql: str, schema: Schema) -> list[set[Column]] | None:
    """What sqlglot finds in the value of each output column; None for what it can't resolve."""
    catalog = next(iter(schema))
    place = next(iter(schema[catalog]))
    try:
        parsed = parse_one(sql, dialect="duckdb")
        query = qualify(parsed, schema=dict(schema), dialect="duckdb", catalog=catalog, db=place)
        if not isinstance(query, exp.Query):
            return None
        return [_sources(name, query, schema) for name in query.named_selects]
    except (SqlglotError, KeyError):
        return None


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
