"""Walks a bound plan and says what each column of its result depends on.

The plan is that of `json_serialize_plan` in DuckDB 1.5, before any optimisation: every reference is
resolved, views and macros are expanded, subqueries are joins, and nothing has been left out because
a table is empty or a condition constant. One function per operator; an operator, expression or part
of one that has none is refused.
"""

from collections.abc import Container

from expectations.policy.lineage import groups, joins, rows, scans, sets
from expectations.policy.lineage.faults import UnsupportedConstruct
from expectations.policy.lineage.flow import Node, Scope, Stream

OPERATORS = {
    **scans.OPERATORS,
    **rows.OPERATORS,
    **groups.OPERATORS,
    **joins.OPERATORS,
    **sets.OPERATORS,
}


def walk(
    plan: Node, arranged: Container[tuple[str, str]] = ()
) -> tuple[Stream, frozenset[tuple[str, str]]]:
    """The lineage of a plan's result, and the relations (schema, table) that it reads.

    `arranged`: relations whose physical order depends on data; see `Scope`.
    Raises UnsupportedConstruct for what the walker doesn't know.
    """
    scope = Scope(OPERATORS, arranged)
    try:
        stream = scope.walk(plan)
    except RecursionError:
        raise UnsupportedConstruct("the query is nested too deeply to be followed") from None
    return stream, frozenset(scope.relations)
