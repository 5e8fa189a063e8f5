"""What starts a run between the hours: new files in the landing zone, and new withdrawals."""

import hashlib
from pathlib import Path

import dagster as dg

from orchestration.clock import current_time
from orchestration.jobs import activation_job, removals_job
from orchestration.run_settings import RunSettings
from orchestration.schedules import settings_config

POLL_SECONDS = 60
LEDGER_COPY = dg.AssetKey(["store", "consent_event"])


@dg.sensor(job=activation_job, minimum_interval_seconds=POLL_SECONDS)
def new_landing_files(
    context: dg.SensorEvaluationContext, settings: RunSettings
) -> dg.RunRequest | dg.SkipReason:
    """Start the path when the landing zone's listing has changed and has settled.

    A listing has settled when two looks in a row saw the same: a file still being written changes.
    """
    home = settings.resolved_home()
    listing = landing_listing(home.landing)
    before, _, started = (context.cursor or "").partition(" ")
    if listing != before:
        context.update_cursor(f"{listing} {started}")
        return dg.SkipReason("the landing zone changed; waiting until it has settled")
    if listing == started:
        return dg.SkipReason("nothing new in the landing zone")
    context.update_cursor(f"{listing} {listing}")
    as_of = current_time(home).isoformat()
    return dg.RunRequest(run_key=listing, run_config=settings_config(as_of))


@dg.sensor(job=removals_job, minimum_interval_seconds=POLL_SECONDS)
def new_withdrawals(
    context: dg.SensorEvaluationContext, settings: RunSettings
) -> dg.RunRequest | dg.SkipReason:
    """Start the removals when the ledger holds a restriction that no run has seen."""
    from orchestration.consent_ledger import newest_restriction

    home = settings.resolved_home()
    newest = newest_restriction(home.store_url)
    if newest <= ledger_position_of_last_run(context.instance):
        return dg.SkipReason("no withdrawal since the last run")
    as_of = current_time(home).isoformat()
    return dg.RunRequest(run_key=f"ledger-{newest}", run_config=settings_config(as_of))


def landing_listing(landing: Path) -> str:
    """A digest of names, sizes and times of change of the files in the landing zone."""
    digest = hashlib.sha256()
    for path in sorted(landing.rglob("*")):
        if path.is_file():
            stat = path.stat()
            digest.update(
                f"{path.relative_to(landing)}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode()
            )
    return digest.hexdigest()


def ledger_position_of_last_run(instance: dg.DagsterInstance) -> int:
    """The ledger's seq that the newest copy held; 0 before the first run."""
    event = instance.get_latest_materialization_event(LEDGER_COPY)
    if event is None or event.asset_materialization is None:
        return 0
    value = event.asset_materialization.metadata["watermark"].value
    return int(str(value))
