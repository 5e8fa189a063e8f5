"""Lineage of one bound expression: which input columns its value is computed from."""

from collections.abc import Iterator, Sequence
from typing import Any

from expectations.policy.lineage.faults import UnsupportedConstruct
from expectations.policy.lineage.flow import CONSTANT, Flow, Node, Scope, join

Inputs = Sequence[Flow]

#: Functions whose result does not follow from their arguments alone, with the reason.
REFUSED_FUNCTIONS = {
    "nextval": "a sequence has no lineage",
    "currval": "a sequence has no lineage",
    "getenv": "the environment has no lineage",
}

# Keys that never hold an expression over the input. What a function keeps for itself
# (`function_data`) is looked through for expressions that would be missed.
_PLAIN = frozenset(
    {
        "expression_class",
        "type",
        "alias",
        "query_location",
        "return_type",
        "name",
        "arguments",
        "original_arguments",
        "catalog_name",
        "schema_name",
        "has_serialize",
        "is_operator",
        "function_data",
        "value",
        "try_cast",
        "aggregate_type",
    }
)


def flow_of(expression: Node, scope: Scope, inputs: Inputs) -> Flow:
    """The lineage of an expression over the columns `inputs`.

    Raises UnsupportedConstruct for an expression, or a part of one, that isn't known.
    """
    kind = expression["expression_class"]
    if kind == "BOUND_REF":
        return inputs[expression["index"]]
    if kind == "BOUND_CONSTANT":
        return CONSTANT
    parts = _PARTS.get(kind)
    if parts is None:
        raise UnsupportedConstruct(f"expression {kind} is not supported")
    if kind == "BOUND_COLUMN_REF":
        return _unresolved(expression, scope)
    _refuse_unknown_parts(expression, parts)
    flow = join(
        flow_of(child, scope, inputs) for part in parts for child in _children(expression, part)
    )
    return _through_function(expression, flow) if kind == "BOUND_FUNCTION" else flow


def flows_of(expressions: Sequence[Node], scope: Scope, inputs: Inputs) -> tuple[Flow, ...]:
    return tuple(flow_of(expression, scope, inputs) for expression in expressions)


def ordering(orders: Sequence[Node], scope: Scope, inputs: Inputs) -> Flow:
    """The lineage of ORDER BY keys."""
    return join(flow_of(order["expression"], scope, inputs) for order in orders)


def refuse_unknown_parts(node: Node, known: frozenset[str]) -> None:
    """Refuse an object of the plan that holds more than scalars under a name that isn't known."""
    if node.keys() <= known:
        return
    for key in node.keys() - known:
        if isinstance(node[key], (dict, list)) and node[key]:
            kind = node.get("expression_class") or node.get("type")
            raise UnsupportedConstruct(f"{kind} with {key} is not supported")


# expression class -> the keys under which it holds its operands
_PARTS: dict[str, tuple[str, ...]] = {
    "BOUND_BETWEEN": ("input", "lower", "upper"),
    "BOUND_CASE": ("case_checks", "else_expr"),
    "BOUND_CAST": ("child",),
    "BOUND_COLUMN_REF": ("binding",),
    "BOUND_COMPARISON": ("left", "right"),
    "BOUND_CONJUNCTION": ("children",),
    "BOUND_FUNCTION": ("children",),
    "BOUND_OPERATOR": ("children",),
    "BOUND_UNNEST": ("child",),
}
_KNOWN = {kind: _PLAIN | set(parts) for kind, parts in _PARTS.items()}


def _refuse_unknown_parts(expression: Node, parts: tuple[str, ...]) -> None:
    refuse_unknown_parts(expression, _KNOWN[expression["expression_class"]])


def _children(expression: Node, part: str) -> Iterator[Node]:
    held = expression.get(part)
    if part == "case_checks":
        for check in held or ():
            yield check["when_expr"]
            yield check["then_expr"]
    elif isinstance(held, list):
        yield from held
    elif held is not None:
        yield held


def _unresolved(expression: Node, scope: Scope) -> Flow:
    # DuckDB resolves references to positions, except below a table function with a row input
    binding = expression["binding"]
    columns = scope.bindings.get(binding["table_index"])
    if columns is None or expression.get("depth", 0) != 0:
        raise UnsupportedConstruct(f"reference to {expression.get('alias')} can't be resolved")
    return columns[binding["column_index"]]


def _through_function(expression: Node, flow: Flow) -> Flow:
    flow = flow.through(permitted(expression["name"]))
    kept = expression.get("function_data")
    if not kept:
        return flow
    for key, held in kept.items():
        # what a lambda captures stands among the call's operands; the references in its body count
        # from its own parameters
        for inner in _functions(held, may_refer=key == "lambda_expr"):
            flow = flow.through(inner)
    return flow


def permitted(function: str) -> str:
    """The name, unless the function's result has no lineage: then UnsupportedConstruct."""
    if function in REFUSED_FUNCTIONS:
        reason = REFUSED_FUNCTIONS[function]
        raise UnsupportedConstruct(f"function {function} is not supported: {reason}")
    return function


def _functions(held: Any, *, may_refer: bool) -> Iterator[str]:
    """The functions in an expression that a function keeps for itself (a lambda's body, the
    aggregate of list_aggregate). A reference where none may be is refused."""
    if isinstance(held, list):
        for one in held:
            yield from _functions(one, may_refer=may_refer)
    elif isinstance(held, dict):
        kind = held.get("expression_class")
        if kind in ("BOUND_REF", "BOUND_COLUMN_REF") and not may_refer:
            raise UnsupportedConstruct("a function that keeps a reference to a column for itself")
        if kind in ("BOUND_FUNCTION", "BOUND_AGGREGATE"):
            yield permitted(held["name"])
        for one in held.values():
            if isinstance(one, (dict, list)):
                yield from _functions(one, may_refer=may_refer)
