"""A run that dies at any statement, and is made again, gives what an undisturbed one gives."""

import random
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import duckdb
import pytest

from orchestration.increment import state
from orchestration.matching.scoring import Model
from tests.orchestration.increment.runs import Given, differences, run, run_in_full
from tests.orchestration.increment.warehouse import created, land
from tests.orchestration.increment.world import AS_OF, World


class Died(BaseException):
    """Nobody catches this but to give back what a dead process would."""


class Mortal:
    """A connection that lets so many statements through and no more; counts them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, lives: int) -> None:
        self._connection, self._lives, self.used = connection, lives, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, *arguments: Any) -> Any:
        self._use()
        return self._connection.execute(*arguments)

    def commit(self) -> Any:
        self._use()
        return self._connection.commit()

    def _use(self) -> None:
        self.used += 1
        if self.used > self._lives:
            self._lives = 10**9  # what is left is clearing up, which a dead process needs not
            raise Died


def check_crash(seed: int, compiled: Mapping[str, Any], matching: Model) -> str:
    """Let the run of a day die at a random statement; return the stage that it left."""
    draw = random.Random(seed)
    world = World(draw, size=16)
    world.begin()
    ours, theirs, counted = created(), created(), created()
    for day in range(2):
        given = Given(compiled, matching, world, AS_OF + timedelta(days=day))
        for side in (ours, theirs, counted):
            land(side, world)
        run_in_full(theirs, given)
        undisturbed: Any = Mortal(counted, 10**9)
        run(undisturbed, given)
        if day == 0:
            run(ours, given)
            world.step()
    dying: Any = Mortal(ours, draw.randrange(undisturbed.used))
    with pytest.raises(Died):
        run(dying, given)
    with suppress(duckdb.TransactionException):  # the end of a process ends its transaction
        ours.rollback()
    ours.execute("detach database if exists increment")
    left = state.current(ours)
    # A process that begins anew gets the copies of the store as it left them.
    run(ours, given)
    assert differences(ours, theirs) == {}, f"seed {seed}, left at {left}"
    return left.stage if left else "nothing"


def test_a_run_that_died_is_made_again(compiled: Mapping[str, Any], matching: Model) -> None:
    stages = {check_crash(seed, compiled, matching) for seed in range(4)}
    assert len(stages) > 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_runs_that_died_at_sixty_points_are_made_again(
    compiled: Mapping[str, Any], matching: Model
) -> None:
    stages = {check_crash(seed, compiled, matching) for seed in range(100, 160)}
    assert stages == {state.COMMITTED, state.RECORDS, state.PERSONS}
