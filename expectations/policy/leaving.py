"""What leaves with syncs, held against labels and the consent gate."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import ValidationError

from expectations.policy.egress import EgressTerms, Refusal, Rule, check_egress
from expectations.policy.finding import Code, Finding
from expectations.policy.gating import past_the_gate
from expectations.policy.graph import PolicyGraph
from expectations.policy.journeys import CONTEXTS, JourneyUse
from expectations.policy.label import Label
from expectations.policy.lineage.edges import Column
from expectations.policy.lineage.manifest import Manifest
from expectations.policy.lineage.project import ProjectLineage
from expectations.policy.location import Locator
from expectations.policy.nodes import meta
from expectations.policy.routes import chosen_by, leak
from expectations.policy.special import may_hold, special_in
from expectations.policy.vocabulary import nearest

_CODES = {
    Rule.UNKNOWN_FIELD: Code.NO_SUCH_COLUMN,
    Rule.PURPOSE: Code.PURPOSE,
    Rule.RESIDENCY: Code.RESIDENCY,
    Rule.DENIED_CATEGORY: Code.CATEGORY_LEAVES,
    Rule.SPECIAL_CATEGORY: Code.CATEGORY_LEAVES,
    Rule.SPECIAL_SELECTION: Code.SELECTION_LEAVES,
}


def sync_findings(
    graph: PolicyGraph,
    manifest: Manifest,
    locator: Locator,
    on: date,
    journeys: Sequence[JourneyUse],
) -> Iterator[Finding]:
    """Where a sync's terms are malformed, or the labels forbid what it sends."""
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
            decided_on = _decided_on(graph, sync, terms, journeys)
            for refusal in check_egress(graph, ".".join(key), terms, on, decided_on):
                yield _refused(graph, key, refusal, terms, exposure["name"], file, line)


def ungated_findings(
    manifest: Manifest, lineage: ProjectLineage, locator: Locator
) -> Iterator[Finding]:
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
