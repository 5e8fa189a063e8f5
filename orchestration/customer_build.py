"""Everything from landing to the contexts outside of a Dagster run: two dbt steps, scores between.

A run does the same as assets (orchestration/assets); a rehearsal of a release and a rebuild after
an erasure call this.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from orchestration.dbt_runner import NodeResult
from orchestration.environment import DBT_PROJECT_DIR, Home
from orchestration.increment.build import Build, all_done
from orchestration.warehouse import open_warehouse


def build_customer(
    home: Home,
    *,
    as_of: datetime,
    project_dir: Path = DBT_PROJECT_DIR,
    data_tests: bool = True,
    select: Sequence[str] | None = None,
) -> list[NodeResult]:
    """Build the selectors `records` and `customer` of a dbt project, or of the latter `select`.

    Stops after the first step when a node of it failed; the results say which. Raises DbtError,
    SourceError or StaleParameters when dbt or the matching model can't be read.
    """
    build = Build(home, as_of, project_dir, data_tests)
    results = build.records()
    if not all_done(results):
        return results
    # Imported here: Dagster's definitions need not wait for Splink.
    from orchestration.matching.step import load_model, match

    model = load_model(project_dir)
    with open_warehouse(home.warehouse) as connection:
        match(connection, model)
    return results + (build.part(select) if select else build.customer())
