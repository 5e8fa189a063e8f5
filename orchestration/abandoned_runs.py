"""Dagster's record of a run that was killed says that it still runs; the next run sets that right.

A launched run is watched by Dagster's daemon. A run of the CLI executes in the command's own
process, which nobody watches, so it carries that process's name as a tag.
"""

import os
import platform

import dagster as dg

PROCESS_TAG = "assent/process"
_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def this_process() -> dict[str, str]:
    """The tag of a run that executes in this process."""
    return {PROCESS_TAG: f"{platform.node()}:{os.getpid()}"}


def close_abandoned_runs(instance: dg.DagsterInstance) -> int:
    """Mark as failed the runs whose process on this machine is gone; returns how many."""
    closed = 0
    for run in instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED)):
        machine, _, process = run.tags.get(PROCESS_TAG, "").rpartition(":")
        if machine == platform.node() and process.isdigit() and not _is_alive(int(process)):
            instance.report_run_failed(run, "Its process was killed; the next run goes on.")
            closed += 1
    return closed


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
