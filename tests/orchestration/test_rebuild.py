"""The warehouse is rebuilt from landing, the store and the log; nothing is kept in it alone."""

from pathlib import Path

import pytest

from tests.orchestration.conftest import Day, Finished, Run
from tests.orchestration.places import AS_OF, Place

pytestmark = pytest.mark.xdist_group("path")

# When a file was loaded is known to the warehouse alone, and so is what is reckoned from it.
LOAD_TIMES = ("_loaded_at", "loaded_at", "source_at")


def test_a_deleted_warehouse_is_rebuilt_row_for_row_and_nothing_is_sent(
    first: Finished, run: Run, path_directory: Path
) -> None:
    place = first.place.copy_to(path_directory / "rebuilt")
    _delete_warehouse(place)
    ended = run(place, AS_OF)
    assert ended.succeeded, ended.problems
    assert place.tables() == first.place.tables()
    assert place.sent() == first.place.sent()


def test_the_history_of_several_days_is_rebuilt_too(
    days: list[Day], run: Run, path_directory: Path
) -> None:
    day = days[2]
    place = day.place.copy_to(path_directory / "rebuilt-later")
    _delete_warehouse(place)
    ended = run(place, day.as_of)
    assert ended.succeeded, ended.problems
    before = day.place.tables(without=[*LOAD_TIMES, "expires_at"])
    assert place.tables(without=[*LOAD_TIMES, "expires_at"]) == before
    assert place.sent() == day.place.sent()


def _delete_warehouse(place: Place) -> None:
    files = list(place.home.glob("warehouse.duckdb*"))
    assert files
    for file in files:
        file.unlink()
