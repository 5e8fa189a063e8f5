"""Two releases are compared on what a past day's run had before it, whatever came since."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from activation.decisions import append_decisions, decide, record_inputs
from activation.decisions.deciding import APPROVAL_SCHEMA
from activation.decisions.replaying import journeys_of
from activation.log import DecisionLog
from activation.release import Bundle, ReleaseError, read_bundle
from activation.release.decision_diff import compare
from activation.release.diff_of_day import diff_of_day
from activation.release.diff_report import ReleaseDiff
from tests.activation.decisions.bulk import create_bulk_world
from tests.activation.decisions.worlds import AS_OF
from tests.activation.log.worlds import KEY

SECRET = bytes(32)


@pytest.fixture
def world() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        create_bulk_world(connection, 200, seed=5)
        # The log starts empty, and the history of such a world is not in it.
        connection.execute("delete from activation.decision_log")
        yield connection


@pytest.fixture
def log(tmp_path: Path) -> DecisionLog:
    return DecisionLog(tmp_path / "log", signing_key=KEY)


def run(
    world: duckdb.DuckDBPyConnection,
    log: DecisionLog,
    bundle: Bundle,
    at: datetime,
    *,
    whole: bool = True,
    halted: tuple[str, ...] = (),
) -> None:
    """Decide, record and seal, as a run does."""
    release, approvals = bundle.release, APPROVAL_SCHEMA.empty_table()
    journeys = journeys_of(release.manifest, ())
    rows = decide(world, journeys=journeys, release=release, as_of=at, halted=frozenset(halted))
    inputs = record_inputs(
        world,
        journeys=journeys,
        release=release,
        as_of=at,
        approvals=approvals,
        decided=rows,
        halted=halted,
        whole=whole,
    )
    batch = log.append(rows, as_of=at, release=release.id, sealed_at=at, inputs=inputs)
    assert batch is not None
    append_decisions(world, batch.rows)


def on_the_day(log: DecisionLog, before: Bundle, after: Bundle, days: int = 0) -> ReleaseDiff:
    day = AS_OF + timedelta(days=days)
    begin = day.replace(hour=0)
    return diff_of_day(log, before, after, since=begin, until=begin + timedelta(days=1), key=SECRET)


def test_a_past_day_is_compared_on_its_own_inputs_though_the_world_moved_on(
    world: duckdb.DuckDBPyConnection, log: DecisionLog, bundles: tuple[Bundle, Bundle]
) -> None:
    before, after = bundles
    run(world, log, after, AS_OF - timedelta(days=2))
    expected = compare(
        *(
            decide(
                world,
                journeys=journeys_of(one.release.manifest, ()),
                release=one.release,
                as_of=AS_OF,
            )
            for one in bundles
        ),
        key=SECRET,
    )
    run(world, log, before, AS_OF)
    world.execute("update contexts.ctx_policy set days_to_renewal = 78")
    world.execute("delete from consent.con_permits")
    run(world, log, after, AS_OF + timedelta(days=1))
    found = on_the_day(log, before, after)
    assert found.decisions == expected
    assert found.decisions.total("lost") > 0
    assert found.as_of == AS_OF
    assert "batch 2" in found.inputs
    assert [change.field for change in found.rules][:1] == ["when"]


def test_the_newest_run_of_the_day_is_taken_with_its_halts(
    world: duckdb.DuckDBPyConnection, log: DecisionLog, bundles: tuple[Bundle, Bundle]
) -> None:
    run(world, log, bundles[0], AS_OF - timedelta(hours=3))
    run(world, log, bundles[0], AS_OF, halted=("renewal_reminder_day_90",))
    found = on_the_day(log, *bundles)
    assert found.as_of == AS_OF
    assert found.decisions.total("lost") == 0
    assert any("Halted in that run" in note for note in found.notes)


def test_where_only_candidates_were_recorded_the_reader_is_told_who_is_missing(
    world: duckdb.DuckDBPyConnection, log: DecisionLog, bundles: tuple[Bundle, Bundle]
) -> None:
    before, after = bundles
    run(world, log, after, AS_OF, whole=False)
    found = on_the_day(log, after, before)
    assert any(f"Only candidates of release {after.release.id}" in one for one in found.notes)
    assert on_the_day(log, after, after).decisions.groups == ()


def test_a_day_without_a_recorded_run_is_refused_and_the_days_that_have_one_are_named(
    world: duckdb.DuckDBPyConnection, log: DecisionLog, bundles: tuple[Bundle, Bundle]
) -> None:
    run(world, log, bundles[0], AS_OF)
    with pytest.raises(ReleaseError, match="the newest: 2026-11-20 12:00"):
        on_the_day(log, *bundles, days=1)


def test_a_release_that_builds_other_tables_is_refused_for_a_past_day(
    world: duckdb.DuckDBPyConnection,
    log: DecisionLog,
    bundles: tuple[Bundle, Bundle],
    tmp_path: Path,
) -> None:
    run(world, log, bundles[0], AS_OF)
    bundles[0].write(tmp_path / "other")
    with (tmp_path / "other/dbt_project/models/contexts/ctx_policy.sql").open("a") as model:
        model.write("-- another table\n")
    other = read_bundle(tmp_path / "other")
    with pytest.raises(ReleaseError, match="builds other tables"):
        on_the_day(log, bundles[0], other)


def test_a_release_that_reads_a_column_that_was_not_recorded_is_refused_by_its_name(
    world: duckdb.DuckDBPyConnection,
    log: DecisionLog,
    bundles: tuple[Bundle, Bundle],
    tmp_path: Path,
) -> None:
    run(world, log, bundles[0], AS_OF)
    bundles[0].write(tmp_path / "wider")
    path = tmp_path / "wider/activation/journeys/renewal_reminder_day_90.yml"
    text = path.read_text()
    assert "  product_line: text\n" in text
    path.write_text(text.replace("  product_line: text\n", "  product_line: text\n  tier: text\n"))
    with pytest.raises(ReleaseError, match=r"did not record: contexts\.ctx_policy\.tier"):
        on_the_day(log, bundles[0], read_bundle(tmp_path / "wider"))
