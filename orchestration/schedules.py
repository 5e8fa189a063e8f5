"""When the path runs by itself: every hour; retention every night."""

import dagster as dg

from orchestration.clock import current_time
from orchestration.jobs import activation_job, retention_job
from orchestration.run_settings import RunSettings


def settings_config(as_of: str) -> dict[str, object]:
    """Run configuration that pins the time a run decides at."""
    return {"resources": {"settings": {"config": {"as_of": as_of}}}}


@dg.schedule(job=activation_job, cron_schedule="0 * * * *", execution_timezone="UTC")
def hourly(context: dg.ScheduleEvaluationContext, settings: RunSettings) -> dg.RunRequest:
    """The whole path each hour, at the hour it is due (or the home's own time, if it stands)."""
    return _at_due_time(context, settings)


@dg.schedule(job=retention_job, cron_schedule="30 3 * * *", execution_timezone="UTC")
def nightly_retention(
    context: dg.ScheduleEvaluationContext, settings: RunSettings
) -> dg.RunRequest:
    """Retention each night, between two runs of the path."""
    return _at_due_time(context, settings)


def _at_due_time(context: dg.ScheduleEvaluationContext, settings: RunSettings) -> dg.RunRequest:
    home = settings.resolved_home()
    due = context.scheduled_execution_time
    as_of = current_time(home, now=due).isoformat()
    return dg.RunRequest(run_key=as_of, run_config=settings_config(as_of))
