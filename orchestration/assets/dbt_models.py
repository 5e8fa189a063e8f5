"""The dbt steps. Between the first two stand the scores of the probabilistic layer, before the last
the decisions and their gate: one step would build the audience before a failing check is seen."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test

from orchestration import dbt_runner
from orchestration.dbt_runner import NodeResult
from orchestration.environment import Home
from orchestration.increment.build import DONE, Build
from orchestration.observer import stage
from orchestration.project import TRANSLATOR, WAREHOUSE_POOL, manifest
from orchestration.run_rules import rules_of_run
from orchestration.run_settings import RunSettings

NOT_UNIT_TESTS = "resource_type:unit_test"


@dbt_assets(
    manifest=manifest(),
    selector="records",
    exclude="",
    name="dbt_records",
    dagster_dbt_translator=TRANSLATOR,
    pool=WAREHOUSE_POOL,
)
def dbt_records(context: dg.AssetExecutionContext, settings: RunSettings) -> Iterator[Any]:
    """Staging, and identity up to what the rules alone say."""
    yield from _build(context, settings, Build.records, "models: staging to rule clusters")


@dbt_assets(
    manifest=manifest(),
    selector="customer",
    exclude="",
    name="dbt_customer",
    dagster_dbt_translator=TRANSLATOR,
    pool=WAREHOUSE_POOL,
)
def dbt_customer(context: dg.AssetExecutionContext, settings: RunSettings) -> Iterator[Any]:
    """Persons, consent, profiles and contexts."""
    yield from _build(context, settings, Build.customer, "models: persons to contexts")


@dbt_assets(
    manifest=manifest(),
    selector="outbound",
    exclude="",
    name="dbt_outbound",
    dagster_dbt_translator=TRANSLATOR,
    pool=WAREHOUSE_POOL,
)
def dbt_outbound(context: dg.AssetExecutionContext, settings: RunSettings) -> Iterator[Any]:
    """What leaves: exactly the allow-listed fields of each destination."""
    yield from _build(context, settings, Build.outbound, "models: outbound")


def _build(
    context: dg.AssetExecutionContext,
    settings: RunSettings,
    whole: Callable[[Build], list[NodeResult]],
    title: str,
) -> Iterator[Any]:
    """Build, report each model and data test to Dagster, and fail when any of them failed."""
    home = settings.resolved_home()
    project_dir = rules_of_run(context, home, settings.time()).dbt_project
    _require_loaded(home, project_dir)
    with stage(title) as announced:
        build = Build(
            home,
            settings.time(),
            project_dir,
            on_event=lambda event: _announce(announced.detail, event),
        )
        chosen = _selected_models(context) if context.is_subset else None
        results = whole(build) if chosen is None else build.part(chosen)
    failed = [result for result in results if result.status not in DONE]
    for result in results:
        yield from _event(context, result)
    if failed:
        raise dg.Failure(
            description="\n".join(
                f"{result.unique_id}: {result.status}: {result.message}" for result in failed[:20]
            )
        )


def _require_loaded(home: Home, project_dir: Path) -> None:
    """Fail when the release of the run has other models than the assets that Dagster has loaded."""
    released = dbt_runner.parse(home, project_dir)
    if released.nodes.keys() != manifest()["nodes"].keys():
        raise dg.Failure(
            description="The active release has other models or tests than the assets that are "
            "loaded. Fix: reload the code location (Deployment, Code locations, Reload), and run "
            "again."
        )


def _selected_models(context: dg.AssetExecutionContext) -> list[str]:
    wanted = set(context.selected_asset_keys)
    return sorted(
        node["name"]
        for node in manifest()["nodes"].values()
        if node["resource_type"] == "model" and TRANSLATOR.get_asset_key(node) in wanted
    )


def _event(context: dg.AssetExecutionContext, result: NodeResult) -> Iterator[Any]:
    node = manifest()["nodes"].get(result.unique_id)
    if node is None:  # an exposure: dbt reports it as done without doing anything
        return
    if node["resource_type"] == "model" and result.status in DONE:
        yield dg.MaterializeResult(
            asset_key=TRANSLATOR.get_asset_key(node),
            metadata={"seconds": result.seconds, **TRANSLATOR.policy_metadata(node)},
        )
    if node["resource_type"] == "test":
        yield from _check(context, result, node)


def _check(
    context: dg.AssetExecutionContext, result: NodeResult, node: dict[str, Any]
) -> Iterator[dg.AssetCheckResult]:
    key = get_asset_check_key_for_test(manifest(), TRANSLATOR, result.unique_id, None)
    if key is None or key not in context.selected_asset_check_keys:
        return
    severity = str(node["config"]["severity"]).upper()
    yield dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=result.status == "pass",
        severity=dg.AssetCheckSeverity.WARN if severity == "WARN" else dg.AssetCheckSeverity.ERROR,
        metadata={"status": result.status, "failing_rows": result.failures},
    )


def _announce(detail: Any, event: Any) -> None:
    if event.info.name == "LogStartLine":
        detail(event.data.description)
