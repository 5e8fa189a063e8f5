"""Static column lineage as OpenLineage events (specification 2.0.2), one JobEvent per model.

What enters a value is DIRECT; what only chose it, or chose the rows, is INDIRECT. Rows of the whole
relation stand in the facet's `dataset` list, as the facet (ColumnLineageDatasetFacet 1.2.0) has it.
The subtype of what is INDIRECT is left out: the plan says that a column decides, and not always by
which clause.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import duckdb

from activation.evidence.inputs import EvidenceInputs
from expectations.policy.chips import chips
from expectations.policy.graph import Relation
from expectations.policy.lineage.edges import Column, OutputColumn, RelationLineage

NAMESPACE = "assent"
PRODUCER = "https://assent.example/evidence"
_SPEC = "https://openlineage.io/spec"
_JOB_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/JobEvent"
_KEYED_HASHES = frozenset({"hmac_sha256", "keyed_hash", "sha256"})


def events(inputs: EvidenceInputs, at: datetime) -> Iterator[dict[str, Any]]:
    """A JobEvent for each relation that a query makes, in the order of the data's path.

    `at` is the event time: that of the commit, since no run is described.
    """
    for relation in inputs.graph.relations.values():
        if relation.lineage is not None:
            yield _event(inputs, relation, relation.lineage, at)


def lines(inputs: EvidenceInputs, at: datetime) -> str:
    """The events as JSON Lines, keys sorted."""
    return "".join(
        json.dumps(one, ensure_ascii=False, sort_keys=True) + "\n" for one in events(inputs, at)
    )


def _event(
    inputs: EvidenceInputs, relation: Relation, lineage: RelationLineage, at: datetime
) -> dict[str, Any]:
    return {
        "eventTime": at.astimezone(UTC).isoformat(),
        "producer": PRODUCER,
        "schemaURL": _JOB_EVENT,
        "job": {
            "namespace": NAMESPACE,
            "name": relation.name,
            "facets": {
                "jobType": _facet(
                    "2-0-4/JobTypeJobFacet",
                    processingType="BATCH",
                    integration="DBT",
                    jobType="MODEL",
                )
            },
        },
        "inputs": [
            {"namespace": NAMESPACE, "name": f"{schema}.{table}"}
            for schema, table in sorted(lineage.relations)
        ],
        "outputs": [
            {
                "namespace": NAMESPACE,
                "name": relation.name,
                "facets": _output_facets(inputs, relation, lineage),
            }
        ],
    }


def _output_facets(
    inputs: EvidenceInputs, relation: Relation, lineage: RelationLineage
) -> dict[str, Any]:
    text = inputs.text(relation.name)
    facets = {
        "schema": _facet("1-2-0/SchemaDatasetFacet", fields=_schema(relation, text.columns)),
        "columnLineage": _column_lineage(lineage),
        "tags": _facet("1-0-0/TagsDatasetFacet", tags=_tags(relation)),
    }
    if text.description:
        facets["documentation"] = _facet(
            "1-1-0/DocumentationDatasetFacet", description=text.description.strip()
        )
    if text.owner:
        facets["ownership"] = _facet(
            "1-0-1/OwnershipDatasetFacet", owners=[{"name": text.owner, "type": "MAINTAINER"}]
        )
    return facets


def _schema(relation: Relation, words: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": field.column.name,
            "type": field.type,
            "ordinal_position": position,
            **(
                {"description": words[field.column.name].strip()}
                if words.get(field.column.name)
                else {}
            ),
        }
        for position, field in enumerate(relation.fields, start=1)
    ]


def _column_lineage(lineage: RelationLineage) -> dict[str, Any]:
    return _facet(
        "1-2-0/ColumnLineageDatasetFacet",
        fields={
            output.name: {"inputFields": list(_input_fields(output))} for output in lineage.columns
        },
        dataset=[_input_field(column, {"type": "INDIRECT"}) for column in sorted(lineage.rows)],
    )


def _input_fields(output: OutputColumn) -> Iterator[dict[str, Any]]:
    for column in sorted(output.value):
        yield _input_field(column, direct(output))
    for column in sorted(output.selection):
        yield _input_field(column, {"type": "INDIRECT"})


def direct(output: OutputColumn) -> dict[str, Any]:
    if output.functions & aggregates():
        subtype = "AGGREGATION"
    elif output.functions or len(output.value) > 1:
        subtype = "TRANSFORMATION"
    else:
        subtype = "IDENTITY"
    described = {"description": ", ".join(sorted(output.functions))} if output.functions else {}
    masking = bool(output.functions & _KEYED_HASHES)
    return {"type": "DIRECT", "subtype": subtype, "masking": masking, **described}


@cache
def aggregates() -> frozenset[str]:
    """The names of DuckDB's aggregate functions, as this version of it has them."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select distinct function_name from duckdb_functions()"
            " where function_type = 'aggregate'"
        ).fetchall()
    return frozenset(name for (name,) in rows)


def _input_field(column: Column, transformation: dict[str, Any]) -> dict[str, Any]:
    return {
        "namespace": NAMESPACE,
        "name": f"{column.schema}.{column.table}",
        "field": column.name,
        "transformations": [transformation],
    }


def _tags(relation: Relation) -> list[dict[str, str]]:
    return [
        {"key": kind, "value": value, "source": "ASSENT", "field": field.column.name}
        for field in relation.fields
        for kind, value in _split(chips(field.label))
    ]


def _split(shown: Iterable[str]) -> Iterator[tuple[str, str]]:
    for chip in shown:
        kind, _, value = chip.partition("/")
        yield kind, value


def _facet(schema: str, **content: Any) -> dict[str, Any]:
    name = schema.partition("/")[2]
    return {
        "_producer": PRODUCER,
        "_schemaURL": f"{_SPEC}/facets/{schema}.json#/$defs/{name}",
        **content,
    }
