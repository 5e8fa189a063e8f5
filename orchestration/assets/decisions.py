"""The decisions: audience, action and decision log, behind the first gate."""

from collections.abc import Iterator

import dagster as dg

from orchestration.assets.gates import BEFORE_DECISIONS
from orchestration.decision_step import decide_and_log
from orchestration.observer import stage
from orchestration.project import WAREHOUSE_POOL, model_keys, source_keys, source_specs
from orchestration.run_settings import RunSettings

_READS = [
    *model_keys("contexts", "consent"),
    dg.AssetKey(["identity", "id_commit"]),
    BEFORE_DECISIONS,
]


@dg.multi_asset(
    name="decisions",
    specs=[spec.replace_attributes(deps=_READS) for spec in source_specs("activation")],
    pool=WAREHOUSE_POOL,
)
def decisions(settings: RunSettings) -> Iterator[dg.MaterializeResult]:
    """Every candidate of every node through every gate, sealed in the log, with its reason."""
    with stage("decisions") as announced:
        report = decide_and_log(settings.resolved_home(), settings.time())
        announced.report("decisions", "new", {"rows": report.new_rows, "release": report.release})
    for key in source_keys("activation"):
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "release": report.release,
                "new_decisions": report.new_rows,
                "decisions_in_the_log": report.logged,
                "batch": report.batch if report.batch is not None else "none: nothing new",
                **{f"outcome_{name}": count for name, count in report.outcomes.items()},
            },
        )
