"""Each reason for which a record is kept out, and what the quarantine says of it."""

import io
import json
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

VISIT = {
    "specversion": "1.0",
    "id": "v1",
    "type": "com.shop.visit",
    "time": "2026-01-02T03:04:05Z",
    "data": {"account_id": "007"},
}


def order(**changes: str) -> str:
    fields = {
        "order_id": "o1",
        "note": "a note",
        "status": "open",
        "score": "3",
        "amount": "12.50",
        "paid": "true",
        "born_on": "1990-02-28",
        "updated_at": "2026-01-02T03:04:05+00:00",
    }
    return ",".join({**fields, **changes}.values())


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        ("o2,too,few", None, "malformed_line"),
        (order() + ",one too many", None, "malformed_line"),
        (order(note='"never closed'), None, "broken_quotes"),
        (order(note='a "bare" quote'), None, "broken_quotes"),
        (order(note='"closed" early'), None, "broken_quotes"),
        (order(note="a\rb"), None, "broken_quotes"),
        (order(note="a\0b"), None, "nul_byte"),
        (order(note="x" * 300_000), None, "oversized_record"),
        (order(order_id=""), "order_id", "missing_required"),
        (order(order_id="  "), "order_id", "missing_required"),
        (order(order_id="o\x07"), "order_id", "control_character"),
        (order(status="Open"), "status", "not_allowed"),
        (order(score="three"), "score", "wrong_type"),
        (order(score="3.5"), "score", "wrong_type"),
        (order(score="0"), "score", "out_of_range"),
        (order(score="6"), "score", "out_of_range"),
        (order(amount="12.505"), "amount", "wrong_type"),
        (order(amount='"12,50"'), "amount", "wrong_type"),
        (order(amount="nan"), "amount", "wrong_type"),
        (order(paid="maybe"), "paid", "wrong_type"),
        (order(born_on="1990-02-30"), "born_on", "unparseable_date"),
        (order(born_on="28/02/1990"), "born_on", "unparseable_date"),
        (order(born_on="1990-28-02"), "born_on", "unparseable_date"),
        (order(updated_at="2026-01-02T03:04:05"), "updated_at", "missing_offset"),
        (order(updated_at="2026-01-02"), "updated_at", "unparseable_timestamp"),
        (order(updated_at="2026-31-12T03:04:05Z"), "updated_at", "unparseable_timestamp"),
        (order(updated_at="1767323045"), "updated_at", "unparseable_timestamp"),
    ],
)
def test_a_bad_csv_record_is_quarantined_and_its_neighbours_are_loaded(zone, line, field, reason):
    zone.orders(order(order_id="before"), line, order(order_id="behind"))
    report = zone.load()
    assert zone.quarantined() == [(3, field, reason)]
    assert zone.rows("select order_id, _line from landing.shop_orders order by _line") == [
        ("before", 2),
        ("behind", 4),
    ]
    assert (report.rows_in, report.rows_accepted, report.rows_quarantined) == (3, 2, 1)
    assert report.reasons == {reason: 1}


def test_a_line_that_is_not_utf8_is_quarantined_with_its_bytes_escaped(zone):
    path = zone.orders(order(), order(order_id="o2", note="caf?"), order(order_id="o3"))
    path.write_bytes(path.read_bytes().replace(b"caf?", b"caf\xe9"))
    zone.load()
    assert zone.quarantined() == [(3, None, "bad_encoding")]
    assert "caf\\xe9" in zone.rows("select raw from landing.quarantine")[0][0]


def test_a_quote_that_is_never_closed_swallows_no_row_behind_it(zone):
    zone.orders(order(note='"open'), *(order(order_id=f"o{i}") for i in range(50)))
    assert zone.load().rows_accepted == 50


@pytest.mark.parametrize(
    ("text", "field", "reason"),
    [
        ("{", None, "malformed_json"),
        ("[]", None, "malformed_json"),
        ("{} {}", None, "malformed_json"),
        ('{"order_id": 0123}', None, "malformed_json"),
        ('{"order_id": "a", "order_id": "b"}', None, "duplicate_key"),
        ('{"order_id": "a", "x": {"y": 1, "y": 2}}', None, "duplicate_key"),
        ('{"order_id": "a", "amount": NaN}', None, "not_finite_number"),
        ('{"order_id": "a", "amount": -Infinity}', None, "not_finite_number"),
        ('{"order_id": "a", "x": ' + "[" * 65 + "]" * 65 + "}", None, "too_deep"),
        ('{"order_id": "a", "x": ' + "[" * 100_000 + "]" * 100_000 + "}", None, "too_deep"),
        ('{"order_id": "a", "note": "' + "x" * 300_000 + '"}', None, "oversized_record"),
        ('{"order_id": "a\\u0000"}', None, "nul_byte"),
        ('{"order_id": "a\0"}', None, "nul_byte"),
        ('{"order_id": "\\ud800"}', None, "bad_encoding"),
        ('{"order_id": 7}', "order_id", "wrong_type"),
        ('{"order_id": true}', "order_id", "wrong_type"),
        ('{"order_id": ["a"]}', "order_id", "wrong_type"),
        ('{"order_id": "a", "amount": {"value": 1}}', "amount", "wrong_type"),
        ('{"order_id": "a", "amount": 1e400}', "amount", "wrong_type"),
        ('{"order_id": null}', "order_id", "missing_required"),
        ('{"note": "no key"}', "order_id", "missing_required"),
    ],
)
def test_a_bad_json_line_is_quarantined_and_its_neighbours_are_loaded(zone, text, field, reason):
    zone.put("shop/orders.jsonl", f'{{"order_id": "before"}}\n\n{text}\n{{"order_id": "behind"}}')
    zone.load()
    assert zone.quarantined() == [(3, field, reason)]
    assert zone.rows("select order_id, _line from landing.shop_orders order by _line") == [
        ("before", 1),
        ("behind", 4),
    ]


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"type": "com.shop.other"}, "event_type", "unknown_event_type"),
        ({"specversion": "0.3"}, "specversion", "not_allowed"),
        ({"time": "2026-01-02T03:04:05"}, "occurred_at", "missing_offset"),
        ({"data": "text"}, "data", "wrong_type"),
        ({"data": {}}, "account_id", "missing_required"),
        ({"data": {"account_id": 7}}, "account_id", "wrong_type"),
    ],
)
def test_an_event_that_breaks_its_envelope_is_quarantined(zone, changes, field, reason):
    zone.put("shop/visits.jsonl", f"{json.dumps(VISIT)}\n{json.dumps({**VISIT, **changes})}\n")
    zone.load()
    assert zone.quarantined() == [(2, field, reason)]
    assert zone.rows("select event_id, account_id from landing.shop_visits") == [("v1", "007")]


@pytest.mark.parametrize(
    ("purpose", "channel", "field"),
    [("*", "email", "purpose"), ("marketing", "*", "channel"), ("*", "*", "purpose")],
)
def test_a_wildcard_may_withdraw_but_never_grant(zone, purpose, channel, field):
    lines = [f"c{i},{purpose},{channel},{act}" for i, act in enumerate(["granted", "withdrawn"])]
    zone.put("shop/choices.csv", "\n".join(["choice_id,purpose,channel,action", *lines]))
    zone.load()
    assert zone.quarantined() == [(2, field, "wildcard_grant")]
    assert zone.rows("select choice_id from landing.shop_choices") == [("c1",)]


def test_a_parquet_row_is_quarantined_with_its_values_as_raw_text(zone):
    sink = io.BytesIO()
    columns = {
        "order_id": ["a", "b", "c\0"],
        "note": [None, None, None],
        "status": ["open", "lost", "open"],
        "score": pa.array([1, None, 3], pa.int8()),
        "amount": [1.5, 2.25, None],
        "paid": [True, False, None],
        "born_on": ["1990-01-01", None, None],
        "updated_at": pa.array([0, 0, 0], pa.timestamp("ns", "Europe/Paris")),
    }
    pq.write_table(pa.table(columns), sink)
    zone.put("shop/orders/part-0.parquet", sink.getvalue())
    zone.load()
    assert zone.quarantined() == [(2, "status", "not_allowed"), (3, "order_id", "nul_byte")]
    raw = json.loads(zone.rows("select raw from landing.quarantine order by line")[0][0])
    assert raw["order_id"] == "b"
    assert raw["amount"] == "2.25"
    assert raw["updated_at"] == "1970-01-01 00:00:00.000000Z"
    assert raw["extra"] is None


def test_the_detail_never_repeats_the_value(zone):
    canary = "Canary.Person@example.com"
    zone.orders(
        order(status=canary),
        order(score=canary),
        order(amount=canary),
        order(paid=canary),
        order(born_on=canary),
        order(updated_at=canary),
        canary,
        order(note=f'"{canary}'),
    )
    report = zone.load()
    assert report.rows_quarantined == 8
    told = [report, zone.rows("select file, field, reason, detail from landing.quarantine")]
    told.append(zone.rows("select message, unannounced_columns from landing.load_audit"))
    assert canary not in repr(told)
    assert all(canary in raw for (raw,) in zone.rows("select raw from landing.quarantine"))


def test_the_quarantine_is_itself_under_retention(zone):
    zone.orders(order(score="9"))
    zone.load()
    [(kept,)] = zone.rows("select expires_at - loaded_at from landing.quarantine")
    assert kept == timedelta(days=30)
    zone.load(day=29)
    assert len(zone.quarantined()) == 1
    zone.load(day=30)
    assert zone.quarantined() == []
