"""The jobs: the whole path, and the short one that carries a withdrawal to every destination."""

import dagster as dg

JOB_NAME = "activation"
REMOVALS_JOB_NAME = "removals"
RETENTION_JOB_NAME = "retention"

activation_job = dg.define_asset_job(
    name=JOB_NAME,
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups("privacy"),
    executor_def=dg.in_process_executor,
    description="Landing to syncs: who may be contacted, decided, logged, sent.",
)

# Consent anew, what may leave anew, and the syncs, whose removals go first. Nothing is decided.
removals_job = dg.define_asset_job(
    name=REMOVALS_JOB_NAME,
    selection=dg.AssetSelection.groups("store", "consent").without_checks()
    | dg.AssetSelection.groups("outbound", "syncs")
    | dg.AssetSelection.assets(["gate", "before_syncs"]),
    executor_def=dg.in_process_executor,
    description="A withdrawal reaches every destination that knows the person.",
)

retention_job = dg.define_asset_job(
    name=RETENTION_JOB_NAME,
    selection=dg.AssetSelection.groups("privacy"),
    executor_def=dg.in_process_executor,
    description="What is older than its label allows goes, everywhere.",
)
