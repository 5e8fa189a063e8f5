"""Where a run keeps its state and at what time it decides: argument, environment, default."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration import environment
from orchestration.clock import TimeError, clock_file, current_time, parse_time


def test_an_argument_beats_the_environment_and_the_environment_beats_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    variables = {"ASSENT_HOME": str(tmp_path / "named")}
    assert environment.home(tmp_path / "given", variables=variables).path == tmp_path / "given"
    assert environment.home(variables=variables).path == tmp_path / "named"
    assert environment.home(variables={}).path == tmp_path / "var"


def test_all_state_of_a_home_lies_below_it(tmp_path: Path) -> None:
    home = environment.home(tmp_path, variables={})
    places = [home.landing, home.warehouse, home.decision_log, home.outbox, home.keys, home.dagster]
    assert all(tmp_path in place.parents for place in places)
    assert home.store_url == f"sqlite:///{tmp_path / 'assent.sqlite'}"


def test_the_store_may_be_elsewhere(tmp_path: Path) -> None:
    url = "postgresql://assent@db.example.com/assent"
    assert environment.home(tmp_path, variables={"ASSENT_STORE_URL": url}).store_url == url


@pytest.mark.parametrize("text", ["2026-11-20T06:00:00", "2026-11-20", "soon", ""])
def test_a_time_without_an_offset_is_refused_and_the_form_wanted_is_shown(text: str) -> None:
    with pytest.raises(TimeError, match=r"\+00:00"):
        parse_time(text)


def test_a_time_in_another_zone_is_the_same_instant_in_utc() -> None:
    assert parse_time("2026-11-20T07:00:00+01:00") == datetime(2026, 11, 20, 6, tzinfo=UTC)
    assert parse_time("2026-11-20T06:00:00Z").tzinfo is UTC


def test_a_home_whose_clock_stands_still_keeps_its_time(tmp_path: Path) -> None:
    home = environment.home(tmp_path, variables={})
    now = datetime(2027, 1, 1, tzinfo=UTC)
    assert current_time(home, now=now) == now
    clock_file(home).write_text("2026-11-20T09:00:00+00:00\n")
    assert current_time(home, now=now) == datetime(2026, 11, 20, 9, tzinfo=UTC)
