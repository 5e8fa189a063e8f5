"""Runs the job in this process, as a Dagster run that the UI shows like any other."""

from dataclasses import dataclass, field
from datetime import datetime

import dagster as dg

from orchestration import environment
from orchestration.abandoned_runs import close_abandoned_runs, this_process
from orchestration.dagster_home import prepare_dagster_home, speed_up_run_storage
from orchestration.environment import Home
from orchestration.observer import stage
from orchestration.rules import active_rules
from orchestration.run_rules import RELEASE_TAG
from orchestration.run_settings import RunSettings

# The run's own record goes to Dagster's storage; a person at the terminal sees stages instead.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class JobOutcome:
    """Whether the whole path went through, and if not, what stopped it, in words."""

    succeeded: bool
    run_id: str
    problems: list[str] = field(default_factory=list)


def execute(home: Home, as_of: datetime) -> JobOutcome:
    """Run the whole path for one home at one time, under the release that is active now.

    Raises ReleaseError when that is not what was signed, SourceError when a home without a release
    can't be given its first one.
    """
    environment.export(environment.HOME_VARIABLE, str(home.path))
    environment.export(environment.LANDING_VARIABLE, str(home.landing))
    with stage("release"):
        rules = active_rules(home, as_of)
    prepare_dagster_home(home)
    speed_up_run_storage(home)
    with stage("loading the project"):
        # Imported late: the definitions read the manifest of the home that was just named.
        from orchestration.definitions import defs
        from orchestration.jobs import JOB_NAME

        job = defs.resolve_job_def(JOB_NAME)
    settings = RunSettings(home=str(home.path), landing=str(home.landing), as_of=as_of.isoformat())
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        close_abandoned_runs(instance)
        result = job.execute_in_process(
            instance=instance,
            tags=this_process() | {RELEASE_TAG: rules.release.id},
            resources={"settings": settings},
            run_config=QUIET,
            raise_on_error=False,
        )
    return JobOutcome(
        succeeded=result.success,
        run_id=result.run_id,
        problems=_failures(result),
    )


def _failures(result: dg.ExecuteInProcessResult) -> list[str]:
    """Each failed step's own message; Dagster keeps the stack."""
    messages = []
    for event in result.all_events:
        if event.is_step_failure and event.step_failure_data.error is not None:
            error = event.step_failure_data.error
            cause = error.cause or error
            said = cause.message.strip().removeprefix(f"{dg.Failure.__module__}.Failure: ")
            messages.append(f"{event.step_key}: {said}")
    return messages
