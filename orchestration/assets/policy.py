"""The labels and the lineage of every column, as tables for SQL and as pages."""

from collections.abc import Iterator

import dagster as dg

from activation.evidence.export import write
from activation.evidence.lineage_pages import INDEX, pages
from expectations.policy.label_tables import edge_table, field_table
from orchestration.evidence import evidence_inputs
from orchestration.observer import stage
from orchestration.project import WAREHOUSE_POOL, source_keys, source_specs
from orchestration.run_rules import rules_of_run
from orchestration.run_settings import RunSettings
from orchestration.warehouse import open_warehouse, replace_table

SCHEMA = "policy"


@dg.multi_asset(name="policy", specs=source_specs(SCHEMA), pool=WAREHOUSE_POOL)
def policy_tables(
    context: dg.AssetExecutionContext, settings: RunSettings
) -> Iterator[dg.MaterializeResult]:
    """What every column is, comes from and may be used for, under the release that decides."""
    with stage("policy labels"):
        home, as_of = settings.resolved_home(), settings.time()
        inputs = evidence_inputs(home, as_of, rules_of_run(context, home, as_of).root)
        fields, edges = field_table(inputs.graph), edge_table(inputs.graph)
        with open_warehouse(home.warehouse) as connection:
            replace_table(connection, SCHEMA, "pol_field", fields)
            replace_table(connection, SCHEMA, "pol_edge", edges)
        write(pages(inputs), home.policy_pages)
    rows = {"pol_field": fields.num_rows, "pol_edge": edges.num_rows}
    for key in source_keys(SCHEMA):
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "rows": rows[key.path[-1]],
                "pages": dg.MetadataValue.path(str(home.policy_pages / INDEX)),
            },
        )
