"""Context bundles under a release's labels: who may have theirs, and the record of who may not."""

from datetime import datetime

from sqlalchemy import Engine

from activation.decisions.bundle_labels import BundleRefusal, Bundles, permitted_bundles
from activation.decisions.contract import DecisionError
from activation.store import transaction
from activation.store.bundles import record_refusals
from orchestration.environment import Home, processing_region
from orchestration.policy_graph import policy_graph
from orchestration.rules import Rules


def bundles_of(home: Home, store: Engine, rules: Rules, as_of: datetime) -> Bundles:
    """The nodes of a release whose context bundle its labels allow; refusals are recorded.

    Raises DecisionError when no node is left.
    """
    graph = policy_graph(home, rules.dbt_project, as_of.date())
    bundles = permitted_bundles(graph, rules.journeys(), processing_region())
    if bundles.refusals:
        with transaction(store) as connection:
            record_refusals(
                connection,
                [_row(one) for one in bundles.refusals],
                as_of=as_of,
                release=rules.release.id,
            )
    if not bundles.journeys.nodes:
        raise DecisionError(
            f"release {rules.release.id}: every node was refused its context bundle, for one "
            f"{bundles.refusals[0]}"
        )
    return bundles


def _row(refusal: BundleRefusal) -> dict[str, str]:
    return {name: getattr(refusal, name) for name in ("node", "context", "field", "rule", "reason")}
