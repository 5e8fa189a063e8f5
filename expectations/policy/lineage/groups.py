"""Operators that compute one value from several rows: aggregates and windows."""

from collections.abc import Callable

from expectations.policy.lineage.expressions import (
    Inputs,
    flow_of,
    flows_of,
    ordering,
    refuse_unknown_parts,
)
from expectations.policy.lineage.flow import (
    CONSTANT,
    NONE,
    Columns,
    Flow,
    Node,
    Scope,
    Stream,
    join,
    sources,
)

#: Aggregates whose result is the same in whatever order the rows come (sums of floating-point
#: numbers up to their rounding). Any other depends on the order of its input.
ORDER_FREE = frozenset(
    {"count", "count_star", "sum", "sum_no_overflow", "avg", "min", "max", "bool_and", "bool_or"}
    | {"bit_and", "bit_or", "bit_xor", "approx_count_distinct", "median", "stddev", "variance"}
)
#: Aggregates that return their first argument from the row that the others choose: those select the
#: value and are no part of it.
CHOOSING = frozenset(
    {"arg_min", "arg_max", "arg_min_null", "arg_max_null", "min_by", "max_by"}
    | {"arg_min_nulls_last", "arg_max_nulls_last"}
)
#: Window functions that number rows: they are computed from the order itself.
RANKING = frozenset(
    {
        "WINDOW_ROW_NUMBER",
        "WINDOW_RANK",
        "WINDOW_RANK_DENSE",
        "WINDOW_PERCENT_RANK",
        "WINDOW_CUME_DIST",
        "WINDOW_NTILE",
    }
)
_EXPRESSION = frozenset(
    {
        "expression_class",
        "return_type",
        "arguments",
        "original_arguments",
        "function_data",
        "children",
        "filter",
        "order_bys",
    }
)
_WINDOW = _EXPRESSION | {
    "partitions",
    "orders",
    "filters",
    "start_expr",
    "end_expr",
    "offset_expr",
    "default_expr",
    "arg_orders",
    "partitions_stats",
    "expr_stats",
}


def aggregated(operator: Node, scope: Scope) -> Stream:
    """GROUP BY: aggregates are selected by the groups, and by which rows there were. Without
    groups there is one row whatever the input holds."""
    (given,) = scope.children(operator, 1)
    groups = flows_of(operator.get("groups") or [], scope, given.columns)
    chosen = sources(groups) | given.rows
    aggregates = tuple(
        _aggregate(one, scope, given).selected_by(chosen)
        for one in operator.get("expressions") or []
    )
    # GROUPING() tells which grouping set a row belongs to, and no value
    groupings = (CONSTANT,) * len(operator.get("grouping_functions") or [])
    scope.bind(operator["group_index"], groups)
    scope.bind(operator["aggregate_index"], aggregates)
    scope.bind(operator["groupings_index"], groupings)
    columns = groups + aggregates + groupings
    return Stream(columns, chosen if groups else NONE, chosen | given.order)


def _aggregate(expression: Node, scope: Scope, given: Stream) -> Flow:
    refuse_unknown_parts(expression, _EXPRESSION)
    # FILTER is a condition inside the expression, as CASE is: sum(x) filter (where y)
    flow = _operands(expression, ("children", "filter"), scope, given.columns)
    if expression["name"] in CHOOSING:
        value, *choosing = flows_of(expression["children"], scope, given.columns)
        kept = _operands(expression, ("filter",), scope, given.columns)
        flow = value.joined(kept).selected_by(sources(choosing))
    orders = (expression.get("order_bys") or {}).get("orders") or []
    if orders:
        flow = flow.selected_by(ordering(orders, scope, given.columns).everything)
    elif expression["name"] not in ORDER_FREE:
        flow = flow.selected_by(given.order)
    return flow.through(expression["name"])


def windowed(operator: Node, scope: Scope) -> Stream:
    (given,) = scope.children(operator, 1)
    windows: list[Flow] = []
    order: Columns = given.order
    for expression in operator["expressions"]:
        window, keys = _window(expression, scope, given)
        windows.append(window)
        order |= keys
    columns = scope.bind(operator["window_index"], tuple(windows))
    return Stream(given.columns + columns, given.rows, order)


def _window(expression: Node, scope: Scope, given: Stream) -> tuple[Flow, Columns]:
    """The lineage of a window function, and the columns that its rows are now arranged by."""
    refuse_unknown_parts(expression, _WINDOW)
    inputs = given.columns
    kind = expression["type"]
    flow = _operands(
        expression, ("children", "filters", "offset_expr", "default_expr"), scope, inputs
    )
    partition = join(flows_of(expression.get("partitions") or [], scope, inputs))
    orders = ordering(expression.get("orders") or [], scope, inputs)
    arguments = ordering(expression.get("arg_orders") or [], scope, inputs)
    frame = _operands(expression, ("start_expr", "end_expr"), scope, inputs)
    if kind in RANKING:
        flow = join((flow, orders, arguments))
    arranged = partition.everything | orders.everything
    selection = arranged | arguments.everything | frame.everything | given.rows
    name = expression.get("name") or kind.removeprefix("WINDOW_").lower()
    if not expression.get("orders") and name not in ORDER_FREE:
        selection |= given.order
    return flow.selected_by(selection).through(name), arranged


def _operands(expression: Node, parts: tuple[str, ...], scope: Scope, inputs: Inputs) -> Flow:
    flows: list[Flow] = []
    for part in parts:
        held = expression.get(part)
        if isinstance(held, list):
            flows.extend(flows_of(held, scope, inputs))
        elif held:
            flows.append(flow_of(held, scope, inputs))
    return join(flows)


OPERATORS: dict[str, Callable[[Node, Scope], Stream]] = {
    "LOGICAL_AGGREGATE_AND_GROUP_BY": aggregated,
    "LOGICAL_WINDOW": windowed,
}
