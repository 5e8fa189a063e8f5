"""A row by itself is checked and written as it would be in a batch."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from activation.log import RowRefused, canonical
from activation.log.rows import GIVEN_SCHEMA, INSTANT, NEVER_NULL, to_text
from activation.log.single_rows import SCHEMA, encode

ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), UTC])
INSTANTS = st.datetimes(datetime(1900, 1, 2), datetime(2200, 1, 1), timezones=ZONES)  # noqa: DTZ001
TEXTS = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=8), max_size=6)
CONTEXTS = st.dictionaries(TEXTS, TEXTS | st.integers(), max_size=2).map(json.dumps) | TEXTS


def values(name: str, kind: pa.DataType) -> st.SearchStrategy[Any]:
    """Mostly good values of a column, and some that can't be sealed."""
    if kind == INSTANT:
        return INSTANTS
    if pa.types.is_integer(kind):
        return st.none() | st.integers(-(2**31), 2**31)
    if name == "context":
        return CONTEXTS
    return TEXTS if name in NEVER_NULL else st.none() | TEXTS


ROWS = st.fixed_dictionaries({field.name: values(field.name, field.type) for field in GIVEN_SCHEMA})


def in_a_batch(rows: list[dict[str, Any]]) -> list[dict[str, str | None]] | None:
    """The rows as a batch writes them; None when it refuses them."""
    try:
        text = to_text(pa.Table.from_pylist(rows, GIVEN_SCHEMA))
        canonical.check_text(text)
    except (RowRefused, pa.ArrowInvalid, OverflowError, UnicodeEncodeError):
        return None
    return list(text.select(SCHEMA.names).to_pylist())


@settings(max_examples=300, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=3))
def test_a_row_alone_is_refused_or_written_as_in_a_batch(rows: list[dict[str, Any]]) -> None:
    wanted = in_a_batch(rows)
    event("refused" if wanted is None else "written")
    try:
        encoded = encode(rows)
    except RowRefused:
        assert wanted is None
    else:
        assert [dict(zip(SCHEMA.names, json.loads(row), strict=True)) for row in encoded] == wanted


@settings(deadline=None)
@given(ROWS, st.sampled_from(GIVEN_SCHEMA.names), st.sampled_from([1, True, 1.5, b"x", "x", []]))
def test_a_value_of_another_type_is_refused(row: dict[str, Any], name: str, value: object) -> None:
    kind = GIVEN_SCHEMA.field(name).type
    fits = type(value) is int if pa.types.is_integer(kind) else type(value) is str
    if kind == INSTANT or not fits:
        with pytest.raises(RowRefused):
            encode([row | {name: value}])
