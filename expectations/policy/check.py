"""The policy check of a whole project: labels, lineage, journeys and everything that leaves.

Journeys belong to activation, which this package must not know: they come in as plain data.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from expectations.policy.collector import paused
from expectations.policy.defaults import Defaults
from expectations.policy.egress import EgressTerms, Refusal, Rule, check_egress
from expectations.policy.finding import Code, Finding
from expectations.policy.gating import past_the_gate
from expectations.policy.graph import PolicyGraph
from expectations.policy.label import Label
from expectations.policy.lineage.edges import Column
from expectations.policy.lineage.manifest import Manifest
from expectations.policy.lineage.project import ProjectLineage, examine_project
from expectations.policy.location import Locator
from expectations.policy.nodes import lineage_findings, meta
from expectations.policy.placement import misplaced
from expectations.policy.project import Examined, examine
from expectations.policy.routes import chosen_by, leak
from expectations.policy.special import may_hold, special_in
from expectations.policy.vocabulary import Vocabulary, nearest

CONTEXTS = "contexts"
_CODES = {
    Rule.UNKNOWN_FIELD: Code.NO_SUCH_COLUMN,
    Rule.PURPOSE: Code.PURPOSE,
    Rule.RESIDENCY: Code.RESIDENCY,
    Rule.DENIED_CATEGORY: Code.CATEGORY_LEAVES,
    Rule.SPECIAL_CATEGORY: Code.CATEGORY_LEAVES,
    Rule.SPECIAL_SELECTION: Code.SELECTION_LEAVES,
}


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


@dataclass(frozen=True)
class Checked:
    """A project's graph and everything that is wrong with it, by place."""

    graph: PolicyGraph
    findings: tuple[Finding, ...]

    @property
    def ungated(self) -> Mapping[str, str]:
        """Each relation that leaves past the consent gate, with what was found first."""
        ungated = [one for one in self.findings if one.code is Code.NOT_GATED]
        return {one.model: one.message for one in reversed(ungated)}


def check_project(
    manifest: Manifest,
    locator: Locator,
    on: date,
    journeys: Sequence[JourneyUse] = (),
    cache: Path | None = None,
    *,
    vocabulary: Vocabulary | None = None,
    defaults: Defaults | None = None,
) -> Checked:
    """Check a compiled project as of the day `on`.

    `cache` is a file that remembers lineage, so that an edit costs the edit. `vocabulary` and
    `defaults` are those of another revision; today's if not given. Raises SourceError when one of
    these files is wrong.
    """
    with paused():
        known = examine_project(manifest, cache=cache)
        examined = examine(
            manifest, known.relations, locator, on, vocabulary=vocabulary, defaults=defaults
        )
        findings = [
            *misplaced(
                locator.root, ("models", "snapshots", "seeds"), locator.show("").rstrip("/")
            ),
            *lineage_findings(known.faults, manifest, locator),
            *examined.findings,
            *_journeys(examined.graph, journeys),
            *_exposures(examined, manifest, locator, on, journeys),
            *_ungated(manifest, known, locator),
        ]
    return Checked(examined.graph, tuple(sorted(set(findings), key=Finding.order)))


def build_graph(
    manifest: Manifest,
    locator: Locator,
    on: date,
    cache: Path | None = None,
    *,
    vocabulary: Vocabulary | None = None,
    defaults: Defaults | None = None,
) -> PolicyGraph:
    """The labelled graph of a compiled project, whatever the checker has to say of it.

    `vocabulary` and `defaults` are those of another revision; today's if not given.
    """
    with paused():
        lineages = examine_project(manifest, cache=cache).relations
        examined = examine(
            manifest, lineages, locator, on, vocabulary=vocabulary, defaults=defaults
        )
    return examined.graph


def _journeys(graph: PolicyGraph, journeys: Sequence[JourneyUse]) -> Iterator[Finding]:
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


def _exposures(
    examined: Examined,
    manifest: Manifest,
    locator: Locator,
    on: date,
    journeys: Sequence[JourneyUse],
) -> Iterator[Finding]:
    for exposure in (manifest.get("exposures") or {}).values():
        sync = meta(exposure).get("sync")
        if sync is None:
            continue
        file, line = locator.place(exposure, "", "config", "meta", "sync")
        terms = _terms(sync)
        if isinstance(terms, str):
            yield Finding(
                Code.MALFORMED_SYNC,
                terms,
                "write region, purpose and fields as docs/policy.md shows",
                file,
                line,
                exposure["name"],
            )
            continue
        for node in exposure["depends_on"]["nodes"]:
            relation = manifest["nodes"].get(node) or manifest["sources"].get(node)
            if relation is None:
                continue
            key = _key(relation)
            decided_on = _decided_on(examined.graph, sync, terms, journeys)
            for refusal in check_egress(examined.graph, ".".join(key), terms, on, decided_on):
                yield _refused(examined.graph, key, refusal, terms, exposure["name"], file, line)


def _ungated(manifest: Manifest, lineage: ProjectLineage, locator: Locator) -> Iterator[Finding]:
    """What leaves although no permit stands beside it."""
    leaving = {
        _key(manifest["nodes"][node]): exposure
        for exposure in (manifest.get("exposures") or {}).values()
        if meta(exposure).get("sync") is not None
        for node in exposure["depends_on"]["nodes"]
        if node in manifest["nodes"]
    }
    models = {_key(node): node for node in manifest["nodes"].values()}
    for key, fault in past_the_gate(manifest, lineage.relations, sorted(leaving)):
        yield Finding(
            Code.NOT_GATED,
            f"rows leave with {leaving[key]['name']} past the consent gate: {fault}",
            "select from out_permitted_actions or out_permitted_members, or join con_permits on "
            "person_id, purpose and channel where verdict = 'permit', on every branch",
            locator.show(models[key]["original_file_path"]),
            model=".".join(key),
        )


def _key(node: Mapping[str, Any]) -> tuple[str, str]:
    return node["schema"].lower(), (node.get("alias") or node["name"]).lower()


def _terms(sync: Any) -> EgressTerms | str:
    names = EgressTerms.model_fields
    if not isinstance(sync, Mapping):
        return "sync is not a mapping"
    try:
        return EgressTerms.model_validate({key: sync[key] for key in names if key in sync})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"sync.{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _decided_on(
    graph: PolicyGraph, sync: Mapping[str, Any], terms: EgressTerms, journeys: Sequence[JourneyUse]
) -> frozenset[Column]:
    """The context columns on which the journeys decided who is in what a sync sends."""
    columns = (
        Column(CONTEXTS, journey.context, name)
        for journey in journeys
        if journey.purpose in terms.purpose and journey.object == sync.get("object")
        for name in journey.decides_on
    )
    return frozenset(one for one in columns if _has(graph, one))


def _has(graph: PolicyGraph, column: Column) -> bool:
    relation = graph.relations.get((column.schema, column.table))
    return relation is not None and any(one.column == column for one in relation.fields)


def _refused(
    graph: PolicyGraph,
    key: tuple[str, str],
    refusal: Refusal,
    terms: EgressTerms,
    exposure: str,
    file: str,
    line: int,
) -> Finding:
    code = _CODES[refusal.rule]
    if refusal.field is None:
        code = Code.SELECTION_LEAVES
    path: tuple[Column, ...] = ()
    if refusal.field is not None and code is not Code.NO_SUCH_COLUMN:
        path = leak(graph, Column(*key, refusal.field), lambda label: _holds(label, refusal, terms))
    elif refusal.field is None:
        path = chosen_by(graph, key, lambda label: _holds(label, refusal, terms))
    fix = refusal.fix
    if refusal.rule is Rule.UNKNOWN_FIELD and refusal.field and key in graph.relations:
        names = [one.column.name for one in graph.relations[key].fields]
        fix = nearest(refusal.field, names, ".".join(key))
    return Finding(code, refusal.reason, fix, file, line, exposure, refusal.field or "", path)


def _holds(label: Label, refusal: Refusal, terms: EgressTerms) -> bool:
    """Whether a column on the way already has what is refused."""
    match refusal.rule:
        case Rule.PURPOSE:
            return label.purposes is not None and not label.purposes & set(terms.purpose)
        case Rule.RESIDENCY:
            return label.residency is not None and terms.region not in label.residency
        case Rule.DENIED_CATEGORY:
            return any(
                may_hold(one, each) for one in label.categories for each in terms.denied_categories
            )
        case _:
            return bool(special_in(label.categories))
