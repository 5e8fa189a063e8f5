"""The event log that keeps its connections reads and writes what Dagster's own does."""

import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import EventLogStorage, SqliteEventLogStorage

from orchestration import environment
from orchestration.dagster_home import prepare_dagster_home
from orchestration.event_storage import KeptSqliteEventLogStorage


@dg.asset
def thing() -> None:
    """Anything that a run can make."""


@pytest.fixture
def dagster_home(tmp_path: Path) -> Path:
    """Dagster's home within a home of ours."""
    home = environment.home(tmp_path / "home")
    prepare_dagster_home(home)
    return home.dagster


def test_a_home_has_the_storage_that_keeps_its_connections(dagster_home: Path) -> None:
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        assert type(instance.event_log_storage) is KeptSqliteEventLogStorage


def test_dagsters_own_storage_reads_what_runs_left(dagster_home: Path) -> None:
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        runs = [dg.materialize([thing], instance=instance).run_id for _ in range(3)]
        kept = {run: _types(instance.event_log_storage, run) for run in runs}
    own = SqliteEventLogStorage(str(dagster_home / "history" / "runs"))
    assert {run: _types(own, run) for run in runs} == kept
    assert all("ASSET_MATERIALIZATION" in types for types in kept.values())


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says which files are open")
def test_no_more_than_the_index_and_one_run_are_held_open(dagster_home: Path) -> None:
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        runs = [dg.materialize([thing], instance=instance).run_id for _ in range(3)]
        storage = instance.event_log_storage
        for run in runs:
            storage.get_logs_for_run(run)
            assert _open_files(dagster_home) <= {"index.db", f"{run}.db"}
    assert _open_files(dagster_home) == set()


def test_what_is_wiped_is_gone_and_the_next_run_is_recorded(dagster_home: Path) -> None:
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        gone = dg.materialize([thing], instance=instance).run_id
        instance.event_log_storage.wipe()
        assert instance.event_log_storage.get_logs_for_run(gone) == []
        kept = dg.materialize([thing], instance=instance).run_id
        assert "ASSET_MATERIALIZATION" in _types(instance.event_log_storage, kept)


def _types(storage: EventLogStorage, run: str) -> list[str]:
    entries = storage.get_logs_for_run(run)
    return [entry.get_dagster_event().event_type_value for entry in entries if entry.dagster_event]


def _open_files(dagster_home: Path) -> set[str]:
    held = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            path = link.readlink()
        except FileNotFoundError:  # the folder's own handle
            continue
        if path.suffix == ".db" and dagster_home.resolve() in path.parents:
            held.add(path.name)
    return held - {"runs.db", "schedules.db"}
