"""Inputs for a data protection impact assessment (GDPR Article 35), per journey node.

What the labels and the rules show is answered here; what only a person can judge is listed as open.
The questions are the nine criteria of the guidelines on DPIAs (WP 248 rev.01).
"""

from collections.abc import Iterable
from typing import Any

from activation.consent.regimes import rules
from activation.evidence.document import Document, Section, Table, cell
from activation.evidence.inputs import EvidenceInputs
from activation.journeys.node import Node
from activation.syncs.labels import context_columns, nodes_of
from expectations.policy.label import is_within, join_all
from expectations.policy.lineage.edges import Column
from expectations.policy.special import special_in

OPEN_QUESTIONS = (
    "systematic monitoring",
    "new use of technology",
    "keeps people from a right or a contract",
)
"""The criteria that nothing declared can answer."""
_OBSERVED = ("user.behavior", "user.telemetry", "user.location")


def impact_inputs(inputs: EvidenceInputs) -> dict[str, Any]:
    """Per node: data read and sent, special categories, selection, and the nine criteria."""
    return {
        "document": "dpia_inputs",
        "basis": "GDPR Article 35; WP 248 rev.01",
        "revision": inputs.revision,
        "journeys": [_node(inputs, node) for node in inputs.journeys.nodes],
    }


def _node(inputs: EvidenceInputs, node: Node) -> dict[str, Any]:
    label = join_all(_labels(inputs, context_columns(node)))
    chosen_by = context_columns(node, node.condition.fields)
    selection = join_all(_labels(inputs, chosen_by))
    special = special_in(label.categories)
    syncs = [sync for sync in inputs.syncs if node in nodes_of(inputs.journeys, sync)]
    return {
        "node": node.id,
        "journey": node.journey,
        "description": node.description,
        "purpose": node.purpose,
        "risk_tier": str(node.risk_tier),
        "owner": node.owner,
        "reads": [str(column) for column in sorted(context_columns(node))],
        "shows": sorted(node.action.payload),
        "selects_by": [str(column) for column in sorted(chosen_by)],
        "categories": sorted(label.categories),
        "special_categories": sorted(special),
        "selected_by_special_categories": sorted(special_in(selection.categories)),
        "origin": sorted(label.origin),
        "retention_days": label.retention_days,
        "recipients": [
            {"sync": sync.name, "processor": sync.processor, "region": sync.region}
            for sync in syncs
        ],
        "lawful_bases": sorted(
            {one.basis for one in rules(inputs.regimes) if one.purpose == node.purpose}
        ),
        "scale": _scale(inputs, node),
        "criteria": _criteria(inputs, node, label.categories, label.origin),
        "open": list(OPEN_QUESTIONS),
    }


def _labels(inputs: EvidenceInputs, columns: Iterable[Column]) -> list[Any]:
    return [inputs.graph.field(column).label for column in columns]


def _scale(inputs: EvidenceInputs, node: Node) -> dict[str, Any]:
    """What bounds how many people it reaches, as declared; how many it did is in the warehouse."""
    volume = node.limits.volume
    return {
        "most_acts": None if volume is None else f"{volume.maximum} in {volume.days} days",
        "caps": [
            f"{cap.maximum} in {cap.days} days per {cap.per}"
            for cap in inputs.journeys.policies.caps
            if node.purpose not in cap.except_purposes
            and (not cap.purposes or node.purpose in cap.purposes)
            and (not cap.nodes or node.id in cap.nodes)
        ],
        "counted_by": (
            'assent sql "select count(distinct person_id) from activation.decision_log '
            f"where node = '{node.id}'\""
        ),
    }


def _criteria(
    inputs: EvidenceInputs, node: Node, categories: frozenset[str], origin: frozenset[str]
) -> dict[str, str]:
    observed = sorted(
        one for one in categories if any(is_within(one, sought) for sought in _OBSERVED)
    )
    special = sorted(special_in(categories))
    children = sorted(one for one in categories if is_within(one, "user.childrens"))
    return {
        "evaluation or scoring": _found(observed, "reads what people did: "),
        "automated decision": (
            "no: a person approves each act"
            if node.needs_approval
            else "yes: acts without a person's approval"
        ),
        "sensitive data": _found(special, ""),
        "large scale": "no bound is declared"
        if node.limits.volume is None and not inputs.journeys.policies.caps
        else "bounded, see scale",
        "datasets combined": _found(sorted(origin) if len(origin) > 1 else [], "joins "),
        "vulnerable people": _found(children, "")
        if children
        else f"minors are refused below {inputs.regimes.adult_age} years",
    }


def _found(names: list[str], prefix: str) -> str:
    return f"yes: {prefix}{', '.join(names)}" if names else "not found in the labels"


def impact_document(content: dict[str, Any]) -> Document:
    """The inputs for reading."""
    return Document(
        "DPIA inputs",
        (
            "What the labels, rules and syncs show about each journey, for the assessment that "
            "Article 35 GDPR asks for. It is not the assessment: the criteria listed as open, and "
            "necessity, proportionality and the measures taken, are for people to judge.",
        ),
        tuple(map(_journey_section, content["journeys"])),
        content["revision"],
    )


def _journey_section(node: dict[str, Any]) -> Section:
    facts = (
        ("What it does", node["description"]),
        ("Purpose and lawful bases", f"{node['purpose']}: {', '.join(node['lawful_bases'])}"),
        ("Risk tier and owner", f"{node['risk_tier']}, {node['owner']}"),
        ("Reads", cell(node["reads"])),
        ("Selects by", cell(node["selects_by"])),
        ("Shows to the person", cell(node["shows"])),
        ("Categories of data", cell(node["categories"])),
        ("Special categories", cell(node["special_categories"])),
        ("Selected by special categories", cell(node["selected_by_special_categories"])),
        ("Systems of record", cell(node["origin"])),
        (
            "Recipients",
            cell(
                f"{one['sync']}: {one['processor']}, {one['region']}" for one in node["recipients"]
            ),
        ),
        (
            "Scale",
            cell(
                [
                    f"acts: {node['scale']['most_acts'] or 'no volume declared'}",
                    *(f"cap: {cap}" for cap in node["scale"]["caps"]),
                    f"count: {node['scale']['counted_by']}",
                ]
            ),
        ),
    )
    criteria = (
        *node["criteria"].items(),
        *((question, "open: for a person to judge") for question in node["open"]),
    )
    return Section(
        node["node"],
        tables=(
            Table(f"{node['node']}: processing", ("question", "answer"), facts),
            Table(f"{node['node']}: the nine criteria", ("criterion", "finding"), criteria),
        ),
    )
