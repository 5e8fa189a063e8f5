"""Retention at load and afterwards: nothing over-age stays, and every row is accounted for."""

from collections.abc import Callable
from datetime import timedelta

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expectations.policy.retention import rule_of
from orchestration.landing.expiry import Expired, count_over_age, purge_landing
from orchestration.landing.labels import landing_relations
from tests.orchestration.landing.conftest import START, Zone

POLICY = """
sources:
  - name: shop
    schema: landing
    tables:
      - name: shop_reviews
        config:
          meta:
            landing: {entity: reviews, key: [review_id]}
            policy: {subject: customer, subject_key: review_id, event_time: written_at}
        columns:
          - name: review_id
            data_type: varchar
            config:
              meta: {landing: {required: true}, policy: {categories: [user], retention_days: 100}}
          - name: comment
            data_type: varchar
            config: {meta: {policy: {categories: [user.content], retention_days: 30}}}
          - name: score
            data_type: integer
            config: {meta: {policy: {categories: [user.content], retention_days: 100}}}
          - name: written_at
            data_type: timestamptz
            config: {meta: {policy: {categories: [user.content], retention_days: 100}}}
"""
HEADER = "review_id,comment,score,written_at"


@pytest.fixture
def new_reviews(new_zone: Callable[[], Zone]) -> Callable[[], Zone]:
    """Zones whose only entity is reviews: 100 days a row, 30 a comment."""

    def make() -> Zone:
        zone = new_zone()
        (zone.sources / "shop" / "_shop__sources.yml").write_text(POLICY)
        return zone

    return make


def _line(number: int, age: float | None, score: str = "3") -> str:
    at = "" if age is None else (START - timedelta(days=age)).isoformat()
    return f"r{number},words {number},{score},{at}"


def _write(zone: Zone, lines: list[str]) -> None:
    zone.put("shop/reviews.csv", "\n".join([HEADER, *lines]) + "\n")


def _purge(zone: Zone, day: int) -> list[Expired]:
    rule = rule_of(landing_relations(zone.sources)["shop_reviews"])
    assert rule is not None
    as_of = START + timedelta(days=day)
    zone.connection.begin()
    gone = purge_landing(zone.connection, rule, "shop_reviews", as_of)
    zone.connection.commit()
    assert count_over_age(zone.connection, rule, as_of) == 0
    return gone


_TABLE = "select review_id, comment, score, written_at from landing.shop_reviews order by 1, 4"
_COUNTS = "select rows_in, rows_accepted, rows_quarantined, rows_expired from landing.load_audit"


def test_an_over_age_row_is_not_loaded_and_is_counted_as_expired(
    new_reviews: Callable[[], Zone],
) -> None:
    zone = new_reviews()
    _write(zone, [_line(1, 101), _line(2, 100), _line(3, 99.9), _line(4, 1), _line(5, 1, "x")])
    report = zone.load()
    assert (report.rows_in, report.rows_accepted, report.rows_quarantined) == (5, 2, 1)
    assert report.rows_expired == 2
    assert zone.rows(_COUNTS) == [(5, 2, 1, 2)]


def test_an_over_age_cell_is_loaded_as_null(new_reviews: Callable[[], Zone]) -> None:
    zone = new_reviews()
    _write(zone, [_line(1, 31), _line(2, 29)])
    zone.load()
    assert zone.rows("select review_id, comment from landing.shop_reviews order by 1") == [
        ("r1", None),
        ("r2", "words 2"),
    ]


def test_a_row_without_event_time_counts_from_its_loading(
    new_reviews: Callable[[], Zone],
) -> None:
    zone = new_reviews()
    _write(zone, [_line(1, None)])
    zone.load()
    _purge(zone, 29)
    assert zone.rows("select comment from landing.shop_reviews") == [("words 1",)]
    assert [(one.column, one.count) for one in _purge(zone, 30)] == [(None, 0), ("comment", 1)]
    assert [(one.column, one.count) for one in _purge(zone, 100)] == [(None, 1), ("comment", 0)]


def test_what_was_removed_does_not_come_back_with_the_next_load(
    new_reviews: Callable[[], Zone],
) -> None:
    zone = new_reviews()
    _write(zone, [_line(1, 50), _line(2, 1)])
    zone.load()
    _purge(zone, 60)
    report = zone.load(60)
    assert report.unchanged == 1
    assert zone.rows("select review_id from landing.shop_reviews") == [("r2",)]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    ages=st.lists(
        st.tuples(st.integers(0, 140), st.sampled_from(["3", "bad"])), min_size=1, max_size=8
    ),
    days=st.lists(st.integers(0, 120), min_size=1, max_size=3),
)
def test_removing_later_leaves_what_loading_later_would(
    new_reviews: Callable[[], Zone], ages: list[tuple[int, str]], days: list[int]
) -> None:
    lines = [_line(number, age, score) for number, (age, score) in enumerate(ages)]
    kept, fresh = new_reviews(), new_reviews()
    _write(kept, lines)
    kept.load()
    for day in sorted(days):
        _purge(kept, day)
        assert _purge(kept, day)[0].count == 0, "a second run finds nothing more"
    _write(fresh, lines)
    fresh.load(max(days))
    assert kept.rows(_TABLE) == fresh.rows(_TABLE)
    ((rows_in, accepted, quarantined, expired),) = kept.rows(_COUNTS)
    assert (rows_in, accepted) == fresh.rows(_COUNTS)[0][:2]
    assert isinstance(rows_in, int)
    assert rows_in == accepted + quarantined + expired  # type: ignore[operator]
    assert accepted == kept.rows("select count(*) from landing.shop_reviews")[0][0]


def test_a_warehouse_of_an_earlier_version_gets_the_new_counters(
    new_reviews: Callable[[], Zone],
) -> None:
    zone = new_reviews()
    _write(zone, [_line(1, 1)])
    zone.load()
    for counter in ("rows_expired", "rows_erased"):
        zone.connection.execute(f"alter table landing.load_audit drop column {counter}")
    with pytest.raises(duckdb.Error):
        zone.rows(_COUNTS)
    _write(zone, [_line(1, 1), _line(2, 200)])
    zone.load()
    assert zone.rows("select sum(rows_expired), sum(rows_erased) from landing.load_audit") == [
        (1, 0)
    ]
