"""The contract's rules as SQL: text to typed values, and the first rule that a record breaks.

A value is judged by its text form, the same for every format. An empty text is null. Blanks around
a value are taken off unless the column is text, which is kept as it came.
"""

from collections.abc import Callable
from dataclasses import dataclass

from orchestration.landing.contract import ColumnContract, EntityContract
from orchestration.warehouse import quote

_DATE = r"[1-9]\d{3}-\d{2}-\d{2}"
_TIME = r"([01]\d|2[0-3]):[0-5]\d"
_SECONDS = r":[0-5]\d(\.\d{1,9})?"
_OFFSET = r"(Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)"
_LOCAL_TIMESTAMP = rf"{_DATE}[T ]{_TIME}({_SECONDS})?"
_BOOLEANS = {"true": ("true", "t", "yes", "1"), "false": ("false", "f", "no", "0")}


@dataclass(frozen=True)
class Rule:
    """One thing a record can break: `condition` is SQL over the text and the typed columns."""

    field: str
    reason: str
    detail: str
    condition: str


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def text_name(column: ColumnContract) -> str:
    """Identifier of the column's text form in the checked batch."""
    return quote(f"_text_{column.name}")


def typed(column: ColumnContract) -> str:
    """SQL that turns the column's text into its type, or null where it is none of that type."""
    text = text_name(column)
    return _CASTS[column.data_type.split("(")[0]](text, column.data_type)


def rules_of(contract: EntityContract) -> list[Rule]:
    """Every rule of an entity, in the order in which the first broken one is reported."""
    return [rule for column in contract.columns for rule in _column_rules(contract, column)]


def _column_rules(contract: EntityContract, column: ColumnContract) -> list[Rule]:
    name, text, value = column.name, text_name(column), quote(column.name)
    rules = []
    if column.required:
        rules.append(
            Rule(name, "missing_required", "has no value", f"coalesce(trim({text}), '') = ''")
        )
    if column.data_type == "varchar":
        rules.append(Rule(name, "nul_byte", "holds a NUL character", f"contains({text}, chr(0))"))
        if name in contract.key:
            # A key names what is decided about, and the decision log's form refuses these.
            condition = f"regexp_matches({text}, '[[:cntrl:]]')"
            rules.append(Rule(name, "control_character", "holds a control character", condition))
    else:
        rules += _type_rules(column)
    if column.values:
        is_event_type = contract.envelope == "cloudevents" and column.path == "type"
        reason = "unknown_event_type" if is_event_type else "not_allowed"
        allowed = ", ".join(literal(allowed) for allowed in column.values)
        detail = f"is none of {', '.join(column.values)}"
        rules.append(Rule(name, reason, detail, f"{value} not in ({allowed})"))
    for bound, sign, word in ((column.minimum, "<", "below"), (column.maximum, ">", "above")):
        if bound is not None:
            condition = f"{value} {sign} cast({literal(bound)} as {column.data_type})"
            rules.append(Rule(name, "out_of_range", f"is {word} {bound}", condition))
    for other, trigger in column.no_wildcard_when:
        condition = f"{value} = '*' and {quote(other)} = {literal(trigger)}"
        detail = f"a '*' may restrict, never permit: name it where {other} is {trigger}"
        rules.append(Rule(name, "wildcard_grant", detail, condition))
    return rules


def _type_rules(column: ColumnContract) -> list[Rule]:
    text, value = text_name(column), quote(column.name)
    unread = f"{text} is not null and {value} is null"
    if column.data_type == "timestamptz":
        without_offset = f"{unread} and {_matches(text, _LOCAL_TIMESTAMP)}"
        return [
            Rule(column.name, "missing_offset", "is a time without its UTC offset", without_offset),
            Rule(column.name, "unparseable_timestamp", "is no ISO 8601 time with offset", unread),
        ]
    if column.data_type == "date":
        return [Rule(column.name, "unparseable_date", "is no ISO 8601 date", unread)]
    return [Rule(column.name, "wrong_type", f"is no {column.data_type}", unread)]


def _matches(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {literal(pattern)})"


def _varchar(text: str, _: str) -> str:
    return text


def _date(text: str, _: str) -> str:
    return f"case when {_matches(text, _DATE)} then try_cast({text} as date) end"


def _timestamptz(text: str, _: str) -> str:
    # DuckDB wants seconds, which ISO 8601 lets one leave out, and reads hour 24 and year 10000.
    full = _matches(text, rf"{_DATE}[T ]{_TIME}{_SECONDS}{_OFFSET}")
    short = _matches(text, rf"{_DATE}[T ]{_TIME}{_OFFSET}")
    filled = f"{text}[1:16] || ':00' || {text}[17:]"
    read = f"try_cast(case when {full} then {text} when {short} then {filled} end as timestamptz)"
    return f"case when {read} < timestamptz '10000-01-01 00:00:00+00' then {read} end"


def _boolean(text: str, _: str) -> str:
    branches = " ".join(
        f"when lower({text}) in ({', '.join(literal(word) for word in words)}) then {value}"
        for value, words in _BOOLEANS.items()
    )
    return f"case {branches} end"


def _integer(text: str, data_type: str) -> str:
    # `5.0` is how tools write an integer column that has gaps.
    matches = _matches(text, r"[+-]?\d{1,18}(\.0*)?")
    return f"case when {matches} then try_cast({text} as {data_type}) end"


def _decimal(text: str, data_type: str) -> str:
    # A cast would round what has more places than the type; money is not rounded on its way in.
    places = int(data_type.rstrip(")").split(",")[1])
    matches = _matches(text, rf"[+-]?\d+(\.\d{{0,{places}}}0*)?")
    return f"case when {matches} then try_cast({text} as {data_type}) end"


_CASTS: dict[str, Callable[[str, str], str]] = {
    "varchar": _varchar,
    "date": _date,
    "timestamptz": _timestamptz,
    "boolean": _boolean,
    "integer": _integer,
    "bigint": _integer,
    "decimal": _decimal,
}
