"""Evaluate a checked condition in plain Python, with SQL's three-valued logic.

This is the oracle beside the compiled SQL, and the form for one person at a time.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

from activation.journeys.condition import Condition, literal_value

_OPERATORS: dict[type[exp.Expr], Callable[[Any, Any], bool]] = {
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
}


def holds(condition: Condition, values: Mapping[str, object]) -> bool:
    """Whether the condition is true of the values; unknown counts as not."""
    return _truth(condition.expression, values) is True


def _truth(node: exp.Expr, values: Mapping[str, object]) -> bool | None:
    if isinstance(node, exp.Paren):
        return _truth(node.this, values)
    if isinstance(node, exp.Not):
        inner = _truth(node.this, values)
        return None if inner is None else not inner
    if isinstance(node, exp.And | exp.Or):
        return _connect(node, _truth(node.this, values), _truth(node.expression, values))
    if isinstance(node, exp.Is):
        wanted = None if isinstance(node.expression, exp.Null) else node.expression.this
        return values[node.this.name] is wanted
    if isinstance(node, exp.Between):
        low = _compare(operator.ge, node.this, node.args["low"], values)
        high = _compare(operator.le, node.this, node.args["high"], values)
        return _all([low, high])
    if isinstance(node, exp.In):
        found = [_compare(operator.eq, node.this, other, values) for other in node.expressions]
        return _any(found)
    if isinstance(node, exp.Column):
        value = values[node.name]
        return None if value is None else bool(value)
    return _compare(_OPERATORS[type(node)], node.this, node.expression, values)


def _connect(node: exp.Expr, left: bool | None, right: bool | None) -> bool | None:
    return _all([left, right]) if isinstance(node, exp.And) else _any([left, right])


def _all(parts: list[bool | None]) -> bool | None:
    if False in parts:
        return False
    return None if None in parts else True


def _any(parts: list[bool | None]) -> bool | None:
    if True in parts:
        return True
    return None if None in parts else False


def _compare(
    compare: Callable[[Any, Any], bool],
    left: exp.Expr,
    right: exp.Expr,
    values: Mapping[str, object],
) -> bool | None:
    first, second = _value(left, values), _value(right, values)
    if first is None or second is None:
        return None
    return compare(first, second)


def _value(node: exp.Expr, values: Mapping[str, object]) -> object:
    return values[node.name] if isinstance(node, exp.Column) else literal_value(node)
