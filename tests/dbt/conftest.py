"""One parse of the dbt project for the whole session, one fresh warehouse file for each test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.builder import PROJECT_DIR, Warehouse


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The parsed project; a parse costs several seconds, a build with it about one."""
    from dbt.cli.main import dbtRunner

    directory = tmp_path_factory.mktemp("dbt")
    before, working_directory = os.environ.get("ASSENT_WAREHOUSE"), Path.cwd()
    os.environ["ASSENT_WAREHOUSE"] = str(directory / "warehouse.duckdb")
    outcome = dbtRunner().invoke(
        [
            "parse",
            *("--project-dir", str(PROJECT_DIR)),
            *("--profiles-dir", str(PROJECT_DIR)),
            *("--target-path", str(directory / "target")),
            *("--log-path", str(directory / "logs")),
            *("--quiet", "--log-level-file", "none"),
        ]
    )
    os.chdir(working_directory)
    if outcome.exception is not None:
        raise outcome.exception
    yield outcome.result
    if before is None:
        del os.environ["ASSENT_WAREHOUSE"]
    else:
        os.environ["ASSENT_WAREHOUSE"] = before


@pytest.fixture
def warehouse(tmp_path: Path, manifest: Any) -> Warehouse:
    """A warehouse with empty source tables."""
    created = Warehouse(directory=tmp_path, manifest=manifest)
    created.create()
    return created


@pytest.fixture(scope="module")
def shared_warehouse(
    tmp_path_factory: pytest.TempPathFactory, manifest: Any
) -> Callable[[str], Warehouse]:
    """A maker of warehouses that live as long as the module, for worlds that many tests read."""

    def make(name: str) -> Warehouse:
        created = Warehouse(directory=tmp_path_factory.mktemp(name), manifest=manifest)
        created.create()
        return created

    return make
