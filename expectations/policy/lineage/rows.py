"""Operators that keep, drop, order or multiply rows."""

from collections.abc import Callable, Sequence
from typing import Any

from expectations.policy.lineage.expressions import flow_of, flows_of, ordering
from expectations.policy.lineage.faults import UnsupportedConstruct
from expectations.policy.lineage.flow import NONE, Columns, Flow, Node, Scope, Stream, join, sources


def projection(operator: Node, scope: Scope) -> Stream:
    (given,) = scope.children(operator, 1)
    below = operator["children"][0]
    expressions = [_without_guard(one, below) for one in operator["expressions"]]
    columns = flows_of(expressions, scope, given.columns)
    return Stream(scope.bind(operator["table_index"], columns), given.rows, given.order)


def _without_guard(expression: Node, below: Node) -> Node:
    """The row of a scalar subquery, without the check that DuckDB adds that there is only one.

    The check counts rows, and a count tells more than the value it stands before. It can only end
    in an error, which is no result.
    """
    if (
        expression["expression_class"] != "BOUND_CASE"
        or below["type"] != "LOGICAL_AGGREGATE_AND_GROUP_BY"
        or len(expression["case_checks"]) != 1
    ):
        return expression
    condition, then = (expression["case_checks"][0][key] for key in ("when_expr", "then_expr"))
    position = (condition.get("left") or {}).get("index", 0) - len(below.get("groups") or [])
    aggregates = below.get("expressions") or []
    is_guard = (
        condition["type"] == "COMPARE_GREATERTHAN"
        and 0 <= position < len(aggregates)
        and aggregates[position]["name"] == "count_star"
        and then["expression_class"] == "BOUND_FUNCTION"
        and then["name"] == "error"
        and [one["expression_class"] for one in then["children"]] == ["BOUND_CONSTANT"]
    )
    return expression["else_expr"] if is_guard else expression


def filtered(operator: Node, scope: Scope) -> Stream:
    """WHERE, HAVING and QUALIFY: the condition's columns decide which rows there are."""
    (given,) = scope.children(operator, 1)
    condition = sources(flows_of(operator["expressions"], scope, given.columns))
    columns = mapped(given.columns, operator.get("projection_map"))
    return Stream(columns, given.rows | condition, given.order)


def ordered(operator: Node, scope: Scope) -> Stream:
    """ORDER BY: who reads the rows in their order learns how the keys compare, so they count as
    selection even where no LIMIT follows."""
    (given,) = scope.children(operator, 1)
    keys = ordering(operator["orders"], scope, given.columns).everything
    columns = mapped(given.columns, operator.get("projections"))
    return Stream(columns, given.rows | keys, keys)


def limited(operator: Node, scope: Scope) -> Stream:
    """LIMIT and OFFSET: which rows stay follows from their order."""
    (given,) = scope.children(operator, 1)
    bounds: Columns = NONE
    for key in ("limit_val", "offset_val"):
        expression = (operator.get(key) or {}).get("expression")
        if expression:
            bounds |= flow_of(expression, scope, given.columns).everything
    return Stream(given.columns, given.rows | given.order | bounds, given.order)


def sampled(operator: Node, scope: Scope) -> Stream:
    (given,) = scope.children(operator, 1)
    return Stream(given.columns, given.rows | given.order, given.order)


def distinct(operator: Node, scope: Scope) -> Stream:
    """DISTINCT and DISTINCT ON: of the rows that agree in the targets, the first stays."""
    (given,) = scope.children(operator, 1)
    deciding = sources(flows_of(operator["distinct_targets"], scope, given.columns))
    order = (operator.get("order_by") or {}).get("orders")
    if order:
        deciding |= ordering(order, scope, given.columns).everything
    elif operator["distinct_type"] == "DISTINCT_ON":
        deciding |= given.order
    elif operator["distinct_type"] != "DISTINCT":
        raise UnsupportedConstruct(f"{operator['distinct_type']} is not supported")
    return Stream(given.columns, given.rows | deciding, given.order | deciding)


def unnested(operator: Node, scope: Scope) -> Stream:
    """UNNEST in a select list: the lengths of the lists decide how many rows there are."""
    (given,) = scope.children(operator, 1)
    lists = flows_of(operator["expressions"], scope, given.columns)
    scope.bind(operator["unnest_index"], lists)
    return Stream(given.columns + lists, given.rows | sources(lists), given.order)


def pivoted(operator: Node, scope: Scope) -> Stream:
    """PIVOT over many values: groups, then for each value what stands in the lists of aggregates
    and of names; a cell is chosen by its name, as by the FILTER that a small pivot becomes."""
    (given,) = scope.children(operator, 1)
    pivot = operator["bound_pivot"]
    groups = given.columns[: pivot["group_count"]]
    cell: Flow = join(given.columns[pivot["group_count"] :])
    count = len(pivot["pivot_values"]) * len(pivot["aggregates"])
    columns = scope.bind(operator["pivot_index"], groups + (cell,) * count)
    return Stream(columns, given.rows, given.order)


def mapped(columns: tuple[Flow, ...], kept: Sequence[Any] | None) -> tuple[Flow, ...]:
    """The columns at the positions that a projection map keeps; all of them without a map."""
    return tuple(columns[index] for index in kept) if kept else columns


OPERATORS: dict[str, Callable[[Node, Scope], Stream]] = {
    "LOGICAL_PROJECTION": projection,
    "LOGICAL_FILTER": filtered,
    "LOGICAL_ORDER_BY": ordered,
    "LOGICAL_LIMIT": limited,
    "LOGICAL_SAMPLE": sampled,
    "LOGICAL_DISTINCT": distinct,
    "LOGICAL_UNNEST": unnested,
    "LOGICAL_PIVOT": pivoted,
}
