"""A data contract per published table in the Open Data Contract Standard (ODCS) 3.1.0.

Published are the contexts, which decisions read, and what is outbound, which destinations receive.
The labels stand in `customProperties` of each property, retention as a service level with a
regulatory driver, lineage in `transformSourceObjects`, and the gate's rules as quality texts.
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import yaml

from activation.evidence.inputs import EvidenceInputs
from expectations.contract import Contract
from expectations.policy.graph import Field, Relation
from expectations.policy.special import special_in

PUBLISHED_SCHEMAS = ("contexts", "outbound")
API_VERSION = "v3.1.0"
#: What a column's type is to the standard; the longest name that it begins with counts.
_LOGICAL_TYPES = {
    "BIGINT": "integer",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DECIMAL": "number",
    "DOUBLE": "number",
    "FLOAT": "number",
    "HUGEINT": "integer",
    "INTEGER": "integer",
    "SMALLINT": "integer",
    "TIME": "time",
    "TIMESTAMP": "timestamp",
    "TINYINT": "integer",
    "VARCHAR": "string",
}


def contracts(inputs: EvidenceInputs) -> Iterator[tuple[str, dict[str, Any]]]:
    """(schema.table, contract) for each published table, in the order of the data's path."""
    rules = {one.table: one for one in inputs.contracts}
    for relation in inputs.graph.relations.values():
        if relation.schema in PUBLISHED_SCHEMAS:
            yield relation.name, _contract(inputs, relation, rules.get(relation.name))


def to_yaml(contract: Mapping[str, Any]) -> str:
    """A contract as YAML, in the standard's order of sections."""
    text: str = yaml.safe_dump(contract, sort_keys=False, allow_unicode=True, width=100)
    return text


def _contract(inputs: EvidenceInputs, relation: Relation, rules: Contract | None) -> dict[str, Any]:
    text = inputs.text(relation.name)
    content: dict[str, Any] = {
        "kind": "DataContract",
        "apiVersion": API_VERSION,
        "id": f"assent.{relation.name}",
        "name": relation.name,
        "status": "active",
        "domain": relation.schema,
        "dataProduct": "assent",
        "description": {"purpose": _one_line(text.description) or relation.name},
        "servers": [{"server": "warehouse", "type": "custom", "description": "the warehouse"}],
        "schema": [_schema_object(inputs, relation, rules)],
        "slaProperties": list(_service_levels(relation, rules)),
    }
    if text.owner:
        content["support"] = [{"channel": text.owner, "url": f"mailto:{text.owner}"}]
    digest = sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {"version": f"1.0.0+{digest[:12]}", **content}


def _schema_object(
    inputs: EvidenceInputs, relation: Relation, rules: Contract | None
) -> dict[str, Any]:
    words = inputs.text(relation.name).columns
    key = tuple(rules.key) if rules else ()
    sources = _sources(relation)
    table: dict[str, Any] = {
        "name": relation.name,
        "physicalName": relation.name,
        "physicalType": "table",
        "logicalType": "object",
        "properties": [
            _property(field, words.get(field.column.name, ""), key, sources)
            for field in relation.fields
        ],
    }
    if rules:
        table["quality"] = [
            {
                "type": "text",
                "name": name,
                "description": _one_line(description),
                "severity": "error" if blocks else "warning",
            }
            for name, description, blocks in rules.checks()
        ]
    return table


def _property(
    field: Field, description: str, key: tuple[str, ...], sources: Mapping[str, list[str]]
) -> dict[str, Any]:
    name, label = field.column.name, field.label
    content: dict[str, Any] = {
        "name": name,
        "logicalType": _logical_type(field.type),
        "physicalType": field.type,
    }
    if description:
        content["description"] = _one_line(description)
    if name in key:
        content |= {"primaryKey": True, "primaryKeyPosition": key.index(name) + 1}
    if label.categories:
        content["classification"] = "special" if special_in(label.categories) else "personal"
    if sources.get(name):
        content["transformSourceObjects"] = sources[name]
    parts: dict[str, Any] = {
        "categories": sorted(label.categories),
        "origin": sorted(label.origin),
        "residency": None if label.residency is None else sorted(label.residency),
        "purposes": None if label.purposes is None else sorted(label.purposes),
        "retentionDays": label.retention_days,
        "selection": sorted(field.selection),
    }
    stated = [
        {"property": part, "value": value}
        for part, value in parts.items()
        if value is not None and (value or part in ("residency", "purposes"))
    ]
    if stated:
        content["customProperties"] = stated
    return content


def _sources(relation: Relation) -> dict[str, list[str]]:
    if relation.lineage is None:
        return {}
    return {
        one.name: [str(column) for column in sorted(one.value)] for one in relation.lineage.columns
    }


def _service_levels(relation: Relation, rules: Contract | None) -> Iterator[dict[str, Any]]:
    for field in relation.fields:
        if field.label.retention_days is not None:
            yield {
                "property": "retention",
                "value": field.label.retention_days,
                "unit": "d",
                "element": f"{relation.name}.{field.column.name}",
                "driver": "regulatory",
            }
    if rules:
        yield {
            "property": "latency",
            "value": float(rules.freshness.max_age_hours),
            "unit": "h",
            "element": f"{rules.freshness.of or relation.name}.{rules.freshness.column}",
            "driver": "operational",
        }


def _logical_type(physical: str) -> str:
    if physical.endswith("[]"):
        return "array"
    known = [name for name in _LOGICAL_TYPES if physical.upper().startswith(name)]
    return _LOGICAL_TYPES[max(known, key=len)] if known else "object"


def _one_line(text: str) -> str:
    return " ".join(text.split())
