"""One asset per sync, built from dbt's exposures: what leaves, behind the second gate."""

from typing import Any

import dagster as dg

from activation.syncs import SyncReport, check_targets
from orchestration import sync_step
from orchestration.assets.gates import BEFORE_SYNCS
from orchestration.observer import stage
from orchestration.project import TRANSLATOR, WAREHOUSE_POOL, exposures, manifest
from orchestration.run_rules import rules_of_run
from orchestration.run_settings import RunSettings


def _asset(exposure: dict[str, Any]) -> dg.AssetsDefinition:
    spec = sync_step.spec_of(exposure)
    model = manifest()["nodes"][exposure["depends_on"]["nodes"][0]]

    @dg.asset(
        key=["syncs", spec.name],
        deps=[TRANSLATOR.get_asset_key(model), BEFORE_SYNCS],
        group_name="syncs",
        description=exposure["description"],
        owners=[exposure["owner"]["email"]],
        kinds={"reverseetl", spec.connector},
        metadata={
            "destination": spec.destination,
            "region": spec.region,
            "processor": spec.processor,
            "purpose": ", ".join(spec.purpose),
            "fields": ", ".join(spec.fields),
        },
        pool=WAREHOUSE_POOL,
    )
    def sync(context: dg.AssetExecutionContext, settings: RunSettings) -> dg.MaterializeResult:
        with stage(f"sync {spec.name}") as announced:
            home, as_of = settings.resolved_home(), settings.time()
            report = sync_step.run(home, spec, as_of, rules_of_run(context, home, as_of))
            announced.report("sync", spec.name, _described(report))
        if report is not None and (report.stopped or report.overdue_removals):
            context.log.warning(
                f"{spec.name}: stopped={report.stopped}, "
                f"removals that are overdue={report.overdue_removals}"
            )
        for refusal in report.refusals if report is not None else []:
            context.log.warning(f"{spec.name} sends removals alone: {refusal}")
        return dg.MaterializeResult(metadata=_metadata(report))

    return sync


def _described(report: SyncReport | None) -> dict[str, Any]:
    if report is None:
        return {"note": "destination not set up in this home"}
    return report.as_dict()


def _metadata(report: SyncReport | None) -> dict[str, Any]:
    """The report as Dagster metadata: numbers as numbers, so that the UI plots them."""
    return {
        name: value if isinstance(value, int | float | str) else dg.MetadataValue.json(value)
        for name, value in _described(report).items()
        if value is not None
    }


check_targets([sync_step.spec_of(exposure) for exposure in exposures()])
SYNCS = [_asset(exposure) for exposure in exposures()]
