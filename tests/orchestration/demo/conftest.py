"""One demo world for the tests that only read it, and one with days after it."""

import pytest

from orchestration.demo import write_day, write_world
from tests.orchestration.demo.worlds import AS_OF, DAYS, PEOPLE, SEED, Written, digests


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The base world alone."""
    landing = tmp_path_factory.mktemp("base") / "landing"
    summary = write_world(landing, people=PEOPLE, seed=SEED, as_of=AS_OF)
    return Written(landing, summary.truth, summary, digests(landing))


@pytest.fixture(scope="session")
def later(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The same world with three days after it, each written by itself."""
    landing = tmp_path_factory.mktemp("later") / "landing"
    summary = write_world(landing, people=PEOPLE, seed=SEED, as_of=AS_OF)
    before = digests(landing)
    days = tuple(
        write_day(landing, people=PEOPLE, seed=SEED, as_of=AS_OF, day=day)
        for day in range(1, DAYS + 1)
    )
    return Written(landing, summary.truth, summary, before, days)
