"""The warehouse is rebuilt from landing, the store and the log; nothing is kept in it alone."""

from pathlib import Path

import pytest

from tests.orchestration.conftest import Day, Finished, Run
from tests.orchestration.places import AS_OF, Place

# When a file was loaded is known to the warehouse alone, and so is what is reckoned from it: now
# all of them were loaded at once.
LOAD_TIMES = ("_loaded_at", "loaded_at", "source_at", "expires_at")


@pytest.mark.slow
def test_a_warehouse_deleted_after_one_run_is_rebuilt_row_for_row(
    first: Finished, run: Run, path_directory: Path
) -> None:
    place = first.place.copy_to(path_directory / "rebuilt")
    _delete_warehouse(place)
    ended = run(place, AS_OF)
    assert ended.succeeded, ended.problems
    assert place.tables() == first.place.tables()
    assert place.sent() == first.place.sent()


def test_a_warehouse_deleted_after_some_days_is_rebuilt_and_nothing_is_sent(
    days: list[Day], run: Run, path_directory: Path
) -> None:
    day = days[2]
    place = day.place.copy_to(path_directory / "rebuilt-later")
    _delete_warehouse(place)
    ended = run(place, day.as_of)
    assert ended.succeeded, ended.problems
    assert place.tables(without=LOAD_TIMES) == day.place.tables(without=LOAD_TIMES)
    assert place.sent() == day.place.sent()


def _delete_warehouse(place: Place) -> None:
    files = list(place.home.glob("warehouse.duckdb*"))
    assert files
    for file in files:
        file.unlink()
