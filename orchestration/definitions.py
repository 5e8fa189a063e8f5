"""What Dagster loads: lists in the order of the data's path, no logic."""

import dagster as dg

from orchestration.assets.dbt_models import dbt_customer, dbt_outbound, dbt_records
from orchestration.assets.decisions import decisions
from orchestration.assets.gates import gate_before_decisions, gate_before_syncs
from orchestration.assets.identity import id_commit, matching
from orchestration.assets.landing import consent_ledger_copy, landing, reference_tables
from orchestration.assets.moment import read_copy
from orchestration.assets.policy import policy_tables
from orchestration.assets.releases import release_history
from orchestration.assets.retention import retention
from orchestration.assets.syncs import SYNCS
from orchestration.jobs import activation_job, removals_job, retention_job
from orchestration.run_settings import RunSettings
from orchestration.schedules import hourly, nightly_retention
from orchestration.sensors import new_landing_files, new_withdrawals

defs = dg.Definitions(
    assets=[
        landing,
        reference_tables,
        consent_ledger_copy,
        dbt_records,
        matching,
        dbt_customer,
        id_commit,
        policy_tables,
        gate_before_decisions,
        decisions,
        release_history,
        read_copy,
        dbt_outbound,
        gate_before_syncs,
        *SYNCS,
        retention,
    ],
    jobs=[activation_job, removals_job, retention_job],
    schedules=[hourly, nightly_retention],
    sensors=[new_landing_files, new_withdrawals],
    resources={"settings": RunSettings()},
    executor=dg.in_process_executor,
)
