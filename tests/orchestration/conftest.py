"""One small world, one server of runs and one finished run, shared by the tests of the path.

The tests of a file share a worker (`--dist loadfile`), and so what is made here; the finished run
is made by one worker for all of them.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.demo import WorldSummary, write_day, write_world
from orchestration.secret_keys import IDENTITY_KEY_FILE
from tests.hash_key import HASH_KEY
from tests.orchestration.path import Ended, Kill, Runner
from tests.orchestration.places import AS_OF, PEOPLE, SEED, Place

DAYS = 2


@dataclass(frozen=True)
class World:
    """A landing zone that no run has read yet, and what was written into it."""

    place: Place
    summary: WorldSummary


@dataclass(frozen=True)
class Finished:
    """A place after a run."""

    place: Place
    ended: Ended


@dataclass(frozen=True)
class Day:
    """A place after the run of a day; day 0 is the base world."""

    place: Place
    ended: Ended
    as_of: datetime
    written: WorldSummary


Run = Callable[..., Ended]


@pytest.fixture(scope="session")
def path_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests of the path keep what they share."""
    return tmp_path_factory.mktemp("path")


@pytest.fixture(scope="session")
def runner(path_directory: Path) -> Iterator[Runner]:
    """The server of runs."""
    running = Runner(path_directory / "server")
    yield running
    running.close()


@pytest.fixture(scope="session")
def run(runner: Runner) -> Run:
    """Runs the activation job in a place, by default at the time of the base world."""

    def carry_out(place: Place, as_of: datetime = AS_OF, kill: Kill | None = None) -> Ended:
        return runner.run(place.home, place.landing, as_of, kill)

    return carry_out


@pytest.fixture(scope="session")
def world(path_directory: Path) -> World:
    """The base world, never run over: tests copy it, and its key, so that their hashes agree."""
    place = Place(path_directory / "world")
    keys = place.home / "keys"
    keys.mkdir(mode=0o700, parents=True)
    (keys / IDENTITY_KEY_FILE).write_bytes(HASH_KEY.secret)
    summary = write_world(place.landing, people=PEOPLE, seed=SEED, as_of=AS_OF, truth=place.truth)
    return World(place, summary)


@pytest.fixture(scope="session")
def first(
    request: pytest.FixtureRequest, path_directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> Finished:
    """The base world after one run, never run over again: tests copy it."""
    everybodys = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        everybodys = everybodys.parent
    made, told = Place(everybodys / "first"), everybodys / "first.json"
    own = path_directory / "first"
    with _locked(everybodys / "first.lock"):
        if told.exists():
            return Finished(made.copy_to(own), Ended(**json.loads(told.read_text())))
        place = request.getfixturevalue("world").place.copy_to(own)
        ended: Ended = request.getfixturevalue("run")(place)
        assert ended.succeeded, ended.problems
        place.copy_to(made.root)
        told.write_text(json.dumps(asdict(ended)))
    return Finished(place, ended)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One worker at a time."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def days(world: World, first: Finished, run: Run, path_directory: Path) -> list[Day]:
    """The base world's run and one run per day after it; each day's place is kept as it was."""
    made = [Day(first.place, first.ended, AS_OF, world.summary)]
    for number in range(1, DAYS + 1):
        place = made[-1].place.copy_to(path_directory / f"day-{number}")
        written = write_day(
            place.landing, people=PEOPLE, seed=SEED, as_of=AS_OF, day=number, truth=place.truth
        )
        as_of = AS_OF + timedelta(days=number)
        ended = run(place, as_of)
        assert ended.succeeded, ended.problems
        made.append(Day(place, ended, as_of, written))
    return made


@pytest.fixture(scope="session")
def prepared_home(runner: Runner, first: Finished, path_directory: Path) -> Path:
    """A home with a parsed dbt project, for definitions that are loaded in the test's process."""
    return path_directory / "server" / "home"


@pytest.fixture
def in_prepared_home(prepared_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of a deployment whose home is the prepared one."""
    monkeypatch.setenv("ASSENT_HOME", str(prepared_home))
    return prepared_home


@pytest.fixture
def definitions(in_prepared_home: Path) -> Any:
    """What Dagster loads."""
    from orchestration.definitions import defs

    return defs


@pytest.fixture
def manifest(in_prepared_home: Path) -> dict[str, Any]:
    """The dbt project's manifest."""
    from orchestration.project import manifest as read

    return read()
