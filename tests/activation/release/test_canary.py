"""Who decides under the candidate: a share that only grows, and everybody in exactly one slice."""

from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from activation.release import Canary, ReleaseError, active_id
from activation.release.canary import current, end, widen
from activation.release.pointer import point
from activation.release.slices import Slice, deciding_sql, slices_of
from activation.store import transaction
from tests.activation.release.projects import AT, build, write_project

persons = st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=30, unique=True)
buckets = st.integers(0, 10_000)


def start(store: Engine, candidate: str, percent: str) -> Canary:
    with transaction(store) as connection:
        return widen(connection, candidate, Decimal(percent), actor="ana", note="try", at=AT)


@pytest.fixture
def releases(store: Engine, tmp_path: Path) -> list[str]:
    """Three releases; the first is active."""
    ids = [build(store, write_project(tmp_path, days=days)).release.id for days in (30, 31, 32)]
    activate(store, ids[0])
    return ids


def activate(store: Engine, release_id: str) -> None:
    with transaction(store) as connection:
        point(connection, release_id, kind="activate", actor="ana", note="why", at=AT)


def running(store: Engine) -> Canary | None:
    with store.connect() as connection:
        return current(connection)


@given(persons, buckets, buckets)
def test_widening_never_moves_a_person_back(people: list[str], one: int, other: int) -> None:
    narrow, wide = Canary("r_1", min(one, other)), Canary("r_1", max(one, other))
    assert {p for p in people if narrow.holds(p)} <= {p for p in people if wide.holds(p)}


@settings(deadline=None)
@given(persons, buckets)
def test_every_decision_is_in_exactly_one_slice(people: list[str], width: int) -> None:
    canary = Canary("r_new", width)
    parts = (Slice("r_old", canary, is_canary=False), Slice("r_new", canary, is_canary=True))
    rows = pa.table({"person_id": people * 2, "n": list(range(2 * len(people)))})
    with duckdb.connect() as connection:
        kept = [part.of(connection, rows).column("n").to_pylist() for part in parts]
        connection.register("people", rows)
        sql = deciding_sql(parts)
        deciding = connection.execute(f"select n, {sql} from people").fetchall()
    assert sorted(kept[0] + kept[1]) == list(range(2 * len(people)))
    assert all(part == sorted(part) for part in kept)
    assert {n for n, release in deciding if release == "r_new"} == set(kept[1])
    assert [n for n in range(len(people)) if canary.holds(people[n])] == [
        n for n in kept[1] if n < len(people)
    ]


def test_the_share_of_persons_is_the_share_that_was_asked_for() -> None:
    canary = Canary("r_1", 500)
    share = sum(canary.holds(f"p_{number}") for number in range(20_000)) / 20_000
    assert 0.045 < share < 0.055


def test_another_candidate_meets_other_people() -> None:
    one, other = Canary("r_1", 500), Canary("r_2", 500)
    people = [f"p_{number}" for number in range(20_000)]
    both = sum(one.holds(p) and other.holds(p) for p in people)
    assert both < 150


def test_a_canary_starts_widens_and_ends(store: Engine, releases: list[str]) -> None:
    assert start(store, releases[1], "5") == Canary(releases[1], 500)
    assert start(store, releases[1], "12.5") == running(store) == Canary(releases[1], 1250)
    with transaction(store) as connection:
        assert end(connection, actor="ana", note="seen", at=AT) == Canary(releases[1], 1250)
    assert running(store) is None
    with pytest.raises(ReleaseError, match="no canary"), transaction(store) as connection:
        end(connection, actor="ana", note="again", at=AT)


@pytest.mark.parametrize("percent", ["5", "4.99", "0", "100.01", "-1"])
def test_a_canary_is_not_narrowed_and_a_share_is_a_share(
    store: Engine, releases: list[str], percent: str
) -> None:
    start(store, releases[1], "5")
    with pytest.raises(ReleaseError):
        start(store, releases[1], percent)
    assert running(store) == Canary(releases[1], 500)


def test_there_is_one_canary_at_a_time_and_not_of_the_active_release(
    store: Engine, releases: list[str]
) -> None:
    start(store, releases[1], "5")
    with pytest.raises(ReleaseError, match="end it first"):
        start(store, releases[2], "10")
    with pytest.raises(ReleaseError, match="active for everybody already"):
        start(store, releases[0], "10")


def test_an_activation_ends_a_canary_for_good(store: Engine, releases: list[str]) -> None:
    start(store, releases[1], "5")
    for release_id in (releases[2], releases[0]):
        activate(store, release_id)
        assert running(store) is None
    with store.connect() as connection:
        assert active_id(connection) == releases[0]
        assert [one.release_id for one in slices_of(connection, releases[0])] == [releases[0]]


def test_a_run_that_goes_on_under_a_former_release_has_no_canary(
    store: Engine, releases: list[str]
) -> None:
    start(store, releases[1], "5")
    with store.connect() as connection:
        own = slices_of(connection, releases[0])
        former = slices_of(connection, releases[2])
    assert [one.release_id for one in own] == releases[:2]
    assert [one.release_id for one in former] == [releases[2]]


def test_a_canary_of_everybody_leaves_nobody_to_the_active_release(
    store: Engine, releases: list[str]
) -> None:
    start(store, releases[1], "100")
    with store.connect() as connection:
        parts = slices_of(connection, releases[0])
    assert [one.release_id for one in parts] == [releases[1]]
    assert deciding_sql(parts) == f"'{releases[1]}'"
