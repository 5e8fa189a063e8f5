"""Lineage of a project of 1,000 models with 20 columns: CPU seconds, after an edit of one model
with the cache, and against sqlglot on a sample of the same models.

    python -m tests.benchmarks.lineage [--models 1000] [--sample 40]
"""

import argparse
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlglot import exp
from sqlglot.lineage import lineage as sqlglot_lineage

from expectations.policy.lineage.project import project_lineage
from tests.expectations.policy.lineage.manifests import manifest, model, source

WIDTH = 20
GOAL_SECONDS = 7.0
GOAL_EDIT_SECONDS = 1.0


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--models", type=int, default=1000)
    arguments.add_argument("--sample", type=int, default=40)
    given = arguments.parse_args()
    project = large_project(given.models)
    with tempfile.TemporaryDirectory() as directory:
        cache = Path(directory) / "lineage.json"
        started = time.process_time()
        project_lineage(project, cache=cache)
        seconds = time.process_time() - started
        edited = project["nodes"][f"model.shop.m{given.models // 2}"]
        edited["compiled_code"] += " and c1 is not null"
        started = time.process_time()
        project_lineage(project, cache=cache)
        after_edit = time.process_time() - started
    started = time.process_time()
    with_sqlglot(project, given.sample)
    theirs = (time.process_time() - started) / given.sample * given.models
    print(f"{given.models} models x {WIDTH} columns: {seconds:.2f} CPU s (goal {GOAL_SECONDS})")
    print(f"after an edit of one model: {after_edit:.2f} CPU s (goal {GOAL_EDIT_SECONDS})")
    print(
        f"sqlglot.lineage, scaled up from {given.sample} models: {theirs:.1f} CPU s, "
        f"{theirs / seconds:.1f} times ours"
    )


def large_project(models: int) -> dict[str, Any]:
    """Layers of models: each filters, joins, ranks or groups what one or two earlier ones hold."""
    columns = {f"c{number}": "integer" for number in range(WIDTH)}
    roots = [source(f"root{number}", columns) for number in range(10)]
    made = [_model(number) for number in range(models)]
    return manifest(*roots, *made)


def _model(number: int) -> dict[str, Any]:
    first, second = _relation(number, 1), _relation(number, 7)
    names = [f"c{at}" for at in range(WIDTH)]
    listed = ", ".join(f"f.{name} + 1 as {name}" for name in names[:10])
    others = ", ".join(f"coalesce(s.{name}, f.{name}) as {name}" for name in names[10:])
    body = f"select {listed}, {others} from f left join s on f.c0 = s.c1"
    if number % 3 == 1:
        body += " qualify row_number() over (partition by f.c2 order by f.c3) = 1"
    if number % 3 == 2:
        sums = ", ".join(f"sum({name}) as {name}" for name in names[1:])
        body = f"select c0, {sums} from f group by c0"
    sql = (
        f"with f as (select * from {first[0]}), s as (select * from {second[0]} where c4 > 3), "
        f"joined as ({body}) select * from joined where c0 > {number}"
    )
    return model(f"m{number}", sql, (first[1], second[1]))


def _relation(number: int, back: int) -> tuple[str, str]:
    if number - back * 10 < 0:
        at = number * back % 10
        return f'"shop"."raw"."root{at}"', f"source.shop.raw.root{at}"
    return f'"shop"."mart"."m{number - back * 10}"', f"model.shop.m{number - back * 10}"


def with_sqlglot(project: Mapping[str, Any], sample: int) -> None:
    """Column lineage of some of the models by sqlglot, column by column as its callers do."""
    nodes = list(project["nodes"].values())
    for node in nodes[:: max(1, len(nodes) // sample)][:sample]:
        schema: dict[str, Any] = {"shop": {}}
        for read in node["depends_on"]["nodes"]:
            name = read.rsplit(".", 1)[1]
            place = "raw" if read.startswith("source") else "mart"
            schema["shop"].setdefault(place, {})[name] = _types()
        for at in range(WIDTH):
            found = sqlglot_lineage(
                f"c{at}", node["compiled_code"], schema=schema, dialect="duckdb"
            )
            assert any(isinstance(one.expression, exp.Table) for one in found.walk())


def _types() -> dict[str, str]:
    return {f"c{at}": "int" for at in range(WIDTH)}


if __name__ == "__main__":
    main()
