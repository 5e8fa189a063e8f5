"""A writer that appends batch after batch finds whatever changed since, at a cost that stays."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from activation.log import DecisionLog, DuplicateDecision, LogDamaged
from tests.activation.log.worlds import make_log, seal

OF_BATCHES = {"checkpoints", "segments", "openings", "inputs", "copies"}


@pytest.fixture
def log(tmp_path: Path) -> DecisionLog:
    """A log of two batches, with copies, whose writer goes on."""
    return make_log(tmp_path, (3, 4), copies=True)


def test_going_on_lists_no_directory_that_grows_with_the_log(
    log: DecisionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []

    def listing(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any = ".") -> Any:
            listed.append(Path(os.fspath(path)).name)
            return original(path)

        return call

    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, listing(getattr(os, name)))
    seal(log, 3, 2)
    assert OF_BATCHES.isdisjoint(listed)
    assert log.batches()[-1].number == 3
    assert "checkpoints" in listed  # reading all of them does, so the listener hears it


def test_another_writers_batches_are_built_on(log: DecisionLog, tmp_path: Path) -> None:
    other = make_log(tmp_path, copies=True)
    seal(other, 3, 2)
    seal(log, 4, 2)
    seal(other, 5, 1)
    assert [header.size for header in log.batches()] == [3, 7, 9, 11, 12]
    assert log.verify().ok


def test_what_another_writer_began_and_left_is_cleared_away(
    log: DecisionLog, tmp_path: Path
) -> None:
    directory = tmp_path / "decision_log"
    for folder in ("segments", "openings"):
        shutil.copy(directory / folder / "000002.parquet", directory / folder / "000003.parquet")
    seal(log, 3, 2)
    assert log.size == 9
    assert log.verify().ok


def test_a_copy_that_is_lost_is_made_again(log: DecisionLog, tmp_path: Path) -> None:
    (tmp_path / "copies" / "000002").unlink()
    seal(log, 3, 2)
    assert sorted(path.name for path in (tmp_path / "copies").iterdir() if path.is_file()) == [
        "000001",
        "000002",
        "000003",
    ]


def test_a_last_checkpoint_that_is_gone_stops_the_writer(log: DecisionLog, tmp_path: Path) -> None:
    (tmp_path / "decision_log" / "checkpoints" / "000002").unlink()
    with pytest.raises(LogDamaged, match="000002: gone, yet its copy exists"):
        seal(log, 3, 2)


def test_a_last_checkpoint_that_is_not_its_copy_stops_the_writer(
    log: DecisionLog, tmp_path: Path
) -> None:
    copy = tmp_path / "copies" / "000002"
    copy.chmod(0o644)
    copy.write_bytes((tmp_path / "copies" / "000001").read_bytes())
    with pytest.raises(LogDamaged, match="differs from its copy"):
        seal(log, 3, 2)


def test_after_an_append_that_was_refused_the_writer_goes_on(log: DecisionLog) -> None:
    with pytest.raises(DuplicateDecision):
        seal(log, 2, 4)
    seal(log, 3, 2)
    assert log.size == 9
    assert log.verify().ok
