from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from activation.decisions import Release
from activation.journeys import JourneySet, load
from activation.release import build
from tests.activation.decisions.worlds import create_world

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def journeys() -> JourneySet:
    return load(ROOT / "activation" / "journeys")


@pytest.fixture(scope="session")
def release(journeys: JourneySet, tmp_path_factory: pytest.TempPathFactory) -> Release:
    regimes = tmp_path_factory.mktemp("regimes") / "regimes.yml"
    regimes.write_text("{}\n", encoding="utf-8")
    return build(journeys, regimes)


@pytest.fixture
def world() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty world with exactly the columns that a decision may read."""
    with duckdb.connect(config={"threads": 2}) as connection:
        create_world(connection)
        yield connection
