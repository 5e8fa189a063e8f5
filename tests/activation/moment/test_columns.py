"""A value read out of a column's buffers is the one that Arrow gives."""

import string
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation.moment.columns import value_reader
from activation.moment.read_copy import SortedTable

INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
KINDS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.string(), st.text()),
    (pa.large_string(), st.text()),
    (pa.bool_(), st.booleans()),
    (pa.int8(), st.integers(-(2**7), 2**7 - 1)),
    (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    (pa.uint64(), st.integers(0, 2**64 - 1)),
    (pa.date32(), st.dates(date(1900, 1, 1), date(2200, 1, 1))),
    (pa.timestamp("us", tz="Etc/UTC"), INSTANTS),
    (pa.timestamp("us", tz="Europe/London"), INSTANTS),
    (pa.decimal128(18, 2), st.decimals(-(10**9), 10**9, places=2)),
    (pa.float64(), st.floats(allow_nan=False)),
]


@pytest.mark.parametrize(("kind", "values"), KINDS, ids=[str(kind) for kind, _ in KINDS])
@settings(deadline=None)
@given(data=st.data())
def test_every_value_and_null_of_every_type_and_slice(
    kind: pa.DataType, values: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    given_values = data.draw(st.lists(st.none() | values, min_size=1, max_size=30))
    start = data.draw(st.integers(0, len(given_values) - 1))
    whole = pa.array(given_values, kind)
    [sent] = pa.ipc.open_stream(_stream(whole)).read_all().column(0).chunks
    for column in (whole, sent, whole.slice(start), sent.slice(start)):
        read = value_reader(column)
        assert [read(row) for row in range(len(column))] == column.to_pylist()


def test_an_instant_of_another_zone_is_written_in_utc() -> None:
    column = pa.array([datetime(2026, 7, 1, 12, tzinfo=UTC)], pa.timestamp("us", tz="Asia/Tokyo"))
    assert str(value_reader(column)(0)) == "2026-07-01 12:00:00+00:00"


@settings(deadline=None)
@given(
    keys=st.lists(st.text(string.printable + "é€😀", max_size=3), max_size=300),
    absent=st.lists(st.text(string.printable + "é€😀", max_size=3), max_size=20),
    size=st.integers(1, 200),
)
def test_every_key_finds_its_rows_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str], absent: list[str], size: int
) -> None:
    table = _sorted_table(tmp_path_factory.getbasetemp() / "keys.arrow", sorted(keys), size)
    assert len(table) == len(keys)
    for key in {*keys, *absent}:
        wanted = [number for number, one in enumerate(sorted(keys)) if one == key]
        assert [row["number"] for row in table.rows(key)] == wanted
        assert table.rows(key, ("key",)) == [{"key": key} for _ in wanted]
        assert table.position(key) == sum(one < key for one in keys)


def test_keys_are_found_over_many_marks_and_parts(tmp_path: Path) -> None:
    keys = sorted(f"p_{number // 3}" for number in range(2_000))
    table = _sorted_table(tmp_path / "keys.arrow", keys, 301)
    for key in {*keys, "", "p_", "p_1x", "q"}:
        assert len(table.rows(key)) == keys.count(key)
        assert table.position(key) == sum(one < key for one in keys)


def _sorted_table(path: Path, keys: list[str], size: int) -> SortedTable:
    table = pa.table({"key": pa.array(keys, pa.string()), "number": range(len(keys))})
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=size)
    return SortedTable(path)


def _stream(column: pa.Array) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    batch = pa.record_batch([column], ["value"])
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def test_a_decimal_is_read_as_arrow_reads_it() -> None:
    column = pa.array([Decimal("1.50"), None], pa.decimal128(18, 2))
    assert [value_reader(column)(row) for row in (0, 1)] == [Decimal("1.50"), None]
