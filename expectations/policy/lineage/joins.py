"""Operators that put two inputs side by side; subqueries become joins when a query is bound."""

from collections.abc import Callable

from expectations.policy.lineage.expressions import flow_of, flows_of, refuse_unknown_parts
from expectations.policy.lineage.faults import UnsupportedConstruct
from expectations.policy.lineage.flow import (
    CONSTANT,
    Columns,
    Flow,
    Node,
    Scope,
    Stream,
    join,
    sources,
)
from expectations.policy.lineage.rows import mapped

_JOIN = frozenset(
    {
        "type",
        "children",
        "conditions",
        "condition",
        "predicate",
        "mark_types",
        "duplicate_eliminated_columns",
        "left_projection_map",
        "right_projection_map",
    }
)


def crossed(operator: Node, scope: Scope) -> Stream:
    left, right = scope.children(operator, 2)
    return Stream(left.columns + right.columns, left.rows | right.rows, left.order | right.order)


def positional(operator: Node, scope: Scope) -> Stream:
    """POSITIONAL JOIN: which rows stand side by side follows from the order of both inputs."""
    left, right = scope.children(operator, 2)
    deciding = left.rows | right.rows | left.order | right.order
    return Stream(left.columns + right.columns, deciding, left.order | right.order)


def joined(operator: Node, scope: Scope) -> Stream:
    """A join with a condition."""
    refuse_unknown_parts(operator, _JOIN)
    left, right = scope.children(operator, 2)
    return _combined(operator, left, right, *_conditions(operator, scope, left, right))


def correlated(operator: Node, scope: Scope) -> Stream:
    """A correlated subquery or lateral join: the right side is evaluated for each distinct value
    of some columns of the left, and joined back on them."""
    refuse_unknown_parts(operator, _JOIN)
    if operator.get("delim_flipped"):
        raise UnsupportedConstruct("a correlated join was flipped: the plan was optimised")
    first, second = operator["children"]
    left = scope.walk(first)
    outer = operator["duplicate_eliminated_columns"]
    flows = flows_of(outer, scope, left.columns)
    types = [one["return_type"]["id"] for one in outer]
    scope.correlated.append(list(zip(types, flows, strict=True)))
    right = scope.walk(second)
    scope.correlated.pop()
    compared, deciding = _conditions(operator, scope, left, right)
    return _combined(operator, left, right, compared, deciding)


def _conditions(operator: Node, scope: Scope, left: Stream, right: Stream) -> tuple[Flow, Columns]:
    """What the condition compares, as a value, and every column that it depends on.

    A correlated join's own condition (IS NOT DISTINCT FROM) is how it is put together again and no
    comparison of the query.
    """
    own = operator["type"] == "LOGICAL_DELIM_JOIN"
    compared: list[Flow] = []
    plumbing: list[Flow] = []
    both = left.columns + right.columns
    for one in operator.get("conditions") or []:
        if "left" in one and "right" in one:
            pair = (
                flow_of(one["left"], scope, left.columns),
                flow_of(one["right"], scope, right.columns),
            )
            joins_back = own and one["comparison"] == "COMPARE_NOT_DISTINCT_FROM"
            (plumbing if joins_back else compared).extend(pair)
        else:
            compared.append(flow_of(one, scope, both))
    for key in ("condition", "predicate"):
        if operator.get(key):
            compared.append(flow_of(operator[key], scope, both))
    return join(compared), sources(compared) | sources(plumbing)


def _combined(
    operator: Node, left: Stream, right: Stream, compared: Flow, deciding: Columns
) -> Stream:
    kind = operator["join_type"]
    first = mapped(left.columns, operator.get("left_projection_map"))
    second = mapped(right.columns, operator.get("right_projection_map"))
    rows = left.rows | right.rows | deciding
    order = left.order | right.order | deciding
    found = deciding | right.rows
    if kind in ("SEMI", "ANTI"):
        return Stream(first, rows, order)
    if kind == "MARK":
        # whether the subquery has such a row: no row of the left is lost
        mark = (compared if compared is not CONSTANT else Flow()).selected_by(found)
        return Stream((*first, mark), left.rows, left.order)
    if kind == "SINGLE":
        return Stream(first + _selected(second, found), left.rows, left.order)
    if kind == "INNER":
        return Stream(first + second, rows, order)
    # where no row matches, an outer join fills up with null
    if kind in ("RIGHT", "OUTER", "FULL"):
        first = _selected(first, deciding | left.rows)
    if kind in ("LEFT", "OUTER", "FULL"):
        second = _selected(second, found)
    if kind in ("LEFT", "RIGHT", "OUTER", "FULL"):
        return Stream(first + second, rows, order)
    raise UnsupportedConstruct(f"join {kind} is not supported")


def _selected(columns: tuple[Flow, ...], by: Columns) -> tuple[Flow, ...]:
    return tuple(flow.selected_by(by) for flow in columns)


OPERATORS: dict[str, Callable[[Node, Scope], Stream]] = {
    "LOGICAL_CROSS_PRODUCT": crossed,
    "LOGICAL_POSITIONAL_JOIN": positional,
    "LOGICAL_COMPARISON_JOIN": joined,
    "LOGICAL_ANY_JOIN": joined,
    "LOGICAL_ASOF_JOIN": joined,
    "LOGICAL_DELIM_JOIN": correlated,
}
