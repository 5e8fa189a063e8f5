"""What a condition that is true makes certain about the values it compares."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from expectations.policy.lineage.flow import Node
from expectations.policy.lineage.paths import Path, Token, fresh

# Casts between these keep different values apart, so equal after the cast is equal before it.
_INTEGERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"})
_BOOLEANS = {"t": "true", "true": "true", "f": "false", "false": "false"}
# A comparison of any of these kinds is not true where a side is null.
_NULL_REJECTING = frozenset(
    {
        "COMPARE_EQUAL",
        "COMPARE_NOTEQUAL",
        "COMPARE_LESSTHAN",
        "COMPARE_GREATERTHAN",
        "COMPARE_LESSTHANOREQUALTO",
        "COMPARE_GREATERTHANOREQUALTO",
    }
)


def where(path: Path, expressions: Iterable[Node]) -> list[Path]:
    """The path once every expression holds, over the path's columns."""
    paths = [path]
    for expression in conjuncts(expressions):
        paths = [further for one in paths for further in _holding(one, expression)]
    return paths


def compared(
    path: Path,
    left: Node,
    right: Node,
    comparison: str,
    columns: tuple[Sequence[Token], Sequence[Token]],
) -> list[Path]:
    """The path once the comparison of a value of one side with one of the other holds."""
    if comparison not in _NULL_REJECTING:
        return [path]
    sides = (_value(left, columns[0]), _value(right, columns[1]))
    paths = [path]
    for token in sides:
        if token is not None:
            paths = [further for one in paths for further in one.known(token)]
    if comparison != "COMPARE_EQUAL":
        return paths
    one, other = sides
    if one is not None and other is not None:
        return [path.equate(one, other) for path in paths]
    for token, constant in ((one, _constant(right)), (other, _constant(left))):
        if token is not None and constant is not None:
            paths = [replace(path, constants={**path.constants, token: constant}) for path in paths]
    return paths


def projected(path: Path, expressions: Sequence[Node]) -> Path:
    """The path with the expressions for columns: a reference keeps its value, a constant is known,
    anything else is a new value."""
    columns: list[Token] = []
    constants: dict[Token, str] = {}
    for expression in expressions:
        token = reference(expression, path.columns)
        if token is None:
            token = fresh()
            constant = _constant(expression)
            if constant is not None:
                constants[token] = constant
        columns.append(token)
    return replace(path, columns=tuple(columns), constants={**path.constants, **constants})


def reference(expression: Node, columns: Sequence[Token]) -> Token | None:
    """The value that a bare reference stands for."""
    if expression["expression_class"] == "BOUND_REF":
        return columns[expression["index"]]
    return None


def conjuncts(expressions: Iterable[Node]) -> Iterator[Node]:
    for expression in expressions:
        if expression.get("type") == "CONJUNCTION_AND":
            yield from conjuncts(expression["children"])
        else:
            yield expression


def _holding(path: Path, expression: Node) -> Iterator[Path]:
    kind = expression["expression_class"]
    if kind == "BOUND_COMPARISON":
        both = (path.columns, path.columns)
        yield from compared(path, expression["left"], expression["right"], expression["type"], both)
    elif expression["type"] == "OPERATOR_IS_NOT_NULL":
        token = _value(expression["children"][0], path.columns)
        yield from path.known(token) if token is not None else [path]
    elif kind == "BOUND_REF":
        token = path.columns[expression["index"]]
        for further in path.known(token, mark=True):
            yield _with_constant(further, token, "true")
    else:
        yield path


def _with_constant(path: Path, token: Token, value: str) -> Path:
    return replace(path, constants={**path.constants, token: value})


def _value(expression: Node, columns: Sequence[Token]) -> Token | None:
    """The value of a reference, also below a cast that keeps different values apart."""
    while expression["expression_class"] == "BOUND_CAST":
        kinds = {_type(expression), _type(expression["child"])}
        if len(kinds) > 1 and (expression.get("try_cast") or not kinds <= _INTEGERS):
            return None
        expression = expression["child"]
    return reference(expression, columns)


def _constant(expression: Node) -> str | None:
    """A constant as text; true and false for BOOLEAN, which SQL writes as text that is cast."""
    kind = _type(expression)
    while expression["expression_class"] == "BOUND_CAST":
        inner = expression["child"]
        kinds = {_type(expression), _type(inner)}
        if len(kinds) > 1 and not kinds <= _INTEGERS and kinds != {"VARCHAR", "BOOLEAN"}:
            return None
        expression = inner
    if expression["expression_class"] != "BOUND_CONSTANT" or expression["value"].get("is_null"):
        return None
    value = str(expression["value"].get("value"))
    return _BOOLEANS.get(value.lower()) if kind == "BOOLEAN" else value


def _type(expression: Node) -> str:
    if expression["expression_class"] == "BOUND_CONSTANT":
        return str(expression["value"]["type"]["id"])
    return str(expression.get("return_type", {}).get("id", "UNKNOWN"))
