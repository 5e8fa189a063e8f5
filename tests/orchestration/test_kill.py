"""kill -9 at any moment, then run again: the state of a run that nobody disturbed.

A place is killed several times, each time a stage later than the last, and then run to its end. A
kill falls at a random part of the time that the stage took in the undisturbed run; the long test
has every stage.
"""

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.orchestration.conftest import Finished, Run, World
from tests.orchestration.path import ROOT, Kill
from tests.orchestration.places import Place

SEED = 20261120
SHORTEST_STAGE = 0.01  # seconds; a sync whose destination isn't set up does nothing
NOT_OF_THE_PATH = "loading the project"
# What they write can't be written anew: the ledger's events, the log's batches, what was sent. The
# long test has every stage.
FOR_GOOD = ("consent ledger", "decisions", "sync outbox_actions")


@pytest.mark.timeout(1200)
def test_a_run_killed_stage_after_stage_ends_like_an_undisturbed_one(
    first: Finished,
    world: World,
    run: Run,
    path_directory: Path,
    record_property: Callable[[str, object], None],
) -> None:
    stages = [stage for stage in _stages(first) if stage in FOR_GOOD]
    place = world.place.copy_to(path_directory / "killed")
    landed = _disturb(place, run, stages, first, random.Random(SEED))
    record_property("kills", f"{landed} of {len(stages)} hit a run")
    assert len(stages) == len(FOR_GOOD)
    assert landed >= len(stages) - 1
    _assert_undisturbed(place, first)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_runs_killed_at_twenty_and_more_points_end_like_an_undisturbed_one(
    first: Finished,
    world: World,
    run: Run,
    path_directory: Path,
    record_property: Callable[[str, object], None],
) -> None:
    stages = _stages(first)
    draw = random.Random(SEED + 1)
    attempts = landed = 0
    for number, killed_in in enumerate([stages[0::2], stages[1::2]] * 2):
        place = world.place.copy_to(path_directory / f"killed-{number}")
        attempts += len(killed_in)
        landed += _disturb(place, run, killed_in, first, draw)
        _assert_undisturbed(place, first)
    record_property("kills", f"{landed} of {attempts} hit a run")
    assert attempts >= 20
    assert landed >= 15


def _stages(first: Finished) -> list[str]:
    """The stages of a run that take any time, in their order."""
    took = first.ended.seconds
    stages = [
        name
        for name in first.ended.stages
        if took[name] >= SHORTEST_STAGE and name != NOT_OF_THE_PATH
    ]
    assert len(stages) >= 10, stages
    return stages


def _disturb(
    place: Place, run: Run, stages: list[str], first: Finished, draw: random.Random
) -> int:
    """Kill a run in each of the stages, then let one end; returns how many kills hit a run."""
    landed = 0
    for stage in stages:
        seconds = draw.random() * first.ended.seconds[stage]
        ended = run(place, kill=Kill(stage, seconds))
        # A kill that comes too late finds no run; one that comes in time leaves it unfinished.
        assert ended.killed or ended.succeeded, ended.problems
        landed += ended.killed
    ended = run(place)
    assert ended.succeeded, ended.problems
    return landed


def _assert_undisturbed(place: Place, first: Finished) -> None:
    assert place.tables() == first.place.tables()
    assert place.delivered_counts() == first.place.delivered_counts()
    assert place.store("select count(*) from sync_intent where state = 'open'") == [(0,)]
    assert place.value("select count(*) from activation.decision_log") == place.value(
        "select count(distinct (node, subject_id, person_id, as_of)) from activation.decision_log"
    )
    log = place.decision_log
    verifier = ROOT / "activation" / "log" / "verifier.py"
    command = [sys.executable, "-I", verifier, log, "--public-key", log / "public_key"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
