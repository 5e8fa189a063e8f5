"""The checker against edits of SQL: every one that lets more out is caught, no harmless one is."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

from expectations.policy.check import check_project
from expectations.policy.finding import Code
from expectations.policy.location import Locator
from tests.expectations.policy import sql_edits, sql_queries
from tests.expectations.policy.lineage.manifests import manifest, model, source

ON = date(2026, 11, 20)
SHARED = {"residency": ["uk"], "retention_days": 365, "purposes": ["marketing"]}
PERSON = {
    "person_id": "user.unique_id",
    "email": "user.contact.email",
    "amount": "user.financial",
    "region": "user.contact.address.country",
    "purpose": "system.operations",
    "channel": "system.operations",
}
HASH = (
    "sha256(concat_ws(chr(31), (select key from shop.store.hash_key), lower(email))) as email_hash"
)
HAVING = "having count(distinct person_id) >= 20"
JOIN = (
    "join shop.consent.con_permits as c on h.person_id = c.person_id "
    "and h.purpose = c.purpose and h.channel = c.channel"
)
BRANCH = f"select h.person_id, h.email_hash from shop.mart.hashed as h {JOIN}"
GATED = f"{BRANCH} where c.verdict = 'permit'"
SQL = {
    "hashed": f"select person_id, purpose, channel, {HASH} from shop.raw.person",
    "spend": f"select region, avg(amount) as amount from shop.raw.person group by region {HAVING}",
    "leaving": f"{GATED} and h.channel = 'email' union all {GATED} and h.channel = 'sms'",
}
#: name -> the model, what stands in its SQL, what is written there instead, what must be found
MUTATIONS: Mapping[str, tuple[str, str, str, Code]] = {
    "a branch without permits": (
        "leaving",
        f"union all {GATED} and",
        "union all select h.person_id, h.email_hash from shop.mart.hashed as h where",
        Code.NOT_GATED,
    ),
    "a branch of those who refused": (
        "leaving",
        "union all " + GATED,
        f"union all {BRANCH} where c.verdict = 'deny'",
        Code.NOT_GATED,
    ),
    "an outer join with the permits": (
        "leaving",
        f"union all {GATED} and",
        f"union all {BRANCH.replace('join', 'left join')} and c.verdict = 'permit' where",
        Code.NOT_GATED,
    ),
    "a permit for any purpose": ("leaving", "h.purpose = c.purpose and ", "", Code.NOT_GATED),
    "another branch": (
        "leaving",
        "union all",
        "union all select h.person_id, h.email_hash from shop.mart.hashed as h union all",
        Code.NOT_GATED,
    ),
    "a hash without the key": (
        "hashed",
        HASH,
        "md5(lower(email)) as email_hash",
        Code.DECLASSIFY_UNPROVEN,
    ),
    "a value beside the hash": (
        "hashed",
        " as email_hash",
        " || email as email_hash",
        Code.DECLASSIFY_UNPROVEN,
    ),
    "the value instead of the hash": (
        "hashed",
        HASH,
        "lower(email) as email_hash",
        Code.DECLASSIFY_UNPROVEN,
    ),
    "a renamed column of a sync": (
        "leaving",
        "h.email_hash",
        "h.email_hash as hash",
        Code.NO_SUCH_COLUMN,
    ),
    "a renamed column of a model": ("hashed", "as email_hash", "as hash", Code.DOES_NOT_BIND),
    "groups of any size": ("spend", HAVING, "", Code.DECLASSIFY_UNPROVEN),
    "groups of half the size": ("spend", ">= 20", ">= 10", Code.DECLASSIFY_UNPROVEN),
    "groups of rows, not people": (
        "spend",
        "count(distinct person_id)",
        "count(*)",
        Code.DECLASSIFY_UNPROVEN,
    ),
    "the largest value of a group": (
        "spend",
        "avg(amount)",
        "max(amount)",
        Code.DECLASSIFY_UNPROVEN,
    ),
}
HARMLESS: Mapping[str, tuple[str, str, str]] = {
    "fewer rows": ("leaving", "h.channel = 'sms'", "h.channel = 'sms' and h.person_id <> ''"),
    "a CTE": ("hashed", SQL["hashed"], f"with a as ({SQL['hashed']}) select * from a"),
    "larger groups": ("spend", ">= 20", ">= 50"),
    "a sum": ("spend", "avg(amount)", "sum(amount)"),
    "another order of the gate": (
        "leaving",
        "h.person_id = c.person_id",
        "c.person_id = h.person_id",
    ),
}


def declassified(method: str, category: str, released: str, **more: Any) -> dict[str, Any]:
    declared = {"method": method, "from": [released], "reason": "a match key", **more}
    approval = {"approved_by": "dpo@assent.example", "ticket": "PRIV-1", "expires": "2027-01-01"}
    categories = [category, "system.operations"]
    return {"categories": categories, "declassify": declared | approval}


def labelled(node: dict[str, Any], policies: Mapping[str, Any], **own: Any) -> dict[str, Any]:
    """A node with the policies of its columns and its own."""
    name = node.get("identifier") or node["alias"]
    columns = {
        column: {
            **node["columns"].get(column, {}),
            "name": column,
            "config": {"meta": {"policy": policy}},
        }
        for column, policy in policies.items()
    }
    config = {**node.get("config", {}), "meta": {"policy": own}}
    return {**node, "name": name, "source_name": "s", "columns": columns, "config": config}


def root(name: str, schema: str, categories: Mapping[str, str]) -> dict[str, Any]:
    return labelled(
        source(name, dict.fromkeys(categories, "varchar"), schema),
        {column: {"categories": [category]} for column, category in categories.items()},
        event_time=next(iter(categories)),
        **SHARED,
    )


def project(sql: Mapping[str, str]) -> dict[str, Any]:
    operations = "system.operations"
    permits = dict.fromkeys(("purpose", "channel", "verdict"), operations)
    person = root("person", "raw", PERSON)
    person["columns"]["amount"]["data_type"] = "double"
    hashed = declassified("keyed_hash", "user.unique_id.pseudonymous", "user.contact.email")
    spend = declassified("aggregate", "user.contact.address.country", "user.financial", k=20)
    reads = "source.shop.raw.person", "source.shop.store.hash_key"
    made = manifest(
        person,
        root("con_permits", "consent", {"person_id": "user.unique_id", **permits}),
        root("hash_key", "store", {"key": operations}),
        root("permits", "raw", {"person_id": "user.unique_id", **permits}),
        labelled(model("hashed", sql["hashed"], reads), {"email_hash": hashed}),
        labelled(model("spend", sql["spend"], reads[:1]), {"amount": spend}),
        labelled(
            model(
                "leaving",
                sql["leaving"],
                (
                    *("model.shop.hashed", "source.shop.consent.con_permits"),
                    *("source.shop.raw.permits", *reads[:1]),
                ),
            ),
            {},
        ),
    )
    sync = {
        "region": "uk",
        "purpose": ["marketing"],
        "fields": ["person_id", "email_hash"],
        "denied_categories": ["user.contact", "user.financial"],
    }
    made["exposures"] = {
        "exposure.shop.out": {
            "name": "out",
            "resource_type": "exposure",
            "original_file_path": "models/exposures.yml",
            "depends_on": {"nodes": ["model.shop.leaving"]},
            "config": {"meta": {"sync": sync}},
        }
    }
    return made


def judged(sql: Mapping[str, str], **materialized: str) -> set[Code]:
    made = project(sql)
    for model_name, kind in materialized.items():
        made["nodes"][f"model.shop.{model_name}"]["config"]["materialized"] = kind
    checked = check_project(made, Locator(Path("nowhere")), ON)
    return {one.code for one in checked.findings}


def found(edited: str, before: str, after: str) -> set[Code]:
    assert before in SQL[edited], "the mutation changes nothing"
    return judged({**SQL, edited: SQL[edited].replace(before, after)})


def test_the_sql_as_it_stands_has_no_finding() -> None:
    assert check_project(project(SQL), Locator(Path("nowhere")), ON).findings == ()


@pytest.mark.parametrize("name", MUTATIONS)
def test_sql_that_lets_more_out_is_caught(name: str) -> None:
    edited, before, after, code = MUTATIONS[name]
    assert code in found(edited, before, after)


@pytest.mark.parametrize("kind", ["incremental", "solver"])
@pytest.mark.parametrize(
    ("edited", "code"),
    [("hashed", Code.DECLASSIFY_UNPROVEN), ("leaving", Code.NOT_GATED)],
)
def test_rows_that_the_query_did_not_make_now_prove_nothing(
    edited: str, code: Code, kind: str
) -> None:
    """An incremental model whose later query is not known, and a materialisation of one's own."""
    assert code in judged(SQL, **{edited: kind})


@pytest.mark.parametrize("kind", ["view", "external"])
def test_how_the_rows_of_a_query_are_stored_is_no_finding(kind: str) -> None:
    assert judged(SQL, hashed=kind, leaving=kind) == set()


@pytest.mark.parametrize("name", HARMLESS)
def test_sql_that_lets_out_the_same_or_less_is_no_finding(name: str) -> None:
    assert found(*HARMLESS[name]) == set()


def judge(number: int, seed: int) -> tuple[list[str], list[str]]:
    """Loosening edits that were missed, and harmless ones that were found, of `number` different
    ones each."""
    rng = Random(seed)
    missed, alarms = [], []
    seen: set[tuple[str, ...]] = set()
    while len(seen) < number:
        sql, code = sql_edits.loosening(rng)
        if tuple(sql.values()) not in seen and code not in (codes := judged(sql)):
            missed.append(f"{code} not in {sorted(codes)}: {sql}")
        seen.add(tuple(sql.values()))
    seen.clear()
    while len(seen) < number // 4:
        sql = sql_queries.harmless(rng)
        if tuple(sql.values()) not in seen and (codes := judged(sql)):
            alarms.append(f"{sorted(codes)}: {sql}")
        seen.add(tuple(sql.values()))
    return missed, alarms


def test_random_edits_that_let_more_out_are_caught_and_harmless_ones_are_not() -> None:
    assert judge(60, seed=7) == ([], [])


@pytest.mark.slow
def test_a_thousand_edits_of_sql_that_let_more_out_are_caught_and_no_harmless_one_is() -> None:
    assert judge(1_200, seed=20261120) == ([], [])
