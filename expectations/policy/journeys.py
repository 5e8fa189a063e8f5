"""What journeys do with data, held against the labels of the contexts that they read.

Journeys belong to activation, which this package must not know: they come in as plain data.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from expectations.policy.finding import Code, Finding
from expectations.policy.graph import Field, PolicyGraph
from expectations.policy.label import Label
from expectations.policy.routes import leak
from expectations.policy.vocabulary import nearest

CONTEXTS = "contexts"


@dataclass(frozen=True)
class JourneyUse:
    """What one journey node does with data. `fields` are all that its bundle holds,
    `decides_on` those in its rule. `object` is what its decisions become: action or audience."""

    id: str
    file: str
    purpose: str
    context: str
    fields: tuple[str, ...]
    decides_on: tuple[str, ...]
    object: str


def journey_findings(
    graph: PolicyGraph, journeys: Sequence[JourneyUse], region: str | None
) -> Iterator[Finding]:
    """Contexts and fields that do not exist, and fields that may not serve the purpose, or may not
    be processed in `region`, where decisions are made (None: anywhere)."""
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
        known = {field.column.name: field for field in relation.fields}
        for name in journey.fields:
            if name in known:
                yield from _unusable(graph, journey, known[name], region)
            else:
                yield Finding(
                    Code.NO_SUCH_COLUMN,
                    f"{journey.context} has no column {name}",
                    nearest(name, known, f"{journey.context}.yml"),
                    journey.file,
                    model=journey.id,
                    column=name,
                )


def _unusable(
    graph: PolicyGraph, journey: JourneyUse, field: Field, region: str | None
) -> Iterator[Finding]:
    purposes, residency = field.label.purposes, field.label.residency
    found = partial(Finding, file=journey.file, model=journey.id, column=field.column.name)
    if purposes is not None and journey.purpose not in purposes:
        yield found(
            Code.PURPOSE,
            f"is used for {journey.purpose}, and may be used for {_listed(purposes, 'nothing')}",
            "take the field out of the journey, or the purpose into the source's label",
            path=leak(graph, field.column, partial(_excludes_purpose, journey.purpose)),
        )
    if region is not None and residency is not None and region not in residency:
        yield found(
            Code.RESIDENCY,
            f"may be processed in {_listed(residency, 'no region')}, and decisions are made in "
            f"{region}",
            "decide in one of its regions (ASSENT_REGION), or take the field out of the journey",
            path=leak(graph, field.column, partial(_excludes_region, region)),
        )


def _excludes_purpose(purpose: str, label: Label) -> bool:
    return label.purposes is not None and purpose not in label.purposes


def _excludes_region(region: str, label: Label) -> bool:
    return label.residency is not None and region not in label.residency


def _listed(words: frozenset[str], none: str) -> str:
    return ", ".join(sorted(words)) or none
