"""The decisions: audience, action and decision log, behind the first gate."""

from collections.abc import Iterator

import dagster as dg

from orchestration.assets.gates import BEFORE_DECISIONS
from orchestration.decision_step import decide_and_log
from orchestration.observer import stage
from orchestration.project import WAREHOUSE_POOL, model_keys, source_keys, source_specs
from orchestration.rules import differing_files
from orchestration.run_rules import rules_of_run
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
def decisions(
    context: dg.AssetExecutionContext, settings: RunSettings
) -> Iterator[dg.MaterializeResult]:
    """Every candidate of every node through every gate, sealed in the log, with its reason."""
    with stage("decisions") as announced:
        home, as_of = settings.resolved_home(), settings.time()
        rules = rules_of_run(context, home, as_of)
        report = decide_and_log(home, as_of, rules)
        announced.report(
            "decisions",
            "new",
            {
                "rows": report.new_rows,
                "release": report.release,
                "canary": report.canary,
                "halted": report.halted,
                "refused": report.refused,
                "differing": differing_files(rules.release),
            },
        )
    for refusal in report.refused:
        context.log.warning(f"context bundle refused, the node decides nothing: {refusal}")
    for key in source_keys("activation"):
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "release": report.release,
                "new_decisions": report.new_rows,
                "decisions_in_the_log": report.logged,
                "canary": report.canary or "none",
                "halted": ", ".join(report.halted) or "none",
                "bundles_refused": len(report.refused),
                "refusals": "\n".join(report.refused) or "none",
                "batch": ", ".join(map(str, report.batches)) or "none: nothing new",
                **{f"outcome_{name}": count for name, count in report.outcomes.items()},
            },
        )
