"""The release of one Dagster run: taken at its start, named on the run, kept to its end.

A run that is launched again from a failed step has the tags of the run it goes on from, and so
finishes under the release that its tables were built by.
"""

from datetime import datetime

import dagster as dg

from orchestration.environment import Home
from orchestration.rules import Rules, active_rules, rules_of

RELEASE_TAG = "assent/release"


def rules_of_run(context: dg.AssetExecutionContext, home: Home, at: datetime) -> Rules:
    """The rules that every step of this run goes by."""
    run = context.instance.get_run_by_id(context.run_id)
    named = run.tags.get(RELEASE_TAG) if run else None
    if named:
        return rules_of(home, named)
    rules = active_rules(home, at)
    context.instance.add_run_tags(context.run_id, {RELEASE_TAG: rules.release.id})
    return rules
