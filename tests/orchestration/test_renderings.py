"""A dbt project with an incremental model and a snapshot: what later runs do is checked too."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from expectations.policy.check import Checked, check_project
from expectations.policy.defaults import Defaults
from expectations.policy.finding import Code
from expectations.policy.location import Locator
from orchestration.dbt_runner import build, lineage_cache
from orchestration.environment import DBT_PROJECT_DIR, Home, home
from orchestration.renderings import compiled

ON, NOON = date(2026, 11, 20), datetime(2026, 11, 20, 12, tzinfo=UTC)
HASH = "sha256(concat_ws(chr(31), (select key from {{ source('store', 'hash_key') }}), email))"
LATER_IS_RAW = "{% if is_incremental() %} email {% else %} " + HASH + " {% endif %}"
GATED = (
    "select p.person_id, p.email_hash from {{ ref('people') }} as p "
    "join {{ source('consent', 'con_permits') }} as c on p.person_id = c.person_id "
    "and p.purpose = c.purpose and p.channel = c.channel where c.verdict = 'permit'"
)
_PERSON = {
    "person_id": "user.unique_id",
    "email": "user.contact.email",
    "illness": "user.health_and_medical",
    "seen": "user.behavior",
    "purpose": "system.operations",
    "channel": "system.operations",
}
_PERMITS = dict.fromkeys(("person_id", "purpose", "channel", "verdict"), "system.operations")
_SHARED = {"residency": ["uk"], "retention_days": 9, "purposes": ["marketing"]}
_DECLASSIFY = {
    "method": "keyed_hash",
    "from": ["user.contact.email"],
    "reason": "a match key",
    "approved_by": "dpo@assent.example",
    "ticket": "PRIV-1",
    "expires": "2027-01-01",
}


def meta(**words: Any) -> dict[str, Any]:
    return {"config": {"meta": words}}


def source(name: str, table: str, columns: dict[str, str], **policy: Any) -> dict[str, Any]:
    described = [
        {
            "name": column,
            "data_type": "timestamp" if column == "seen" else "varchar",
            **meta(policy={"categories": [category]}),
        }
        for column, category in columns.items()
    ]
    return {
        "name": name,
        "tables": [{"name": table, "columns": described, **meta(policy=policy)}],
    }


SOURCES = [
    source("raw", "person", _PERSON, event_time="seen", **_SHARED),
    source("store", "hash_key", {"key": "system.operations"}),
    source("consent", "con_permits", _PERMITS),
]
HASHED = {
    "name": "email_hash",
    **meta(
        policy={
            "categories": ["user.unique_id.pseudonymous", "system.operations"],
            "declassify": _DECLASSIFY,
        }
    ),
}
OUT = {
    "name": "out",
    "type": "application",
    "owner": {"email": "team@assent.example"},
    "depends_on": ["ref('leaving')"],
    **meta(sync={"region": "uk", "purpose": ["marketing"], "fields": ["person_id", "email_hash"]}),
}
KEPT = {
    "name": "kept",
    "relation": "ref('people')",
    "config": {
        "schema": "mart",
        "unique_key": "person_id",
        "strategy": "timestamp",
        "updated_at": "seen",
    },
}
FILES = {
    "dbt_project.yml": "name: shop\nprofile: assent\nmodels: {shop: {+schema: mart}}\n",
    "macros/schema.sql": (
        "{% macro generate_schema_name(name, node) %}{{ name or target.schema }}{% endmacro %}"
    ),
    "models/sources.yml": yaml.safe_dump({"sources": SOURCES}),
    "models/people.yml": yaml.safe_dump(
        {"models": [{"name": "people", "columns": [HASHED]}], "exposures": [OUT]}
    ),
    "models/named.sql": (
        "{{ config(materialized='ephemeral') }} select * from {{ source('raw', 'person') }}"
    ),
    "models/people.sql": f"""
{{{{ config(materialized='incremental', unique_key='person_id') }}}}
select person_id, purpose, channel, seen, {HASH} as email_hash, 'ok' as note
from {{{{ ref('named') }}}}
{{% if is_incremental() %}} where seen > (select max(seen) from {{{{ this }}}}) {{% endif %}}
""",
    "models/leaving.sql": GATED,
    "snapshots/kept.yml": yaml.safe_dump({"snapshots": [KEPT]}),
}
#: file, what stands there, what is written instead, and what must be found of it
EDITS = (
    ("models/people.sql", HASH, LATER_IS_RAW, (Code.DECLASSIFY_UNPROVEN, "email_hash")),
    (
        *("models/leaving.sql", "select p", "{{ config(materialized='incremental') }} select p"),
        (Code.NOT_GATED, ""),
    ),
    (
        "models/people.yml",
        "- ref('leaving')",
        "- ref('leaving')\n  - ref('kept')",
        (Code.NOT_GATED, ""),
    ),
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    shutil.copy(DBT_PROJECT_DIR / "profiles.yml", root)
    return root


@pytest.fixture
def place(tmp_path: Path) -> Home:
    return home(tmp_path / "home")


def checked(place: Home, project: Path) -> Checked:
    both = compiled(place, project)
    assert len(both.renderings) == 1
    return check_project(
        both.manifest,
        Locator(project),
        ON,
        cache=lineage_cache(place, project),
        renderings=both.renderings,
        defaults=Defaults(),
    )


def edit(project: Path, file: str, before: str, after: str) -> None:
    text = (project / file).read_text(encoding="utf-8")
    assert before in text
    (project / file).write_text(text.replace(before, after), encoding="utf-8")


def test_both_renderings_of_an_incremental_model_are_compiled_and_checked(
    place: Home, project: Path
) -> None:
    both = compiled(place, project)
    queries = [
        one["nodes"]["model.shop.people"]["compiled_code"]
        for one in (both.manifest, *both.renderings)
    ]
    assert ["max(seen)" in one for one in queries] == [False, True]
    assert all("__dbt__cte__named" in one for one in queries), "an ephemeral model is inlined"
    assert "\n".join(map(str, checked(place, project).findings)) == ""


def test_each_way_that_a_later_run_may_let_more_out_is_found(place: Home, project: Path) -> None:
    later = "{% if is_incremental() %} illness {% else %} 'ok' {% endif %} as note"
    edit(project, "models/people.sql", "'ok' as note", later)
    for file, before, after, _ in EDITS:
        edit(project, file, before, after)
    found = checked(place, project)
    for table in ("people", "kept"):
        (note,) = [
            one for one in found.graph.relations["mart", table].fields if one.column.name == "note"
        ]
        assert note.label.categories == {"user.health_and_medical"}, table
    assert {(one.code, one.column) for one in found.findings} >= {
        expected for *_, expected in EDITS
    }
    assert {one.model for one in found.findings if one.code is Code.NOT_GATED} == {
        "mart.leaving",
        "mart.kept",
    }


def test_a_later_run_that_does_not_bind_is_found(place: Home, project: Path) -> None:
    edit(project, "models/people.sql", "where seen >", "where seem >")
    assert Code.DOES_NOT_BIND in {one.code for one in checked(place, project).findings}


def test_a_project_that_was_compiled_is_built_with_its_ephemeral_models(
    place: Home, project: Path
) -> None:
    compiled(place, project)
    with duckdb.connect(str(place.warehouse)) as warehouse:
        for one in SOURCES:
            (table,) = one["tables"]
            columns = ", ".join(f"{each['name']} {each['data_type']}" for each in table["columns"])
            warehouse.execute(f"create schema {one['name']}")
            warehouse.execute(f"create table {one['name']}.{table['name']} ({columns})")
        warehouse.execute("insert into raw.person by name select 'P1' as person_id")
    found = build(place, selector=None, select=["people"], as_of=NOON, project_dir=project)
    assert [(one.status, one.message) for one in found] == [("success", "OK")]
