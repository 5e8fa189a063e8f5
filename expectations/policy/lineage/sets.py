"""Set operations, and queries that are used by name (WITH)."""

from collections.abc import Callable

from expectations.policy.lineage.expressions import refuse_unknown_parts
from expectations.policy.lineage.faults import UnsupportedConstruct
from expectations.policy.lineage.flow import Flow, Node, Scope, Stream, sources

_RECURSIVE = frozenset({"type", "children", "internal_types", "result_types", "key_targets"})


def united(operator: Node, scope: Scope) -> Stream:
    """UNION ALL; the duplicates of UNION are dropped by an operator of their own."""
    branches = [scope.walk(child) for child in operator["children"]]
    columns = scope.bind(operator["table_index"], _side_by_side(branches))
    everything = _merged(branches)
    return Stream(columns, everything.rows, everything.order)


def reduced(operator: Node, scope: Scope) -> Stream:
    """EXCEPT and INTERSECT: rows of the first branch, chosen by comparing every column."""
    branches = scope.children(operator, 2)
    compared = sources(flow for branch in branches for flow in branch.columns)
    columns = scope.bind(operator["table_index"], branches[0].columns)
    everything = _merged(branches)
    return Stream(columns, everything.rows | compared, everything.order | compared)


def named(operator: Node, scope: Scope) -> Stream:
    """WITH: the first input is what the second refers to."""
    definition, query = operator["children"]
    scope.ctes[operator["table_index"]] = scope.walk(definition)
    return scope.walk(query)


def reference(operator: Node, scope: Scope) -> Stream:
    """A reference to a query of WITH."""
    known = scope.ctes.get(operator["cte_index"])
    if known is None or len(known.columns) != len(operator["chunk_types"]):
        raise UnsupportedConstruct("a reference to a WITH query can't be resolved")
    return Stream(scope.bind(operator["table_index"], known.columns), known.rows, known.order)


def recursive(operator: Node, scope: Scope) -> Stream:
    """WITH RECURSIVE: the least lineage that its own step doesn't extend.

    Unless it is UNION ALL, rows are compared with those before; by USING KEY with its key, which
    is counted as if it were the whole row.
    """
    refuse_unknown_parts(operator, _RECURSIVE)
    first, step = operator["children"]
    state = scope.walk(first)
    while True:
        scope.ctes[operator["table_index"]] = state
        following = _merged([state, scope.walk(step)])
        if not operator["union_all"] or operator.get("key_targets"):
            following = Stream(
                following.columns,
                following.rows | sources(following.columns),
                following.order,
            )
        if following == state:
            break
        state = following
    scope.bind(operator["table_index"], state.columns)
    return state


def _side_by_side(branches: list[Stream]) -> tuple[Flow, ...]:
    widths = {len(branch.columns) for branch in branches}
    if len(widths) != 1:
        raise UnsupportedConstruct("a set operation over branches of different width")
    columns = branches[0].columns
    for branch in branches[1:]:
        columns = tuple(
            mine.joined(other) for mine, other in zip(columns, branch.columns, strict=True)
        )
    return columns


def _merged(branches: list[Stream]) -> Stream:
    return Stream(
        _side_by_side(branches),
        frozenset().union(*(branch.rows for branch in branches)),
        frozenset().union(*(branch.order for branch in branches)),
    )


OPERATORS: dict[str, Callable[[Node, Scope], Stream]] = {
    "LOGICAL_UNION": united,
    "LOGICAL_EXCEPT": reduced,
    "LOGICAL_INTERSECT": reduced,
    "LOGICAL_MATERIALIZED_CTE": named,
    "LOGICAL_CTE_REF": reference,
    "LOGICAL_RECURSIVE_CTE": recursive,
}
