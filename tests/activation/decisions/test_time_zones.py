"""Quiet hours go by the clock on the person's wall, in every zone, on the days when it is changed.

An instant has exactly one local time, also in the hour that happens twice; the one that is left out
happens to nobody. So it is enough that SQL and Python read the same clock.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import duckdb
import pyarrow as pa
import pytest

from activation.journeys import JourneySet
from tests.activation.decisions.forms import decide_by_all_forms
from tests.activation.decisions.variants import changed, release_of
from tests.activation.decisions.worlds import claim, insert, permit, person

FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
AROUND = [timedelta(microseconds=us) for us in (-1, 0)] + [
    timedelta(minutes=minutes) for minutes in (-61, -30, 30, 59, 61, 125)
]


def changes_of_clock(zone: ZoneInfo) -> Iterator[datetime]:
    """The instants of a year at which the zone's offset changes."""
    before = FIRST
    while before < LAST:
        after = before + timedelta(days=1)
        if before.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            low, high = before, after
            while high - low > timedelta(microseconds=1):
                middle = low + (high - low) / 2
                same = middle.astimezone(zone).utcoffset() == low.astimezone(zone).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            yield high
        before = after


def test_sql_and_python_read_the_same_clock_in_every_zone_whenever_it_changes() -> None:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        known = {
            name
            for (name,) in connection.execute("select name from pg_timezone_names()").fetchall()
        }
        zones = sorted(name for name in available_timezones() & known if "/" in name)
        rows = [
            {
                "zone": zone,
                "moment": at + step,
                "local": (at + step).astimezone(ZoneInfo(zone)).time(),
            }
            for zone in zones
            for at in [*changes_of_clock(ZoneInfo(zone)), FIRST]
            for step in AROUND
        ]
        connection.register("clock", pa.Table.from_pylist(rows))
        differing = connection.execute(
            "select zone, moment, local, cast(timezone(zone, moment) as time) as found from clock "
            "where found <> local"
        ).fetchall()
    assert len(zones) > 400
    assert len({row["zone"] for row in rows if row["moment"] > FIRST + timedelta(days=2)}) > 100
    # Moldova changes its clock at an hour that only newer editions of the zone data know.
    assert {zone for zone, *_ in differing} <= {"Europe/Chisinau", "Europe/Tiraspol"}


@pytest.mark.parametrize(
    ("zone", "at", "local", "is_quiet"),
    [
        ("Europe/London", "2026-03-29T00:59:59+00:00", time(0, 59, 59), False),
        ("Europe/London", "2026-03-29T01:00:00+00:00", time(2, 0), False),
        ("Europe/London", "2026-10-25T00:30:00+00:00", time(1, 30), True),
        ("Europe/London", "2026-10-25T01:30:00+00:00", time(1, 30), True),
        ("Europe/London", "2026-10-25T02:00:00+00:00", time(2, 0), False),
        ("Australia/Lord_Howe", "2026-04-04T15:00:00+00:00", time(1, 30), True),
        ("Pacific/Apia", "2026-06-01T12:30:00+00:00", time(1, 30), True),
    ],
)
def test_quiet_hours_end_when_the_persons_own_clock_says_so(
    zone: str,
    at: str,
    local: time,
    is_quiet: bool,
    world: duckdb.DuckDBPyConnection,
    journeys: JourneySet,
) -> None:
    as_of = datetime.fromisoformat(at)
    assert as_of.astimezone(ZoneInfo(zone)).time() == local
    hours = {"start": "01:00", "end": "02:00", "channels": ["sms"]}
    one = changed(journeys, "claim_update_day_3", quiet_hours=hours)
    insert(world, "contexts.ctx_person", [person("p_1", timezone=zone)])
    insert(world, "contexts.ctx_claim", [claim("p_1", "C1", source_at=as_of)])
    insert(world, "consent.con_permits", [permit("p_1", "claims_service", "sms")])
    [row] = decide_by_all_forms(world, one, release_of("r_now"), as_of)
    assert (row["reason"] == "quiet_hours") == is_quiet
