"""An increment gives the tables that a full build gives, whatever happened."""

import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from orchestration.matching.scoring import Model
from tests.orchestration.increment.runs import Given, differences, run, run_in_full
from tests.orchestration.increment.warehouse import created, land
from tests.orchestration.increment.world import AS_OF, World


def check_history(seed: int, compiled: Mapping[str, Any], matching: Model, days: int) -> int:
    """Play a history on both sides; return how many records the increments left alone."""
    size, spread = ((12, 1), (24, 2), (60, 6))[seed % 3]
    world = World(random.Random(seed), size, spread)
    world.begin()
    ours, theirs = created(), created()
    left_alone = 0
    for day in range(days + 1):
        given = Given(compiled, matching, world, AS_OF + timedelta(days=day))
        land(ours, world)
        land(theirs, world)
        if day > 0:  # a full build is never due
            ours.execute("update identity_state.run set replaced = 0")
        solved = run(ours, given)
        run_in_full(theirs, given)
        assert (solved is None) == (day == 0)
        assert differences(ours, theirs) == {}, f"seed {seed}, day {day}"
        left_alone += max(0, len(world.record_keys()) - solved) if solved is not None else 0
        world.step()
    return left_alone


@pytest.mark.parametrize("seed", range(3))
def test_an_increment_gives_what_a_full_build_gives(
    compiled: Mapping[str, Any], matching: Model, seed: int
) -> None:
    assert check_history(seed, compiled, matching, days=3) > 0


def test_a_score_that_brings_in_a_part_of_a_component_keeps_its_contacts(
    compiled: Mapping[str, Any], matching: Model
) -> None:
    check_history(416, compiled, matching, days=1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_over_sixty_histories_an_increment_gives_what_a_full_build_gives(
    compiled: Mapping[str, Any], matching: Model
) -> None:
    left_alone = [check_history(seed, compiled, matching, days=6) for seed in range(100, 160)]
    assert sum(left_alone) > 0
