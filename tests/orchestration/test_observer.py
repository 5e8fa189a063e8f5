"""Stages are announced, timed and reported to whoever listens, and to nobody outside the block."""

import io

import pytest
from rich.console import Console

from orchestration.observer import RunRecord, listening, stage
from orchestration.progress import ConsoleListener


def test_a_stage_is_timed_and_its_figures_are_kept() -> None:
    record = RunRecord()
    with listening(record), stage("landing") as landing:
        landing.detail("reading")
        landing.report("sync", "outbox", {"sent": 3})
    with stage("unheard"):
        pass
    assert list(record.seconds) == ["landing"]
    assert record.seconds["landing"] >= 0
    assert record.reports == {"sync": {"outbox": {"sent": 3}}}


def test_a_stage_that_runs_twice_counts_both_times() -> None:
    record = RunRecord()
    with listening(record):
        for _ in range(2):
            with stage("sync"):
                pass
    assert len(record.seconds) == 1


def test_a_failed_stage_is_shown_as_failed_and_its_error_goes_on() -> None:
    output = io.StringIO()
    shown = ConsoleListener(Console(file=output, width=80))
    with (
        pytest.raises(ValueError, match="broken"),
        listening(shown),
        shown.shown(),
        stage("decisions"),
    ):
        raise ValueError("broken")
    assert "✗ decisions" in output.getvalue()
