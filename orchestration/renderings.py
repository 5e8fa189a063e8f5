"""The SQL of this project as dbt writes it for a first run, and for a later one that finds its
tables: an incremental model is another query then."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from expectations.policy.lineage.manifest import Manifest
from expectations.policy.lineage.project import examine_project
from expectations.policy.lineage.shadow import quoted
from orchestration.dbt_runner import compile_project, lineage_cache
from orchestration.environment import DBT_PROJECT_DIR, Home


@dataclass(frozen=True)
class Compiled:
    """A project's manifest as of a first run, and those of later runs whose SQL may differ."""

    manifest: Manifest
    renderings: tuple[Manifest, ...]


def compiled(home: Home, project_dir: Path = DBT_PROJECT_DIR) -> Compiled:
    """Both renderings of a project; dbt compiles it twice only where there is an incremental model.

    Raises DbtError when it doesn't compile.
    """
    manifest = compile_project(home, project_dir)
    if not any(
        node["config"].get("materialized") == "incremental" for node in manifest["nodes"].values()
    ):
        return Compiled(manifest, ())
    tables = partial(_create_tables, manifest, lineage_cache(home, project_dir))
    return Compiled(manifest, (compile_project(home, project_dir, tables),))


def _create_tables(manifest: Manifest, cache: Path, path: Path) -> None:
    """Make a database with the tables that a first run leaves, without a row."""
    lineages = examine_project(manifest, cache=cache).relations
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        for (schema, table), lineage in lineages.items():
            definition = ", ".join(f"{quoted(one.name)} {one.type}" for one in lineage.columns)
            connection.execute(f"create schema if not exists {quoted(schema)}")
            connection.execute(f"create table {quoted(schema)}.{quoted(table)} ({definition})")
