"""This project's own models, edited at random: what then may not leave is found, however far away.

An amount of an invoice may serve one purpose, which no sync has. It is put into a column of some
model from which a value goes, over up to six models, to a field that a sync sends.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from activation.journeys import load
from expectations.policy.check import Checked, check_project
from expectations.policy.finding import Code
from expectations.policy.lineage.edges import Column
from expectations.policy.location import Locator
from expectations.policy.nodes import meta, nodes_by_key
from orchestration.dbt_runner import compile_project
from orchestration.environment import DBT_PROJECT_DIR, PROJECT_ROOT, home
from orchestration.policy_check import journey_uses

pytestmark = pytest.mark.slow

EDITS, HARMLESS = 60, 30
BILLED = ("landing", "billing_invoices")
LEAK = """
select * replace (
    case when (select max(amount) from {billed}) > 0 then {column} end as {column}
)
from (
{sql}
) as made
"""
WRITTEN_OTHERWISE = (
    "with made as (\n{sql}\n)\n\nselect * from made",
    "select made.* from (\n{sql}\n) as made where true",
    "select *, 1 as one_more from (\n{sql}\n) as made",
)
Manifest = dict[str, Any]


class Project:
    """The compiled project, to be checked with one model's SQL replaced."""

    def __init__(self, place: Path) -> None:
        self.manifest: Manifest = compile_project(home(place))
        self.nodes = nodes_by_key(self.manifest)
        self._cache = place / "lineage.json"
        self._journeys = journey_uses(load(PROJECT_ROOT / "activation" / "journeys"))
        self._on: date = datetime.now(UTC).date()

    def check(self, edited: Mapping[str, Any] | None = None) -> Checked:
        manifest = self.manifest
        if edited is not None:
            nodes = {**manifest["nodes"], edited["unique_id"]: edited}
            manifest = {**manifest, "nodes": nodes}
        locator = Locator(DBT_PROJECT_DIR)
        return check_project(manifest, locator, self._on, self._journeys, self._cache)

    def rewritten(self, key: tuple[str, str], sql: str, **words: str) -> dict[str, Any]:
        """The model with other SQL, which may read the invoices too."""
        node, billed = self.nodes[key], self.nodes[BILLED]
        table = ".".join(f'"{billed[part]}"' for part in ("database", "schema", "identifier"))
        reads = [*node["depends_on"]["nodes"], billed["unique_id"]]
        return {
            **node,
            "compiled_code": sql.format(sql=node["compiled_code"], billed=table, **words),
            "depends_on": {**node["depends_on"], "nodes": reads},
        }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("edits"))


@pytest.fixture(scope="module")
def checked(project: Project) -> Checked:
    return project.check()


def sent(project: Project) -> Iterator[Column]:
    """Every column that a sync sends."""
    for exposure in project.manifest["exposures"].values():
        for name in exposure["depends_on"]["nodes"]:
            node = project.manifest["nodes"][name]
            for field in meta(exposure)["sync"]["fields"]:
                yield Column(node["schema"], node["alias"], field)


def value_sources(checked: Checked, column: Column) -> set[Column]:
    """Columns of models that the value of a column comes from, and itself."""
    found, waiting = set[Column](), [column]
    while waiting:
        one = waiting.pop()
        lineage = checked.graph.relations[one.schema, one.table].lineage
        if one not in found and lineage is not None:
            found.add(one)
            waiting += next(each.value for each in lineage.columns if each.name == one.name)
    return found


def test_what_may_not_leave_is_found_wherever_it_is_put_into_a_sent_value(
    project: Project, checked: Checked
) -> None:
    assert checked.findings == ()
    places = sorted(
        {
            source
            for column in sent(project)
            for source in value_sources(checked, column)
            if project.nodes[source.schema, source.table]["config"]["materialized"]
            in ("table", "view")
        }
    )
    assert len({(one.schema, one.table) for one in places}) > 20
    for place in Random(7).sample(places, EDITS):
        edited = project.rewritten((place.schema, place.table), LEAK, column=f'"{place.name}"')
        codes = {one.code for one in project.check(edited).findings}
        assert Code.PURPOSE in codes, place


def test_a_model_that_is_written_otherwise_is_no_finding(
    project: Project, checked: Checked
) -> None:
    rng = Random(7)
    keys = sorted(
        key
        for key, node in project.nodes.items()
        if node["resource_type"] == "model" and node["config"]["materialized"] in ("table", "view")
    )
    for key in rng.sample(keys, HARMLESS):
        edited = project.rewritten(key, rng.choice(WRITTEN_OTHERWISE))
        assert project.check(edited).findings == (), key
