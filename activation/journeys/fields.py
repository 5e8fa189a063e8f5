"""The types a journey field may have, and the warehouse types each one accepts.

A journey names its fields with a type so that a condition is checked when the file is read, not
when a night's run meets a value it cannot compare. There is no floating-point type: its text
differs between engines, and the text is what the decision log commits to.
"""

import re
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class FieldType(StrEnum):
    """Type of one field of a context, as a journey declares it."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"


_WAREHOUSE_TYPE = {
    FieldType.TEXT: re.compile(r"VARCHAR"),
    FieldType.INTEGER: re.compile(r"U?(TINYINT|SMALLINT|INTEGER|BIGINT)"),
    FieldType.DECIMAL: re.compile(r"DECIMAL\(\d+,\d+\)"),
    FieldType.BOOLEAN: re.compile(r"BOOLEAN"),
    FieldType.DATE: re.compile(r"DATE"),
    FieldType.INSTANT: re.compile(r"TIMESTAMP WITH TIME ZONE"),
}

#: Warehouse type used where a table of examples is made from a journey alone.
EXAMPLE_TYPE = {
    FieldType.TEXT: "varchar",
    FieldType.INTEGER: "bigint",
    FieldType.DECIMAL: "decimal(18, 2)",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATE: "date",
    FieldType.INSTANT: "timestamp with time zone",
}

_PYTHON_TYPE: dict[FieldType, tuple[type, ...]] = {
    FieldType.TEXT: (str,),
    FieldType.INTEGER: (int,),
    FieldType.DECIMAL: (int, Decimal),
    FieldType.BOOLEAN: (bool,),
    FieldType.DATE: (date,),
    FieldType.INSTANT: (datetime,),
}


def accepts_warehouse_type(field_type: FieldType, warehouse_type: str) -> bool:
    """Whether a column of `warehouse_type` (as DuckDB prints it) may back a field."""
    return _WAREHOUSE_TYPE[field_type].fullmatch(warehouse_type) is not None


def accepts_value(field_type: FieldType, value: object) -> bool:
    """Whether a Python value may stand for the field; None always may."""
    if value is None:
        return True
    if isinstance(value, bool):
        return field_type is FieldType.BOOLEAN
    if isinstance(value, datetime):
        return field_type is FieldType.INSTANT and value.tzinfo is not None
    return isinstance(value, _PYTHON_TYPE[field_type])
