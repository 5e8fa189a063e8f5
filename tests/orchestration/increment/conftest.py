"""The compiled models and the matching model, once for the tests of increments."""

from typing import Any

import pytest

from orchestration import dbt_runner
from orchestration.environment import DBT_PROJECT_DIR
from orchestration.environment import home as home_at
from orchestration.increment.models import Models
from orchestration.matching.scoring import Model
from orchestration.matching.step import load_model
from tests.orchestration.increment.world import AS_OF


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """dbt's manifest with compiled SQL."""
    home = home_at(tmp_path_factory.mktemp("compiled"))
    return dbt_runner.compile_project(home, DBT_PROJECT_DIR)


@pytest.fixture(scope="session")
def models(compiled: dict[str, Any]) -> Models:
    return Models.of(compiled, AS_OF)


@pytest.fixture(scope="session")
def matching() -> Model:
    return load_model(DBT_PROJECT_DIR)
