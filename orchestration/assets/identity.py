"""The steps of identity in Python: scores between rules and persons, and the id map at the end."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from orchestration import identity_map
from orchestration.identity_account import read_account
from orchestration.identity_svg import draw, numbered
from orchestration.identity_words import joined_because
from orchestration.observer import stage
from orchestration.project import WAREHOUSE_POOL, model_keys, source_keys, source_specs
from orchestration.run_rules import rules_of_run
from orchestration.run_settings import RunSettings
from orchestration.warehouse import open_warehouse

_TELLING_PERSON = """
select person_id from identity.id_records
group by person_id order by max(assurance) desc, count(*) desc, person_id limit 1
"""
_COMPARED = [
    dg.AssetKey(["identity", table])
    for table in ("id_comparables", "id_rule_clusters", "id_traits")
]


@dg.multi_asset(
    name="matching",
    specs=[
        spec.replace_attributes(deps=[*_COMPARED, *source_keys("store")])
        for spec in source_specs("identity")
    ],
    pool=WAREHOUSE_POOL,
)
def matching(
    context: dg.AssetExecutionContext, settings: RunSettings
) -> Iterator[dg.MaterializeResult]:
    """Scores new and changed records, and proposes which rule clusters are one person."""
    # Imported here: whoever loads the definitions need not wait for Splink and igraph.
    from orchestration.matching.step import load_model, match

    home = settings.resolved_home()
    model = load_model(rules_of_run(context, home, settings.time()).dbt_project)
    with stage("matching"), open_warehouse(home.warehouse) as connection:
        matched = match(connection, model)
    for key in source_keys("identity"):
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "model": matched.model_version,
                "records_scored": matched.records_scored,
                "pairs_kept": matched.pairs_kept,
                **{f"pairs_{verdict}": count for verdict, count in matched.verdicts.items()},
            },
        )


@dg.asset(
    key=["identity", "id_commit"],
    deps=model_keys("identity"),
    group_name="identity",
    owners=["team-data@assent.example"],
    kinds={"python", "sqlite"},
    description=(
        "Appends this run's identity changes (created, joined, moved, merged, split, retired) to "
        "the store. It comes last: a run killed before it repeats and gets the same ids."
    ),
    pool=WAREHOUSE_POOL,
)
def id_commit(settings: RunSettings) -> dg.MaterializeResult:
    home = settings.resolved_home()
    with stage("identity map"), open_warehouse(home.warehouse) as connection:
        changes = identity_map.commit(connection, home.store_url)
        explained = explain_one(connection, home.identity_drawing)
    return dg.MaterializeResult(metadata={"changes": changes, **explained})


def explain_one(connection: duckdb.DuckDBPyConnection, drawing: Path) -> dict[str, Any]:
    """What joins one person, without their numbers: the most uncertain with the most records."""
    chosen = connection.execute(_TELLING_PERSON).fetchone()
    if chosen is None:
        return {}
    account = read_account(connection, chosen[0])
    named = numbered(account)
    drawing.parent.mkdir(parents=True, exist_ok=True)
    drawing.write_text(draw(replace(account, person_id="of this run"), named), encoding="utf-8")
    links = "\n".join(f"- {line}" for line in joined_because(account, named))
    return {
        "a_person_drawn": dg.MetadataValue.path(str(drawing)),
        "a_person_explained": dg.MetadataValue.md(links or "single records alone"),
    }
