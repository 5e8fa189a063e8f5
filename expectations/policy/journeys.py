"""What journeys do with data, held against the labels of the contexts that they read.

Journeys belong to activation, which this package must not know: they come in as plain data.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from expectations.policy.finding import Code, Finding
from expectations.policy.graph import PolicyGraph
from expectations.policy.label import Label
from expectations.policy.routes import leak
from expectations.policy.vocabulary import nearest

CONTEXTS = "contexts"


@dataclass(frozen=True)
class JourneyUse:
    """What one journey node does with data. `fields` are all that it may read of its context,
    `decides_on` those in its rule. `object` is what its decisions become: action or audience."""

    id: str
    file: str
    purpose: str
    context: str
    fields: tuple[str, ...]
    decides_on: tuple[str, ...]
    object: str


def journey_findings(graph: PolicyGraph, journeys: Sequence[JourneyUse]) -> Iterator[Finding]:
    """Contexts and fields that do not exist, and fields that may not serve the purpose."""
    for journey in journeys:
        relation = graph.relations.get((CONTEXTS, journey.context))
        if relation is None:
            contexts = [name for schema, name in graph.relations if schema == CONTEXTS]
            yield Finding(
                Code.NO_SUCH_COLUMN,
                f"context {journey.context} is no model of {CONTEXTS}",
                nearest(journey.context, contexts, CONTEXTS),
                journey.file,
                model=journey.id,
            )
            continue
        labels = {field.column.name: field for field in relation.fields}
        for name in journey.fields:
            if name not in labels:
                yield Finding(
                    Code.NO_SUCH_COLUMN,
                    f"{journey.context} has no column {name}",
                    nearest(name, labels, f"{journey.context}.yml"),
                    journey.file,
                    model=journey.id,
                    column=name,
                )
                continue
            purposes = labels[name].label.purposes
            if purposes is not None and _forbids(labels[name].label, journey.purpose):
                yield Finding(
                    Code.PURPOSE,
                    f"is used for {journey.purpose}, and may be used for "
                    f"{', '.join(sorted(purposes)) or 'nothing'}",
                    "take the field out of the journey, or the purpose into the source's label",
                    journey.file,
                    model=journey.id,
                    column=name,
                    path=leak(
                        graph, labels[name].column, partial(_forbids, purpose=journey.purpose)
                    ),
                )


def _forbids(label: Label, purpose: str) -> bool:
    return label.purposes is not None and purpose not in label.purposes
