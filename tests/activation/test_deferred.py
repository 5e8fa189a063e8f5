"""Names that are imported late are the same names, and wait for nobody else's libraries."""

import pkgutil
import subprocess
import sys
from importlib import import_module

import pytest

PACKAGES = ["activation.decisions", "activation.log", "activation.release"]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_of_a_deferred_package_is_found_and_none_is_hidden_by_a_module(
    package: str,
) -> None:
    module = import_module(package)
    names = set(module.__all__)
    assert names
    assert not names & {one.name for one in pkgutil.iter_modules(module.__path__)}
    assert all(getattr(module, name) is not None for name in names)


def test_an_unknown_name_of_a_deferred_package_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'verifyy'"):
        getattr(import_module("activation.log"), "verifyy")  # noqa: B009


def test_a_rollback_waits_for_no_library_that_it_does_not_use() -> None:
    heavy = ["pyarrow", "numpy", "duckdb", "pydantic", "alembic", "dagster", "dbt", "sqlglot"]
    code = (
        "import sys, orchestration.cli_release_rollback\n"
        f"print([one for one in {heavy} if one in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
