"""Retention as a scheduled asset: what is over-age goes, and the report is the asset's metadata."""

import dagster as dg

from orchestration.observer import stage
from orchestration.privacy.retention import RetentionReport, run_retention
from orchestration.project import WAREHOUSE_POOL
from orchestration.run_settings import RunSettings


@dg.asset(
    key=["privacy", "retention"],
    group_name="privacy",
    owners=["team-privacy@assent.example"],
    kinds={"python", "duckdb"},
    description=(
        "Removes what is older than its label allows from landing tables, quarantine, the store "
        "and the log's openings, rebuilds what is derived, and counts what is over-age still."
    ),
    pool=WAREHOUSE_POOL,
)
def retention(settings: RunSettings) -> dg.MaterializeResult:
    with stage("retention"):
        report = run_retention(settings.resolved_home(), settings.time())
    after = report.after
    if after and after.over_age:
        left = ", ".join(f"{name}: {count}" for name, count in after.over_age.items())
        raise dg.Failure(description=f"over-age cells are left: {left}")
    return dg.MaterializeResult(
        metadata={
            "removed": report.total,
            "report": dg.MetadataValue.md(_table(report)),
            "looked_at": dg.MetadataValue.json(after.as_dict() if after else {}),
        }
    )


def _table(report: RetentionReport) -> str:
    rows = [
        f"| {one.relation} | {one.column or 'whole rows'} | {one.days} | {one.count} |"
        for one in report.removed
        if one.count
    ]
    head = ["| relation | column | older than (days) | removed |", "|---|---|---|---|"]
    return "\n".join([*head, *rows]) if rows else "Nothing was over-age."
