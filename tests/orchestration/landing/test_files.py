"""Names, formats, copies and damage of files."""

import gzip
import io
import os
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.landing import load
from orchestration.landing.files import file_rank

HEADER = "order_id,note,status,score,amount,paid,born_on,updated_at"
FULL = {
    "order_id": ["0042"],
    "note": ["n"],
    "status": ["open"],
    "score": [3],
    "amount": [1.5],
    "paid": [True],
    "born_on": ["1990-02-28"],
    "updated_at": ["2026-01-02T03:04:05+00:00"],
}


def order(key: str) -> str:
    return f"{key},n,open,3,1.50,true,1990-02-28,2026-01-02T03:04:05+00:00"


def parquet(columns: dict[str, object]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("shop/orders.csv", True),
        ("shop/orders.CSV", True),
        ("shop/orders-2026-11-20.csv", True),
        ("shop/orders.part2.csv", True),
        ("shop/orders_2.csv", True),
        ("shop/orders/part-0.csv", True),
        ("shop/orders/2026/11/20.csv", True),
        ("shop/orders_history.csv", False),
        ("shop/ordersold.csv", False),
        ("shop/parcels.csv", False),
        ("bakery/orders.csv", False),
        ("orders.csv", False),
        ("README.md", False),
    ],
)
def test_a_files_name_says_which_entity_it_belongs_to(zone, name, known):
    zone.orders(order("o1"), name=name)
    report = zone.load()
    assert [file.status for file in report.files] == ["loaded" if known else "unknown_entity"]
    assert zone.rows("select file, status from landing.load_audit") == [
        (name, "loaded" if known else "unknown_entity")
    ]
    assert (report.files[0].message is None) is known


def test_files_that_are_still_being_copied_are_left_alone(zone):
    zone.orders(order("o1"), name="shop/.orders.csv.x7")
    zone.orders(order("o1"), name=".tmp/shop/orders.csv")
    assert zone.load().files == ()


def test_every_format_yields_the_same_row_and_keeps_leading_zeros(zone):
    row = "0042,n,open,3,1.50,true,1990-02-28,2026-01-02T03:04:05+00:00"
    text = (
        '{"order_id": "0042", "note": "n", "status": "open", "score": 3, "amount": 1.50, '
        '"paid": true, "born_on": "1990-02-28", "updated_at": "2026-01-02T03:04:05Z", "extra": ""}'
    )
    zone.put("shop/orders-a.csv", f"\ufeff{HEADER}\r\n{row}\r\n")
    zone.put("shop/orders-b.csv.gz", gzip.compress(f"{HEADER}\n{row}".encode()))
    zone.put("shop/orders-c.jsonl", text)
    zone.put("shop/orders-d.jsonl.gz", gzip.compress(text.encode()))
    zone.put("shop/orders-e.parquet", parquet(FULL))
    zone.put("shop/orders-f.parquet.gz", gzip.compress(parquet(FULL)))
    assert {file.status for file in zone.load().files} == {"loaded"}
    found = zone.rows(
        "select distinct order_id, note, status, score, amount::varchar, paid, born_on::varchar, "
        "updated_at::varchar, extra, count(*) over () from landing.shop_orders"
    )
    assert found == [
        ("0042", "n", "open", 3, "1.50", True, "1990-02-28", "2026-01-02 03:04:05+00", None, 6)
    ]


def test_an_integer_column_of_parquet_cannot_hold_a_text_identifier(zone):
    zone.put("shop/orders.parquet", parquet({**FULL, "order_id": [42]}))
    zone.orders(order("o1"))
    failed = zone.load().with_status("failed")
    assert [file.file for file in failed] == ["shop/orders.parquet"]
    assert "order_id" in failed[0].message
    assert "string" in failed[0].message


def test_an_events_data_in_parquet_may_be_a_struct(zone):
    columns = {
        "id": ["v1"],
        "type": ["com.shop.visit"],
        "time": pa.array([0], pa.timestamp("us", "UTC")),
        "data": [{"account_id": "007"}],
    }
    zone.put("shop/visits.parquet", parquet(columns))
    zone.load()
    assert zone.rows("select event_id, account_id from landing.shop_visits") == [("v1", "007")]


def test_the_line_is_the_physical_line_at_which_a_record_begins(zone):
    zone.orders(
        order("o1"), "", order("o2").replace(",n,", ',"two\nlines, ""quoted""",'), order("o3")
    )
    zone.load()
    assert zone.rows("select order_id, _line, note from landing.shop_orders order by _line") == [
        ("o1", 2, "n"),
        ("o2", 4, 'two\nlines, "quoted"'),
        ("o3", 6, "n"),
    ]


def test_a_missing_required_column_fails_the_file_by_name_and_nothing_else(zone):
    zone.put("shop/orders.csv", "order_id,note\no1,n\no2\n")
    zone.orders(order("o3"), name="shop/orders-2.csv")
    report = zone.load()
    [failed] = report.with_status("failed")
    assert failed.message.startswith("shop/orders.csv: required column missing: status")
    assert (failed.rows_in, failed.rows_accepted, failed.rows_quarantined) == (2, 0, 2)
    assert zone.quarantined() == [(2, "status", "missing_column"), (3, None, "malformed_line")]
    assert zone.rows("select order_id from landing.shop_orders") == [("o3",)]


def test_a_json_file_in_which_no_record_names_the_key_fails_by_name(zone):
    zone.put("shop/orders.jsonl", '{"note": "a"}\n{"note": "b"}\n')
    [failed] = zone.load().with_status("failed")
    assert "order_id" in failed.message
    assert (failed.rows_in, failed.rows_quarantined) == (2, 2)


def test_a_file_without_a_header_row_puts_no_value_into_its_message(zone):
    zone.put("shop/orders.csv", "o1,Canary.Person@example.com\no2,x\n")
    report = zone.load()
    assert report.with_status("failed")
    assert "Canary" not in repr(report)


def test_an_unannounced_column_is_reported_and_not_loaded(zone):
    zone.put("shop/orders.csv", f"{HEADER},loyalty_tier\n{order('o1')},gold\n")
    zone.put("shop/orders.jsonl", '{"order_id": "o2", "loyalty_tier": 1, "Jo@example.com": 2}\n')
    report = zone.load()
    assert report.unannounced_columns == {
        "shop/orders.csv": ("loyalty_tier",),
        "shop/orders.jsonl": ("loyalty_tier", "(1 of unusual form)"),
    }
    assert report.rows_accepted == 2
    assert zone.rows("select unannounced_columns from landing.load_audit order by file") == [
        ("loyalty_tier",),
        ("loyalty_tier, (1 of unusual form)",),
    ]


def test_an_optional_column_may_be_absent_and_is_loaded_where_it_is_there(zone):
    zone.orders(order("o1"))
    zone.put("shop/orders-2.csv", f"{HEADER},extra\n{order('o2')},more\n")
    zone.load()
    assert zone.rows("select order_id, extra from landing.shop_orders order by 1") == [
        ("o1", None),
        ("o2", "more"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "hint"),
    [
        ("shop/orders.csv", b"", "empty"),
        ("shop/orders.csv", "order_id,café\n".encode("utf-16"), "UTF-8"),
        ("shop/orders.csv", b"order_id,note\ro1,n\r", "bare CR"),
        ("shop/orders.csv", b'order_id,"note\no1,n\n', "broken quotes"),
        ("shop/orders.csv", b"order_id,order_id\no1,o2\n", "twice"),
        ("shop/orders.csv.gz", b"not gzip at all", "gzip"),
        ("shop/orders.csv.gz", gzip.compress(b"order_id\n" + os.urandom(9000))[:-4000], "gzip"),
        ("shop/orders.csv.gz", gzip.compress(b"\n" * 2**27), "grows beyond"),
        ("shop/orders.jsonl.gz", gzip.compress(b"{}" * 2**26), "grows beyond"),
        ("shop/orders.parquet", b"PAR1 damaged PAR1", "Parquet"),
        ("shop/orders.xlsx", b"PK", "format is not read"),
    ],
)
def test_an_unreadable_file_fails_alone_and_says_how_to_mend_it(zone, name, content, hint):
    zone.put(name, content)
    zone.orders(order("o1"), name="shop/orders-2.csv")
    report = zone.load()
    [failed] = report.with_status("failed")
    assert failed.message.startswith(f"{name}: ")
    assert hint in failed.message
    assert report.rows_accepted == 1
    assert zone.rows("select file, rows_in from landing.load_audit where status = 'failed'") == [
        (name, 0)
    ]


def test_a_link_out_of_the_landing_directory_is_refused(zone, tmp_path: Path):
    outside = tmp_path / "orders.csv"
    outside.write_text(f"{HEADER}\n{order('secret')}\n")
    (zone.landing / "shop").mkdir()
    (zone.landing / "shop" / "orders.csv").symlink_to(outside)
    (zone.landing / "shop" / "orders").symlink_to(tmp_path, target_is_directory=True)
    for day in (0, 1):
        report = zone.load(day)
        assert [file.status for file in report.files] == ["failed", "failed"]
        assert all("leads out" in str(file.message) for file in report.files)
    assert zone.rows("select count(*) from landing.shop_orders") == [(0,)]
    assert zone.rows("select count(*) from landing.load_audit") == [(2,)]


def test_a_link_within_the_landing_directory_is_a_copy(zone):
    zone.orders(order("o1"))
    (zone.landing / "shop" / "orders-2.csv").symlink_to(zone.landing / "shop" / "orders.csv")
    assert [file.status for file in zone.load().files] == ["loaded", "repeated"]


def test_the_same_file_twice_adds_nothing(zone):
    zone.orders(order("o1"), "bad")
    first = zone.load()
    assert (first.rows_in, first.unchanged) == (2, 0)
    again = zone.load(day=1)
    assert (again.files, again.unchanged) == ((), 1)
    assert zone.rows("select count(*) from landing.shop_orders") == [(1,)]
    assert zone.rows("select count(*) from landing.quarantine") == [(1,)]


def test_a_copy_under_a_lesser_name_takes_the_rows_over_and_the_audit_stays_true(zone):
    zone.orders(order("o1"), "bad", name="shop/orders-2.csv")
    zone.load()
    zone.orders(order("o1"), "bad", name="shop/orders.csv")
    [copy] = zone.load(day=1).files
    assert (copy.status, copy.rows_in) == ("repeated", 0)
    assert zone.rows("select _file, _file_rank from landing.shop_orders") == [
        ("shop/orders.csv", file_rank("shop/orders.csv", 0))
    ]
    assert zone.rows("select file from landing.quarantine") == [("shop/orders.csv",)]
    assert zone.rows(
        "select file, status, rows_in, rows_accepted, rows_quarantined from landing.load_audit "
        "order by file"
    ) == [
        ("shop/orders-2.csv", "repeated", 0, 0, 0),
        ("shop/orders.csv", "loaded", 2, 1, 1),
    ]


def test_content_replaced_under_the_same_name_supersedes_and_may_come_back(zone):
    current = "select note from landing.shop_orders order by _file_rank desc, _line desc limit 1"
    for day, note in enumerate(["first", "second", "first"]):
        zone.orders(order("o1").replace(",n,", f",{note},"))
        zone.load(day)
        assert zone.rows(current) == [(note,)]
    assert zone.rows("select count(*) from landing.shop_orders") == [(2,)]
    assert zone.load(day=3).unchanged == 1


def test_numbers_in_names_are_ordered_by_value():
    names = ["shop/orders-10.csv", "shop/orders-9.csv", "shop/orders.csv", "shop/orders/part-2.csv"]
    assert sorted(names, key=lambda name: file_rank(name, 0)) == [
        "shop/orders.csv",
        "shop/orders-9.csv",
        "shop/orders-10.csv",
        "shop/orders/part-2.csv",
    ]


def test_a_landing_directory_that_does_not_exist_is_an_error(zone):
    (zone.landing).rmdir()
    with pytest.raises(FileNotFoundError, match="no such landing directory"):
        zone.load()


def test_a_time_without_offset_is_refused(zone):
    with pytest.raises(ValueError, match="UTC offset"):
        load(zone.connection, zone.landing, zone.sources, datetime(2026, 1, 1))  # noqa: DTZ001
