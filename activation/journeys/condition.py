"""The `when` of a journey: one SQL boolean over the journey's fields, and nothing else.

A condition is written by marketing and runs inside the warehouse, so it is refused unless every
part of it is known to be harmless: first the characters, then the exact class and the arguments
of each node of the parsed tree, then the types. No function, subquery, arithmetic or free cast is
on the list; with none of these a condition cannot read anything, fail at run time, or overflow.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from activation.journeys.evaluation import Truth, compiled
from activation.journeys.fields import FieldType

MAXIMUM_LENGTH = 2_000
MAXIMUM_NESTING = 40

_OUTSIDE_TEXT = re.compile(r"[A-Za-z0-9_ \n(),.<>=!-]*")
_TEXT_LITERAL = re.compile(r"'[^']*'")
_NESTING = re.compile(r"\(|\bnot\b", re.IGNORECASE)
_INTEGER = re.compile(r"[0-9]{1,9}")
_DECIMAL = re.compile(r"[0-9]{1,9}\.[0-9]{1,6}")

_COMPARISONS: tuple[type[exp.Expr], ...] = (
    exp.EQ,
    exp.NEQ,
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
)
_ARGUMENTS: dict[type[exp.Expr], set[str]] = {
    exp.And: {"this", "expression"},
    exp.Or: {"this", "expression"},
    exp.Not: {"this"},
    exp.Paren: {"this"},
    **{comparison: {"this", "expression"} for comparison in _COMPARISONS},
    exp.Between: {"this", "low", "high"},
    exp.In: {"this", "expressions"},
    exp.Is: {"this", "expression"},
    exp.Column: {"this"},
    exp.Identifier: {"this"},
    exp.Literal: {"this", "is_string"},
    exp.Boolean: {"this"},
    exp.Null: set(),
    exp.Neg: {"this"},
    exp.Cast: {"this", "to"},
    exp.DataType: {"this"},
}
_NUMBERS = {FieldType.INTEGER, FieldType.DECIMAL}


class ConditionError(ValueError):
    """A condition that may not run. `fix` says what to write instead."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


@dataclass(frozen=True)
class Condition:
    """A condition that passed every check, ready to be rendered or evaluated."""

    expression: exp.Expr
    fields: frozenset[str]

    @cached_property
    def truth(self) -> Truth:
        """The condition in plain Python; see `evaluation.holds`."""
        return compiled(self.expression)

    def sql(self, column: Callable[[str], str]) -> str:
        """DuckDB text of the condition; `column` gives the quoted SQL of a field.

        The text is made again from the checked tree, so what runs is what was checked.
        """

        def replace(node: exp.Expr) -> exp.Expr:
            if isinstance(node, exp.Column):
                return exp.maybe_parse(column(node.name), into=exp.Column, dialect="duckdb")
            return node

        return self.expression.transform(replace).sql(dialect="duckdb", normalize_functions=False)


def parse_condition(text: str, fields: Mapping[str, FieldType]) -> Condition:
    """Check a `when` against the fields it may read.

    Raises ConditionError when any character, node, field or type is not on the allow-list.
    """
    _check_characters(text)
    try:
        statements = sqlglot.parse(text, dialect="duckdb")
    except (SqlglotError, RecursionError) as error:
        raise ConditionError(
            "the condition is not one SQL boolean expression",
            "compare fields with values and join the comparisons by and, or, not",
        ) from error
    if len(statements) != 1 or statements[0] is None:
        raise ConditionError("the condition must be one expression", "write a single boolean")
    expression = statements[0]
    _check_nodes(expression)
    _check_boolean(expression, fields)
    names = frozenset(column.name for column in expression.find_all(exp.Column))
    if not names:
        raise ConditionError("the condition reads no field", "compare at least one field")
    return Condition(expression, names)


def _check_characters(text: str) -> None:
    if len(text) > MAXIMUM_LENGTH:
        raise ConditionError(
            f"the condition is longer than {MAXIMUM_LENGTH} characters",
            "move part of it into a column of the context",
        )
    if text != unicodedata.normalize("NFC", text):
        raise ConditionError("the condition is not in Unicode form NFC", "type the accents anew")
    for literal in _TEXT_LITERAL.findall(text):
        if not literal.isprintable() or "\\" in literal:
            raise ConditionError(
                "a text value holds a control character or a backslash", "use printable text"
            )
    outside = _TEXT_LITERAL.sub(" ", text)
    if not _OUTSIDE_TEXT.fullmatch(outside) or "--" in outside:
        raise ConditionError(
            "the condition holds a character that is not allowed outside a text value",
            "use letters, digits, ( ) , . and = <> < <= > >= only; no comment, no quoted name",
        )
    if len(_NESTING.findall(outside)) > MAXIMUM_NESTING:
        raise ConditionError(
            f"the condition has more than {MAXIMUM_NESTING} parentheses and nots",
            "move part of it into a column of the context",
        )


def _check_nodes(expression: exp.Expr) -> None:
    for node in expression.walk():
        allowed = _ARGUMENTS.get(type(node))
        if allowed is None:
            raise ConditionError(
                f"{type(node).__name__} is not allowed in a condition",
                "use comparisons, between, in (...), is null, is true, and, or, not",
            )
        given = {
            name
            for name, value in node.args.items()
            if value is not None and value is not False and value != []
        }
        if isinstance(node, exp.Literal):
            given.add("is_string")
        if node.comments or not given <= allowed:
            raise ConditionError(
                f"this form of {type(node).__name__} is not allowed", "write the plain form"
            )


def _check_boolean(node: exp.Expr, fields: Mapping[str, FieldType]) -> None:
    if isinstance(node, exp.And | exp.Or):
        _check_boolean(node.this, fields)
        _check_boolean(node.expression, fields)
    elif isinstance(node, exp.Not | exp.Paren):
        _check_boolean(node.this, fields)
    elif isinstance(node, exp.Column):
        if _field_type(node, fields) is not FieldType.BOOLEAN:
            raise ConditionError(
                f"the field {node.name} is not a boolean", "compare it with a value"
            )
    elif isinstance(node, _COMPARISONS):
        _check_comparable(node.this, [node.expression], fields)
    elif isinstance(node, exp.Between):
        _check_comparable(node.this, [node.args["low"], node.args["high"]], fields)
    elif isinstance(node, exp.In):
        if not node.expressions:
            raise ConditionError("in (...) has no values", "list the values")
        _check_comparable(node.this, node.expressions, fields)
    elif isinstance(node, exp.Is):
        _check_is(node, fields)
    else:
        raise ConditionError(
            f"{type(node).__name__} is not a condition", "compare a field with a value"
        )


def _check_is(node: exp.Is, fields: Mapping[str, FieldType]) -> None:
    field_type = _field_type(node.this, fields)
    if isinstance(node.expression, exp.Null):
        return
    if not isinstance(node.expression, exp.Boolean) or field_type is not FieldType.BOOLEAN:
        raise ConditionError(
            "only `is null`, and `is true` or `is false` on a boolean, are allowed",
            "use = for other values",
        )


def _check_comparable(
    field: exp.Expr, others: list[exp.Expr], fields: Mapping[str, FieldType]
) -> None:
    expected = _field_type(field, fields)
    for other in others:
        found = _operand_type(other, fields)
        if found is expected or (expected is FieldType.DECIMAL and found in _NUMBERS):
            continue
        raise ConditionError(
            f"a field of type {expected} is compared with a value of type {found}",
            "compare like with like; a date is written date '2026-01-31'",
        )


def _field_type(node: exp.Expr, fields: Mapping[str, FieldType]) -> FieldType:
    if not isinstance(node, exp.Column):
        raise ConditionError(
            "the left side of a comparison is not a field", "write the field first, then the value"
        )
    if node.name not in fields:
        raise ConditionError(
            "the condition reads a name that is not one of the journey's fields",
            f"use one of: {', '.join(fields)}",
        )
    return fields[node.name]


def _operand_type(node: exp.Expr, fields: Mapping[str, FieldType]) -> FieldType:
    if isinstance(node, exp.Column):
        return _field_type(node, fields)
    if isinstance(node, exp.Boolean):
        return FieldType.BOOLEAN
    if isinstance(node, exp.Cast):
        return _date_type(node)
    if isinstance(node, exp.Neg):
        node = node.this
        if isinstance(node, exp.Literal) and node.is_string:
            raise ConditionError("a text value has no sign", "remove the minus")
    if isinstance(node, exp.Literal):
        if node.is_string:
            return FieldType.TEXT
        if _INTEGER.fullmatch(node.name):
            return FieldType.INTEGER
        if _DECIMAL.fullmatch(node.name):
            return FieldType.DECIMAL
        raise ConditionError(
            "a number has too many digits or an exponent",
            "use at most nine digits before and six after the point",
        )
    raise ConditionError(
        f"{type(node).__name__} is not a value", "compare with a value or another field"
    )


def _date_type(node: exp.Cast) -> FieldType:
    literal, target = node.this, node.args["to"]
    if target.this is not exp.DataType.Type.DATE or not isinstance(literal, exp.Literal):
        raise ConditionError("this cast is not allowed", "write a date as date '2026-01-31'")
    try:
        date.fromisoformat(literal.name)
    except ValueError as error:
        raise ConditionError("a date does not exist", "write it as date '2026-01-31'") from error
    if not literal.is_string or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", literal.name, re.ASCII):
        raise ConditionError("a date is not in ISO form", "write it as date '2026-01-31'")
    return FieldType.DATE
