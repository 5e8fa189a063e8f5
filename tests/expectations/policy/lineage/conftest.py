"""The sample schema of the hand-scored suite, as an empty catalog."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from expectations.policy.lineage.shadow import ShadowCatalog

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def catalog() -> Iterator[ShadowCatalog]:
    """The tables of constructs/_schema.yml in the database `memory`, schema by schema."""
    schema = yaml.safe_load((HERE / "constructs" / "_schema.yml").read_text())
    with ShadowCatalog(["sample"]) as created:
        for name, columns in schema["tables"].items():
            place, table = name.split(".")
            created.create("sample", place, table, columns)
        yield created
