"""What a machine can check of the NIST AI RMF: each check looks at declared rules and labels.

A check covers the part of the outcome that its text names, and no more. It passes with what it
found, or fails naming what is missing; either way a reader can run the command and see the same.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from activation.evidence.inputs import EvidenceInputs
from activation.journeys.names import Channel
from activation.journeys.node import Kind, Node, RiskTier
from activation.syncs.labels import context_columns, label_refusals
from expectations.policy.label import Label, join_all
from expectations.policy.lineage.edges import Column
from expectations.policy.special import special_in


@dataclass(frozen=True)
class Check:
    """A check of one outcome. `faults` yields what is missing; none means that it passes."""

    outcome: str
    checks: str
    command: str
    counted: Callable[[EvidenceInputs], str]
    faults: Callable[[EvidenceInputs], Iterable[str]]


def _nodes(inputs: EvidenceInputs) -> str:
    return f"{len(inputs.journeys.nodes)} journey nodes"


def _syncs(inputs: EvidenceInputs) -> str:
    return f"{len(inputs.syncs)} syncs"


def _fields(inputs: EvidenceInputs) -> str:
    count = sum(len(relation.fields) for relation in inputs.graph.relations.values())
    return f"{count} columns of {len(inputs.graph.relations)} relations"


def _each_node(holds: Callable[[Node], bool], fault: str) -> Callable[[EvidenceInputs], list[str]]:
    def faults(inputs: EvidenceInputs) -> list[str]:
        return [f"{node.id}: {fault}" for node in inputs.journeys.nodes if not holds(node)]

    return faults


def _purposes_have_regimes(inputs: EvidenceInputs) -> Iterator[str]:
    for node in inputs.journeys.nodes:
        if node.purpose not in inputs.regimes.purposes:
            yield f"{node.id}: purpose {node.purpose} has no regime"


def _special_data_is_not_low_risk(inputs: EvidenceInputs) -> Iterator[str]:
    for node in inputs.journeys.nodes:
        special = special_in(_label(inputs, node).categories)
        if special and node.risk_tier is RiskTier.LOW:
            yield f"{node.id}: reads {', '.join(sorted(special))} and is of low risk"


def _labels_allow_every_purpose(inputs: EvidenceInputs) -> Iterator[str]:
    for node in inputs.journeys.nodes:
        for column in sorted(context_columns(node)):
            purposes = _field_label(inputs, column).purposes
            if purposes is not None and node.purpose not in purposes:
                yield f"{node.id}: {column} may not be used for {node.purpose}"


def _label(inputs: EvidenceInputs, node: Node) -> Label:
    return join_all(_field_label(inputs, column) for column in context_columns(node))


def _field_label(inputs: EvidenceInputs, column: Column) -> Label:
    return inputs.graph.field(column).label


def _destinations_are_declared(inputs: EvidenceInputs) -> Iterator[str]:
    declared = {sync.destination for sync in inputs.syncs}
    for node in inputs.journeys.nodes:
        if node.action.destination not in declared:
            yield f"{node.id}: no sync goes to {node.action.destination}"


def _calls_are_approved(node: Node) -> bool:
    return Channel.PHONE not in node.action.channels or node.needs_approval


def _the_log_keeps_reasons(inputs: EvidenceInputs) -> Iterator[str]:
    relation = inputs.graph.relations.get(("activation", "decision_log"))
    kept = {field.column.name for field in relation.fields} if relation else set()
    for name in ("reason", "lawful_basis", "evidence", "release", "commitment"):
        if name not in kept:
            yield f"activation.decision_log has no column {name}"


def _explains_with_a_field(node: Node) -> bool:
    return node.kind is Kind.AUDIENCE or "{" in node.explain


def _published_tables_have_owners(inputs: EvidenceInputs) -> Iterator[str]:
    for relation in inputs.graph.relations.values():
        if relation.schema == "outbound" and not inputs.text(relation.name).owner:
            yield f"{relation.name}: no owner"


def _processors_are_named(inputs: EvidenceInputs) -> Iterator[str]:
    for sync in inputs.syncs:
        if not sync.processor.strip():
            yield f"{sync.name}: no processor"


def _what_is_landed_is_labelled(inputs: EvidenceInputs) -> Iterator[str]:
    for relation in inputs.graph.relations.values():
        if relation.kind == "source" and relation.schema == "landing":
            for field in relation.fields:
                if not field.label.categories:
                    yield f"{field.column}: no category"


def _labels_allow_every_sync(inputs: EvidenceInputs) -> Iterator[str]:
    # without dates: whether a basis still holds is asked on the day of sending
    for sync in inputs.syncs:
        starts = sync.transfer.starts if sync.transfer else None
        for refusal in label_refusals(inputs.graph, inputs.journeys, sync, starts or date.min):
            yield f"{sync.name}: {refusal}"


def _shows_what_it_must_not_select(node: Node) -> bool:
    expected = [example.expect for example in node.examples]
    return any(not one.candidate for one in expected) and any(one.candidate for one in expected)


def _actions_have_bounds(inputs: EvidenceInputs) -> Iterator[str]:
    capped = bool(inputs.journeys.policies.caps)
    for node in inputs.journeys.nodes:
        if node.kind is Kind.ACTION and not (capped or node.limits.volume or node.limits.once_per):
            yield f"{node.id}: no cap, volume or once_per bounds it"


CHECKS = (
    Check(
        "GOVERN 1.1",
        "every journey's purpose has a lawful basis stated per jurisdiction and channel",
        "assent evidence export (record_of_processing)",
        _nodes,
        _purposes_have_regimes,
    ),
    Check(
        "GOVERN 1.3",
        "no journey that reads special categories of data is of the lowest risk tier",
        "assent evidence export (dpia)",
        _nodes,
        _special_data_is_not_low_risk,
    ),
    Check(
        "GOVERN 1.6",
        "every journey's destination is a declared sync: the inventory ends nowhere unknown",
        "assent evidence export (dpia)",
        _nodes,
        _destinations_are_declared,
    ),
    Check(
        "GOVERN 1.7",
        "every journey states the day from which it decides nothing",
        "assent run (gate closed)",
        _nodes,
        _each_node(lambda node: node.expires is not None, "no expires"),
    ),
    Check(
        "GOVERN 2.1",
        "every outbound table names its owner",
        "assent ui (owners)",
        _fields,
        _published_tables_have_owners,
    ),
    Check(
        "GOVERN 6.1",
        "every sync names who processes the data, and in which region",
        "assent evidence export (record_of_processing)",
        _syncs,
        _processors_are_named,
    ),
    Check(
        "MAP 1.1",
        "the labels of every field that a journey reads allow the purpose that it states",
        "assent check",
        _nodes,
        _labels_allow_every_purpose,
    ),
    Check(
        "MAP 1.4",
        "every journey states what an outcome is worth, within which window",
        "assent evidence export (dpia)",
        _nodes,
        _each_node(lambda node: bool(node.kpis), "no kpis"),
    ),
    Check(
        "MAP 1.6",
        "every landing column has a policy label with data categories",
        "assent check",
        _fields,
        _what_is_landed_is_labelled,
    ),
    Check(
        "MAP 3.3",
        "every journey's actions are bounded by a cap, a volume or once per subject",
        "assent run (gates caps, volume, once)",
        _nodes,
        _actions_have_bounds,
    ),
    Check(
        "MAP 3.5",
        "a journey that calls people holds each call until a person approved it",
        "assent run (gate approval)",
        _nodes,
        _each_node(_calls_are_approved, "calls without approval"),
    ),
    Check(
        "MEASURE 2.1",
        "every journey has examples of whom it selects and whom it must not, run as tests",
        "make test (tests/activation/decisions/test_examples.py)",
        _nodes,
        _each_node(_shows_what_it_must_not_select, "no example that is not selected"),
    ),
    Check(
        "MEASURE 2.8",
        "the decision log keeps reason, lawful basis, evidence, release and commitment",
        "assent log verify",
        _fields,
        _the_log_keeps_reasons,
    ),
    Check(
        "MEASURE 2.9",
        "every action explains itself to the person in a sentence that shows a field it rests on",
        "assent explain",
        _nodes,
        _each_node(_explains_with_a_field, "the sentence shows no field"),
    ),
    Check(
        "MEASURE 2.10",
        "the labels of every field that leaves allow its region, purposes and categories",
        "assent check",
        _syncs,
        _labels_allow_every_sync,
    ),
)
