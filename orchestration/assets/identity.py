"""The steps of identity in Python: scores between rules and persons, and the id map at the end."""

from collections.abc import Iterator

import dagster as dg

from orchestration import identity_map
from orchestration.observer import stage
from orchestration.project import WAREHOUSE_POOL, model_keys, source_keys, source_specs
from orchestration.run_rules import rules_of_run
from orchestration.run_settings import RunSettings
from orchestration.warehouse import open_warehouse

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
    return dg.MaterializeResult(metadata={"changes": changes})
