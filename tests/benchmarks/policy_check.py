"""The whole policy check (lineage, labels, syncs, gate, YAML) of 1,000 models with 20 columns: CPU
seconds, after an edit of one model with the cache, and against the same inference on sqlglot.

    python -m tests.benchmarks.policy_check [--models 1000] [--sample 40]

dbt's own compilation is not counted: it is the same whoever checks.
"""

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from sqlglot import exp
from sqlglot.lineage import lineage as sqlglot_lineage

from expectations.policy.check import Checked, check_project
from expectations.policy.label import UNRESTRICTED, Label
from expectations.policy.location import Locator
from tests.benchmarks.lineage import WIDTH, large_project

ON = date(2026, 11, 20)
GOAL_SECONDS, GOAL_EDIT_SECONDS = 10.0, 1.0
POLICY = {
    "residency": ["eu", "uk"],
    "retention_days": 365,
    "purposes": ["renewal", "marketing"],
    "event_time": "c3",
}
CATEGORIES = ("user.unique_id", "user.contact.email", "user.financial.claim", "user.name.first")
_Result = TypeVar("_Result")


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--models", type=int, default=1000)
    arguments.add_argument("--sample", type=int, default=40)
    given = arguments.parse_args()
    project = labelled_project(given.models)
    with tempfile.TemporaryDirectory() as folder:
        locator, cache = Locator(Path(folder)), Path(folder) / "lineage.json"

        def check() -> Checked:
            return check_project(project, locator, ON, cache=cache)

        seconds, first = measured(check)
        edited = project["nodes"][f"model.shop.m{given.models // 2}"]
        edited["compiled_code"] += " and c1 is not null"
        after_edit, second = measured(check)
    assert first.findings == second.findings == ()
    columns = sum(len(one.fields) for one in first.graph.relations.values())
    assert columns == (given.models + 10) * WIDTH
    assert all(
        one.label.categories for each in first.graph.relations.values() for one in each.fields
    )
    theirs, _ = measured(lambda: labels_by_sqlglot(project, given.sample, first))
    scaled = theirs / given.sample * given.models
    print(
        f"{given.models} models, {columns} columns labelled: {seconds:.2f} CPU s "
        f"(goal {GOAL_SECONDS})"
    )
    print(f"after an edit of one model: {after_edit:.2f} CPU s (goal {GOAL_EDIT_SECONDS})")
    print(
        f"labels by sqlglot.lineage, scaled up from {given.sample} models: {scaled:.1f} CPU s, "
        f"{scaled / seconds:.1f} times ours"
    )


def measured(work: Callable[[], _Result]) -> tuple[float, _Result]:
    gc.collect()
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def labelled_project(models: int) -> dict[str, Any]:
    """The project of the lineage benchmark, whose roots have labels, and a model in ten too."""
    project = large_project(models)
    for node in project["sources"].values():
        node |= {"source_name": "raw", "name": node["identifier"]}
        node["config"] = {"meta": {"policy": POLICY}}
        for at, column in enumerate(node["columns"].values()):
            column["config"] = {"meta": {"policy": {"categories": [CATEGORIES[at % 4]]}}}
    for node in list(project["nodes"].values()):
        node["name"] = node["alias"]
    for node in list(project["nodes"].values())[::10]:
        tightened = {"policy": {"retention_days": 30, "purposes": ["renewal"]}}
        node["columns"] = {"c5": {"name": "c5", "config": {"meta": tightened}}}
    return project


def labels_by_sqlglot(project: Mapping[str, Any], sample: int, ours: Checked) -> None:
    """The labels of some of the models' columns, as the join of those that sqlglot finds below.

    The labels of what they read are taken as known, so that a sample can stand for all.
    """
    nodes = list(project["nodes"].values())
    for node in nodes[:: max(1, len(nodes) // sample)][:sample]:
        schema: dict[str, Any] = {"shop": {}}
        for read in node["depends_on"]["nodes"]:
            place = "raw" if read.startswith("source") else "mart"
            types = {f"c{at}": "int" for at in range(WIDTH)}
            schema["shop"].setdefault(place, {})[read.rsplit(".", 1)[1]] = types
        for at in range(WIDTH):
            label = UNRESTRICTED
            name = f"c{at}"
            for one in sqlglot_lineage(
                name, node["compiled_code"], schema, dialect="duckdb"
            ).walk():
                if isinstance(one.expression, exp.Table):
                    label = label.join(_known(ours, one.expression, one.name))
            assert label.categories, f"{node['name']}.{name}"


def _known(ours: Checked, table: exp.Table, name: str) -> Label:
    relation = ours.graph.relations[table.db, table.name]
    column = name.rsplit(".", 1)[-1].strip('"').lower()
    return next(one.label for one in relation.fields if one.column.name == column)


if __name__ == "__main__":
    main()
