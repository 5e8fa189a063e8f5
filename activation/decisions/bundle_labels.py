"""Which columns a context bundle may hold, by their labels: for the purpose, in the region.

A bundle is a projection of a context. A node asks for its fields, and every bundle holds the keys;
a column is given only where its label allows the node's purpose and the region in which decisions
are made. A node that asks for more gets nothing: it decides nothing, and the refusal is recorded.
"""

from dataclasses import dataclass, replace

from activation.decisions.bundle import KEYS
from activation.journeys.loading import JourneySet
from activation.journeys.node import Node
from expectations.policy.graph import Field, PolicyGraph

CONTEXTS = "contexts"


@dataclass(frozen=True, order=True)
class BundleRefusal:
    """That a node asked for a column that its bundle may not hold. `rule` is unknown, purpose or
    region. It names columns and rules, never a value."""

    node: str
    context: str
    field: str
    rule: str
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"{self.node}: {self.context}.{self.field}: {self.reason}. Fix: {self.fix}."


@dataclass(frozen=True)
class Bundles:
    """The nodes that may have their bundles, and why the others may not."""

    journeys: JourneySet
    refusals: tuple[BundleRefusal, ...]


def allowed_columns(graph: PolicyGraph, context: str, purpose: str, region: str) -> frozenset[str]:
    """The columns of a context (`ctx_...`) that a bundle for the purpose may hold in the region.

    A context that the graph does not know has none.
    """
    relation = graph.relations.get((CONTEXTS, context))
    fields = relation.fields if relation is not None else ()
    return frozenset(
        field.column.name for field in fields if _forbidden(field, purpose, region) is None
    )


def permitted_bundles(graph: PolicyGraph, journeys: JourneySet, region: str) -> Bundles:
    """The journeys without the nodes whose bundle is refused, and every refusal in their order."""
    refusals = tuple(
        refusal for node in journeys.nodes for refusal in bundle_refusals(graph, node, region)
    )
    refused = {one.node for one in refusals}
    nodes = tuple(node for node in journeys.nodes if node.id not in refused)
    return Bundles(replace(journeys, nodes=nodes), refusals)


def bundle_refusals(graph: PolicyGraph, node: Node, region: str) -> tuple[BundleRefusal, ...]:
    """Why the node may not have its bundle: one refusal per column, keys first."""
    relation = graph.relations.get((CONTEXTS, node.context))
    known = {field.column.name: field for field in relation.fields} if relation else {}
    found = []
    for name in (*KEYS, *node.fields):
        if name not in known:
            fault = ("unknown", "has no label", "add the column to the context, or drop the field")
        elif forbidden := _forbidden(known[name], node.purpose, region):
            fault = forbidden
        else:
            continue
        found.append(BundleRefusal(node.id, node.context, name, *fault))
    return tuple(found)


def _forbidden(field: Field, purpose: str, region: str) -> tuple[str, str, str] | None:
    label = field.label
    if label.purposes is not None and purpose not in label.purposes:
        return (
            "purpose",
            f"may be used for {', '.join(sorted(label.purposes)) or 'nothing'}, not for {purpose}",
            "drop the field, or give the context a column that allows the purpose",
        )
    if label.residency is not None and region not in label.residency:
        return (
            "region",
            f"may be processed in {', '.join(sorted(label.residency)) or 'no region'}, "
            f"and decisions are made in {region}",
            "decide in one of its regions, or drop the field",
        )
    return None
