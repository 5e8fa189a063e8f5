"""The first step: files in, tables and quarantine out, and what Python derives for dbt."""

from collections.abc import Iterator

import dagster as dg

from orchestration import consent_ledger, reference
from orchestration.landing import load
from orchestration.observer import stage
from orchestration.privacy.landing_erasure import Landing, erase_files
from orchestration.project import WAREHOUSE_POOL, source_keys, source_specs
from orchestration.run_rules import rules_of_run
from orchestration.run_settings import RunSettings
from orchestration.warehouse import open_warehouse


@dg.multi_asset(name="landing", specs=source_specs("landing"), pool=WAREHOUSE_POOL)
def landing(
    context: dg.AssetExecutionContext, settings: RunSettings
) -> Iterator[dg.MaterializeResult]:
    """Load what the landing zone holds and the warehouse has not seen yet."""
    home = settings.resolved_home()
    suppressed = consent_ledger.suppressed(home)
    rules = rules_of_run(context, home, settings.time())
    with stage("landing") as announced, open_warehouse(home.warehouse) as connection:
        report = load(
            connection,
            home.landing,
            rules.dbt_project / "models" / "staging",
            settings.time(),
            suppressed,
        )
        if report.erased_lines:
            erase_files(home, Landing.of(connection), report.erased_lines, ())
        announced.report(
            "landing", "files", {"new": len(report.files), "unchanged": report.unchanged}
        )
        for file in (*report.with_status("failed"), *report.with_status("unknown_entity")):
            context.log.warning(file.message or file.file)
        for name, columns in report.unannounced_columns.items():
            context.log.warning(f"{name}: columns that nobody announced: {', '.join(columns)}")
    for key in source_keys("landing"):
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "files_loaded": len(report.with_status("loaded")),
                "rows_accepted": report.rows_accepted,
                "rows_quarantined": report.rows_quarantined,
                "rows_expired": report.rows_expired,
                "rows_erased": report.rows_erased,
            },
        )


@dg.multi_asset(
    name="reference",
    specs=[
        spec.replace_attributes(deps=source_keys("landing")) for spec in source_specs("reference")
    ],
    pool=WAREHOUSE_POOL,
)
def reference_tables(
    context: dg.AssetExecutionContext, settings: RunSettings
) -> Iterator[dg.MaterializeResult]:
    """Phone numbers in E.164, countries and regimes as rows."""
    home = settings.resolved_home()
    rules = rules_of_run(context, home, settings.time())
    with stage("reference tables"), open_warehouse(home.warehouse) as connection:
        new_numbers = reference.refresh_phone_numbers(connection)
        reference.write_rule_tables(connection, rules)
    for key in source_keys("reference"):
        yield dg.MaterializeResult(asset_key=key, metadata={"new_phone_numbers": new_numbers})


@dg.multi_asset(
    name="consent_ledger",
    specs=[spec.replace_attributes(deps=source_keys("landing")) for spec in source_specs("store")],
    pool=WAREHOUSE_POOL,
)
def consent_ledger_copy(
    context: dg.AssetExecutionContext, settings: RunSettings
) -> Iterator[dg.MaterializeResult]:
    """Consent events enter the ledger; the ledger and the id map are copied for dbt to read."""
    home = settings.resolved_home()
    with stage("consent ledger"), open_warehouse(home.warehouse) as connection:
        copy = consent_ledger.import_and_publish(connection, home, settings.time())
    for refused in copy.imported.refused:
        context.log.warning(
            f"consent event {refused.event_id}: {refused.field} {refused.fix}; it is not recorded"
        )
    for key in source_keys("store"):
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "events_imported": copy.imported.appended,
                "events_refused": len(copy.imported.refused),
                "watermark": copy.watermark,
            },
        )
