"""The record of processing activities (GDPR Article 30(1)): one activity per purpose.

Purposes and lawful bases come from the regimes, categories and time limits from the labels of what
each purpose's nodes read and its syncs send, recipients and transfers from the syncs. What protects
the data is stated by the organisation.
"""

from collections.abc import Iterable
from typing import Any

from activation.consent.regimes import Purpose, Rule, rules
from activation.evidence.document import Document, Section, Table, cell
from activation.evidence.inputs import EvidenceInputs
from activation.syncs.labels import context_columns
from activation.syncs.spec import SyncSpec
from expectations.policy.graph import Field
from expectations.policy.label import Label, join_all
from expectations.policy.lineage.edges import Column
from expectations.policy.special import special_in


def record_of_processing(inputs: EvidenceInputs) -> dict[str, Any]:
    """The record as plain data: controller, measures, and per purpose what Article 30 asks for."""
    organisation = inputs.organisation
    return {
        "document": "record_of_processing",
        "basis": "GDPR Article 30(1)",
        "revision": inputs.revision,
        "controller": organisation.controller,
        "contact": organisation.contact,
        "data_protection_officer": organisation.data_protection_officer,
        "security_measures": [one.model_dump(mode="json") for one in organisation.measures],
        "activities": [
            _activity(inputs, name, purpose)
            for name, purpose in sorted(inputs.regimes.purposes.items())
        ],
    }


def _activity(inputs: EvidenceInputs, name: str, purpose: Purpose) -> dict[str, Any]:
    nodes = [node for node in inputs.journeys.nodes if node.purpose == name]
    syncs = [sync for sync in inputs.syncs if name in sync.purpose]
    fields = _fields(
        inputs,
        [
            *(column for node in nodes for column in context_columns(node)),
            *(column for sync in syncs for column in _sent(sync)),
        ],
        name,
    )
    label = join_all(field.label for field in fields)
    return {
        "purpose": name,
        "description": purpose.description,
        "journeys": [{"node": node.id, "description": node.description} for node in nodes],
        "lawful_bases": _bases(one for one in rules(inputs.regimes) if one.purpose == name),
        "subjects": _subjects(inputs, label),
        "categories": sorted(label.categories),
        "special_categories": sorted(special_in(label.categories)),
        "origin": sorted(label.origin),
        "recipients": [_recipient(sync) for sync in syncs],
        "transfers": [one for sync in syncs for one in _transfers(inputs, sync, name)],
        "time_limits_days": _time_limits(fields),
    }


def _sent(sync: SyncSpec) -> list[Column]:
    schema, _, table = sync.relation.partition(".")
    return [Column(schema, table, name) for name in sync.fields]


def _fields(inputs: EvidenceInputs, columns: Iterable[Column], purpose: str) -> list[Field]:
    """The labelled fields of these columns that may serve the purpose: a sync of several purposes
    fills a field only for those that its label allows."""
    known = {field.column: field for one in inputs.graph.relations.values() for field in one.fields}
    found = [known[column] for column in sorted(set(columns)) if column in known]
    return [one for one in found if one.label.purposes is None or purpose in one.label.purposes]


def _subjects(inputs: EvidenceInputs, label: Label) -> list[str]:
    """Whom the systems of record are about from which the data comes."""
    words = inputs.organisation.subjects
    found = {
        relation.subject
        for relation in inputs.graph.relations.values()
        if relation.subject is not None
        and relation.kind == "source"
        and any(field.label.origin & label.origin for field in relation.fields)
    }
    return sorted(words.get(subject, subject) for subject in found)


def _bases(found: Iterable[Rule]) -> dict[str, list[str]]:
    """Lawful basis -> jurisdictions (`*` is everywhere else), with channels that differ."""
    bases: dict[str, set[str]] = {}
    for rule in found:
        bases.setdefault(rule.basis, set()).add(rule.jurisdiction)
    return {basis: sorted(countries) for basis, countries in sorted(bases.items())}


def _recipient(sync: SyncSpec) -> dict[str, Any]:
    return {
        "sync": sync.name,
        "destination": sync.destination,
        "processor": sync.processor,
        "region": sync.region,
        "fields": list(sync.fields),
    }


def _transfers(inputs: EvidenceInputs, sync: SyncSpec, purpose: str) -> list[dict[str, Any]]:
    label = join_all(field.label for field in _fields(inputs, _sent(sync), purpose))
    if label.residency is None or sync.region in label.residency:
        return []
    safeguard = None if sync.transfer is None else sync.transfer.model_dump(mode="json")
    return [{"sync": sync.name, "region": sync.region, "safeguard": safeguard}]


def _time_limits(fields: Iterable[Field]) -> dict[str, int]:
    """Category -> the longest that any of its fields is kept; without limit it is left out."""
    limits: dict[str, int] = {}
    for field in fields:
        for category in field.label.categories:
            if field.label.retention_days is not None:
                limits[category] = max(limits.get(category, 0), field.label.retention_days)
    return dict(sorted(limits.items()))


def processing_document(record: dict[str, Any]) -> Document:
    """The record for reading."""
    measures = Table(
        "Security measures (Article 32), as the organisation states them",
        ("measure", "evidence"),
        tuple((one["measure"], one["evidence"]) for one in record["security_measures"]),
    )
    return Document(
        "Record of processing activities",
        (
            "Article 30(1) GDPR. Everything but the controller and the measures is derived from "
            "the policy labels, the consent regimes, the journeys and the syncs; a change of any "
            "of them changes this record.",
            f"Controller: {record['controller']}, {record['contact']}. Data protection officer: "
            f"{record['data_protection_officer']}.",
        ),
        (
            *map(_activity_section, record["activities"]),
            Section("Security measures", tables=(measures,)),
        ),
        record["revision"],
    )


def _activity_section(activity: dict[str, Any]) -> Section:
    rows = (
        ("Purpose", activity["description"]),
        (
            "Journeys",
            cell(f"{one['node']}: {one['description']}" for one in activity["journeys"]),
        ),
        (
            "Lawful bases (Article 6)",
            cell(
                f"{basis}: {', '.join('elsewhere' if one == '*' else one for one in countries)}"
                for basis, countries in activity["lawful_bases"].items()
            ),
        ),
        ("Categories of data subjects", cell(activity["subjects"])),
        ("Categories of personal data", cell(activity["categories"])),
        ("Special categories (Article 9)", cell(activity["special_categories"])),
        ("Systems of record", cell(activity["origin"])),
        (
            "Recipients",
            cell(
                f"{one['sync']}: {one['destination']}, processor {one['processor']}, "
                f"region {one['region']}"
                for one in activity["recipients"]
            ),
        ),
        ("Transfers and safeguards (chapter V)", cell(map(_transfer, activity["transfers"]))),
        (
            "Time limits",
            cell(
                f"{category}: {days} days"
                for category, days in activity["time_limits_days"].items()
            ),
        ),
    )
    table = Table(f"Processing for {activity['purpose']}", ("what Article 30 asks", "answer"), rows)
    return Section(activity["purpose"], tables=(table,))


def _transfer(transfer: dict[str, Any]) -> str:
    basis = transfer["safeguard"]
    if basis is None:
        return f"{transfer['sync']} to {transfer['region']}: no basis; nothing is sent"
    return (
        f"{transfer['sync']} to {transfer['region']}: {basis['mechanism']} {basis['reference']}, "
        f"until {basis['expires']}"
    )
