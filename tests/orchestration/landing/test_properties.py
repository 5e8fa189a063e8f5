"""Properties of loading: counts add up, order and repetition do not matter, rules match an oracle.

The id spaces are small on purpose: two files and three keys find what two hundred hide.
"""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

settings_here = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

HEADER = ["order_id", "note", "status", "score", "amount", "paid", "born_on", "updated_at"]
LATEST = """
select * exclude (_loaded_at) from landing.shop_orders
qualify row_number() over (
    partition by order_id order by updated_at desc nulls last, _file_rank desc, _line desc
) = 1
order by order_id
"""
ALL_ROWS = "select * exclude (_loaded_at) from landing.shop_orders order by _file_rank, _line"
ALL_QUARANTINE = (
    "select * exclude (loaded_at, expires_at) from landing.quarantine order by file, line"
)
ALL_AUDIT = (
    "select file, digest, status, rows_in, rows_accepted, rows_quarantined "
    "from landing.load_audit order by file"
)


def check_reconciliation(zone, report) -> None:
    assert report.rows_in == report.rows_accepted + report.rows_quarantined
    audited = zone.rows(
        "select file, rows_accepted, rows_quarantined from landing.load_audit order by file"
    )
    stored = dict(zone.rows("select _file, count(*) from landing.shop_orders group by 1"))
    held = dict(zone.rows("select file, count(*) from landing.quarantine group by 1"))
    assert audited == [(file, stored.get(file, 0), held.get(file, 0)) for file, _, _ in audited]


bits = st.sampled_from(
    [
        *['"', '""', ",", "\n", "\r\n", "\r", "\0", "o1", "x", "{", "}", "[", ":", "\\u0000"],
        *["\ufeff", "é", "2026-01-01", "2026-01-01T00:00:00Z", "true", "3", '"a"'],
        *[",".join(HEADER), "o2,,open,,,,,\n", 'o3,"q\nr",open,,,,,\n', '{"order_id":"o1"}\n'],
    ]
)
soup = st.one_of(
    st.lists(bits, max_size=30).map(lambda parts: "".join(parts).encode()),
    st.binary(max_size=60),
    st.lists(bits, max_size=20).map(
        lambda parts: (",".join(HEADER) + "\n" + "".join(parts)).encode()
    ),
)


@settings_here
@given(contents=st.lists(st.tuples(st.sampled_from(["csv", "jsonl", "parquet"]), soup), max_size=4))
def test_rows_in_are_rows_accepted_plus_rows_quarantined_whatever_the_bytes(new_zone, contents):
    zone = new_zone()
    for number, (suffix, content) in enumerate(contents):
        zone.put(f"shop/orders-{number}.{suffix}", content)
    report = zone.load()
    assert len(report.files) == len(contents)
    check_reconciliation(zone, report)


records = st.builds(
    lambda key, note, score, day: f"{key},{note},open,{score},,,,{day}",
    st.sampled_from(["o1", "o2", ""]),
    st.sampled_from(["x", "y"]),
    st.sampled_from(["1", "9", ""]),
    st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "", "2026-01-01"]),
)
contents = st.lists(records, max_size=3).map(lambda rows: "\n".join([",".join(HEADER), *rows]))
names = st.sampled_from(
    ["shop/orders.csv", "shop/orders-2.csv", "shop/orders-10.csv", "shop/orders/part-1.csv"]
)


# Few contents for the names, so that copies and overlaps are the rule.
files_of_few_contents = st.lists(contents, min_size=1, max_size=2).flatmap(
    lambda few: st.dictionaries(names, st.sampled_from(few), min_size=1)
)


@settings_here
@given(files=files_of_few_contents, days=st.dictionaries(names, st.integers(0, 2)))
def test_the_order_in_which_files_arrive_changes_nothing(new_zone, files, days):
    at_once, in_turn = new_zone(), new_zone()
    for name, content in files.items():
        at_once.put(name, content)
    at_once.load()
    for day in range(3):
        for name, content in files.items():
            if days.get(name, 0) == day:
                in_turn.put(name, content)
        check_reconciliation(in_turn, in_turn.load(day))
    for query in (LATEST, ALL_ROWS, ALL_QUARANTINE, ALL_AUDIT):
        assert in_turn.rows(query) == at_once.rows(query)


@settings_here
@given(files=files_of_few_contents)
def test_loading_again_changes_nothing(new_zone, files):
    zone = new_zone()
    for name, content in files.items():
        zone.put(name, content)
    zone.load()
    before = [zone.rows(query) for query in (ALL_ROWS, ALL_QUARANTINE, ALL_AUDIT)]
    again = zone.load(day=1)
    assert (again.files, again.unchanged) == ((), len(files))
    assert [zone.rows(query) for query in (ALL_ROWS, ALL_QUARANTINE, ALL_AUDIT)] == before


@settings_here
@given(content=soup, suffix=st.sampled_from(["csv", "jsonl"]), size=st.integers(1, 40))
def test_where_a_block_of_bytes_ends_changes_nothing(new_zone, content, suffix, size):
    whole, in_blocks = new_zone(), new_zone()
    for zone in (whole, in_blocks):
        zone.put(f"shop/orders.{suffix}", content)
    whole.load()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("orchestration.landing.content.BLOCK_BYTES", size)
        in_blocks.load()
    for query in (ALL_ROWS, ALL_QUARANTINE, ALL_AUDIT):
        assert in_blocks.rows(query) == whole.rows(query)


any_character = st.characters(codec="utf-8", exclude_characters="\0")
notes = st.text(st.one_of(st.sampled_from(",\"\n\r' \u2028é"), any_character), max_size=8)


@settings_here
@given(
    values=st.lists(notes, min_size=1, max_size=6),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_csv_written_by_another_library_is_read_value_by_value(new_zone, values, quoting, end):
    zone = new_zone()
    sink = io.StringIO()
    writer = csv.writer(sink, quoting=quoting, lineterminator=end)
    lines = []
    writer.writerow(HEADER)
    for number, value in enumerate(values):
        lines.append(sink.getvalue().count("\n") + 1)
        writer.writerow([f"o{number}", value, "open", "", "", "", "", ""])
    zone.put("shop/orders.csv", sink.getvalue())
    zone.load()
    assert zone.quarantined() == []
    assert zone.rows("select note, _line from landing.shop_orders order by _line") == [
        (value or None, line) for value, line in zip(values, lines, strict=True)
    ]


number = st.integers(0, 70).map(lambda n: f"{n:02d}")
days = st.builds(
    "{}-{}-{}".format,
    st.sampled_from(["0000", "0999", "1000", "1999", "2024", "9999", "10000", "26"]),
    st.one_of(st.sampled_from(["01", "02", "2", "12", "13"]), number),
    st.one_of(st.sampled_from(["01", "1", "28", "29", "30", "31"]), number),
)
times = st.builds(
    lambda day, t, hour, minute, second, offset: f"{day}{t}{hour}:{minute}{second}{offset}",
    days,
    st.sampled_from(["T", " ", "t", ""]),
    number,
    number,
    st.one_of(st.sampled_from(["", ":00", ":59.5", ":00.123456", ":60", ":00,5", ":00.", ":"])),
    st.sampled_from(["Z", "+00:00", "-0530", "+14", "+24:00", "+01:60", "", "z", " Z", "UTC"]),
)
numbers = st.from_regex(r"\A[+-]?[0-9]{0,20}(\.[0-9]{0,4})?(e[0-9])?\Z")
texts = st.one_of(
    days,
    times,
    numbers,
    st.sampled_from(["true", "F", "YES", "no", "1", "0", "on", "infinity", "today", "٣", "1_0"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6),
)


def as_date(text: str) -> date | None:
    if re.fullmatch(r"[1-9]\d{3}-\d\d-\d\d", text, re.ASCII) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def as_instant(text: str) -> datetime | None:
    shape = r"[1-9]\d{3}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)"
    offset = re.search(r"[+-]\d\d:?([6-9]\d)\Z", text, re.ASCII)
    if re.fullmatch(shape, text, re.ASCII) is None or offset is not None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def as_integer(text: str) -> int | None:
    if re.fullmatch(r"[+-]?\d{1,18}(\.0*)?", text, re.ASCII) is None:
        return None
    value = int(Decimal(text))
    return value if 1 <= value <= 5 else None


def as_amount(text: str) -> Decimal | None:
    if re.fullmatch(r"[+-]?\d+(\.\d*)?", text, re.ASCII) is None:
        return None
    value = Decimal(text)
    return value if value == round(value, 2) and abs(value) < 10**16 else None


def as_boolean(text: str) -> bool | None:
    words = {"true": True, "t": True, "yes": True, "1": True}
    words |= {"false": False, "f": False, "no": False, "0": False}
    return words.get(text.lower()) if text.isascii() else None


ORACLES: list[tuple[str, Callable[[str], object | None]]] = [
    ("born_on", as_date),
    ("updated_at", as_instant),
    ("score", as_integer),
    ("amount", as_amount),
    ("paid", as_boolean),
]


@pytest.mark.parametrize(("column", "oracle"), ORACLES)
@settings_here
@given(values=st.lists(texts, min_size=1, max_size=40))
def test_a_value_is_accepted_exactly_where_an_independent_reading_accepts_it(
    new_zone, column, oracle, values
):
    zone = new_zone()
    lines = [json.dumps({"order_id": str(i), column: value}) for i, value in enumerate(values)]
    zone.put("shop/orders.jsonl", "\n".join(lines))
    zone.load()
    shown = f"epoch_us({column})" if column == "updated_at" else column
    found = dict(zone.rows(f"select order_id::integer, {shown} from landing.shop_orders"))
    expected = {}
    for i, value in enumerate(values):
        read = oracle(value.strip(" "))
        if isinstance(read, datetime):
            read = round((read - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
        if read is not None or not value.strip(" "):
            expected[i] = read
    assert found == expected
