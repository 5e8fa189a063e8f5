"""The policy graph of a dbt project: compiled and proven once per state of its files, then read.

The graph decides what may be decided on and what may leave, so it is never older than the files: a
cached one is named by a digest of the project, of the checker itself, and of the exceptions that
have expired by the day it is asked for.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from expectations.policy.check import build_graph
from expectations.policy.graph import PolicyGraph
from expectations.policy.graph_file import dump, load
from expectations.policy.location import Locator
from orchestration import dbt_runner
from orchestration.environment import DBT_PROJECT_DIR, PROJECT_ROOT, Home
from orchestration.renderings import compiled

CHECKER = PROJECT_ROOT / "expectations" / "policy"
KEPT = 4
"""As many graphs as stay in the cache: that of the project, of a release and of its canary."""


def policy_graph(
    home: Home, project_dir: Path = DBT_PROJECT_DIR, on: date | None = None
) -> PolicyGraph:
    """The labelled graph of a dbt project as of the day `on` (UTC; today if not given).

    Raises DbtError when the project does not compile.
    """
    day = on or datetime.now(UTC).date()
    manifest = dbt_runner.read_manifest(home, project_dir)
    name = _name(project_dir, manifest, day)
    path = dbt_runner.output_directory(home, project_dir) / "policy_graphs" / f"{name}.json"
    return _read(path) if path.exists() else _make(home, project_dir, day, path)


def _make(home: Home, project_dir: Path, on: date, path: Path) -> PolicyGraph:
    both = compiled(home, project_dir)
    cache = dbt_runner.lineage_cache(home, project_dir)
    graph = build_graph(both.manifest, Locator(project_dir), on, cache, renderings=both.renderings)
    dbt_runner.write_beside(path, dump(graph))
    for old in sorted(path.parent.glob("*.json"), key=_age)[KEPT:]:
        old.unlink(missing_ok=True)
    return graph


def _age(path: Path) -> float:
    return -path.stat().st_mtime


@cache
def _read(path: Path) -> PolicyGraph:
    # named by its content's causes, so a process may keep what it read
    return load(path.read_bytes())


def _name(project_dir: Path, manifest: Mapping[str, Any], on: date) -> str:
    expired = sorted({day.isoformat() for day in _expiries(manifest) if day <= on})
    causes = [dbt_runner.project_digest(project_dir), _checker_digest(), *expired]
    return hashlib.sha256(json.dumps(causes).encode()).hexdigest()[:24]


def _expiries(manifest: Mapping[str, Any]) -> Iterator[date]:
    """The days on which a declared loosening ends: from then on the labels are others."""
    for node in (*manifest["nodes"].values(), *manifest["sources"].values()):
        for column in node.get("columns", {}).values():
            meta = (column.get("config") or {}).get("meta") or column.get("meta") or {}
            declared = (meta.get("policy") or {}).get("declassify") or {}
            if isinstance(declared, dict) and declared.get("expires"):
                yield date.fromisoformat(str(declared["expires"])[:10])


@cache
def _checker_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(CHECKER.rglob("*")):
        if path.suffix in (".py", ".yml"):
            digest.update(str(path.relative_to(CHECKER)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
