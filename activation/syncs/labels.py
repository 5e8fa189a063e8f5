"""What the labels say of one sync: which nodes chose its rows, by which columns, and whether it may
leave today."""

from datetime import date

from activation.journeys.loading import JourneySet
from activation.journeys.node import Kind, Node
from activation.syncs.spec import SyncSpec
from expectations.policy.egress import Refusal, check_egress
from expectations.policy.graph import PolicyGraph
from expectations.policy.lineage.edges import Column


def label_refusals(
    graph: PolicyGraph, journeys: JourneySet, spec: SyncSpec, on: date
) -> tuple[Refusal, ...]:
    """Why the labels forbid that the sync sends on the day `on`; empty when they allow it.

    Decisions are made outside SQL, so what the nodes' conditions read counts as selection of the
    rows: the exposure is not trusted to know it.
    """
    return check_egress(graph, spec.relation, spec.terms, on, decided_on(journeys, spec))


def decided_on(journeys: JourneySet, spec: SyncSpec) -> frozenset[Column]:
    """The columns on which it was decided who is in the rows of the sync: what `when` reads."""
    return frozenset().union(
        *(context_columns(node, node.condition.fields) for node in nodes_of(journeys, spec))
    )


def nodes_of(journeys: JourneySet, spec: SyncSpec) -> tuple[Node, ...]:
    """The nodes whose decisions a sync may carry: of its purposes, and of its kind."""
    kind = Kind.ACTION if spec.mode == "append" else Kind.AUDIENCE
    return tuple(
        node for node in journeys.nodes if node.kind is kind and node.purpose in spec.purpose
    )


def context_columns(node: Node, names: frozenset[str] | None = None) -> frozenset[Column]:
    """The columns of its context that a node reads; of these, those in `names` if given."""
    wanted = node.fields.keys() if names is None else node.fields.keys() & names
    return frozenset(Column("contexts", node.context, name) for name in wanted)
