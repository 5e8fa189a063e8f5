"""What is exported is what the standards' own packages read and would have written."""

import json
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import jsonschema
import openlineage.client.event_v2 as ol
import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard
from openlineage.client.generated.column_lineage_dataset import (
    ColumnLineageDatasetFacet,
    Fields,
    InputField,
    Transformation,
)
from openlineage.client.generated.documentation_dataset import DocumentationDatasetFacet
from openlineage.client.generated.job_type_job import JobTypeJobFacet
from openlineage.client.generated.ownership_dataset import Owner, OwnershipDatasetFacet
from openlineage.client.generated.schema_dataset import (
    SchemaDatasetFacet,
    SchemaDatasetFacetFields,
)
from openlineage.client.generated.tags_dataset import TagsDatasetFacet, TagsDatasetFacetFields
from openlineage.client.serde import Serde

from activation.evidence import data_contracts, openlineage
from activation.evidence.inputs import EvidenceInputs
from expectations.policy.lineage.edges import OutputColumn
from tests.activation.evidence.inputs import insurer_inputs
from tests.expectations.policy.graphs import column

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def inputs() -> EvidenceInputs:
    return insurer_inputs()


def rebuilt(event: dict[str, Any]) -> dict[str, Any]:
    """The event as OpenLineage's own classes write it, made from the same facts."""
    (output,) = event["outputs"]
    facets = output["facets"]
    lineage = facets["columnLineage"]
    made = {
        "schema": SchemaDatasetFacet(
            fields=[SchemaDatasetFacetFields(**one) for one in facets["schema"]["fields"]]
        ),
        "columnLineage": ColumnLineageDatasetFacet(
            fields={
                name: Fields(inputFields=[input_field(one) for one in field["inputFields"]])
                for name, field in lineage["fields"].items()
            },
            dataset=[input_field(one) for one in lineage["dataset"]],
        ),
        "tags": TagsDatasetFacet(
            tags=[TagsDatasetFacetFields(**one) for one in facets["tags"]["tags"]]
        ),
        "documentation": DocumentationDatasetFacet(
            description=facets["documentation"]["description"]
        ),
        "ownership": OwnershipDatasetFacet(
            owners=[Owner(**one) for one in facets["ownership"]["owners"]]
        ),
    }
    job = event["job"]
    kinds = {k: v for k, v in job["facets"]["jobType"].items() if not k.startswith("_")}
    again = ol.JobEvent(
        eventTime=event["eventTime"],
        producer=event["producer"],
        job=ol.Job(job["namespace"], job["name"], {"jobType": JobTypeJobFacet(**kinds)}),
        inputs=[ol.InputDataset(one["namespace"], one["name"]) for one in event["inputs"]],
        outputs=[ol.OutputDataset(output["namespace"], output["name"], facets=made)],
    )
    content: dict[str, Any] = json.loads(Serde.to_json(again))
    return content


def input_field(content: dict[str, Any]) -> InputField:
    ways = [Transformation(**one) for one in content["transformations"]]
    return InputField(content["namespace"], content["name"], content["field"], ways)


def normal(value: Any) -> Any:
    """Without what the package adds as empty, and with one producer."""
    if isinstance(value, dict):
        return {
            key: normal(one)
            for key, one in value.items()
            if one not in ({}, []) and key not in ("_producer",)
        }
    return [normal(one) for one in value] if isinstance(value, list) else value


def test_the_events_are_those_that_openlineages_own_classes_write(inputs: EvidenceInputs) -> None:
    events = list(openlineage.events(inputs, AT))
    assert len(events) == sum(one.lineage is not None for one in inputs.graph.relations.values())
    for event in events:
        assert normal(rebuilt(event)) == normal(event)


def test_values_are_direct_and_what_chose_the_rows_is_indirect(inputs: EvidenceInputs) -> None:
    event = next(
        one
        for one in openlineage.events(inputs, AT)
        if one["job"]["name"] == "outbound.out_outbox_actions"
    )
    facet = event["outputs"][0]["facets"]["columnLineage"]
    (address,) = facet["fields"]["address"]["inputFields"]
    assert (address["name"], address["field"]) == ("landing.everything", "address")
    assert address["transformations"][0]["type"] == "DIRECT"
    (chosen,) = facet["dataset"]
    assert chosen["transformations"] == [{"type": "INDIRECT"}]
    assert event["eventTime"] == "2026-11-20T09:00:00+00:00"


@pytest.mark.parametrize(
    ("functions", "sources", "subtype", "masking"),
    [
        ([], ["a.b.c"], "IDENTITY", False),
        (["lower"], ["a.b.c"], "TRANSFORMATION", False),
        ([], ["a.b.c", "a.b.d"], "TRANSFORMATION", False),
        (["sum", "round"], ["a.b.c"], "AGGREGATION", False),
        (["sha256"], ["a.b.c"], "TRANSFORMATION", True),
    ],
)
def test_the_subtype_says_what_was_done_to_the_value(
    functions: list[str], sources: list[str], subtype: str, masking: bool
) -> None:
    value = frozenset(map(column, sources))
    made = OutputColumn("x", "VARCHAR", value, frozenset(), frozenset(functions))
    found = openlineage.direct(made)
    assert (found["subtype"], found["masking"]) == (subtype, masking)


def test_each_contract_is_valid_odcs_3_1_by_its_schema_and_its_package(
    inputs: EvidenceInputs,
) -> None:
    schema = json.loads((files("open_data_contract_standard") / "schema.json").read_text())
    validator = jsonschema.Draft201909Validator(schema)
    names = []
    for name, contract in data_contracts.contracts(inputs):
        text = data_contracts.to_yaml(contract)
        assert list(validator.iter_errors(yaml.safe_load(text))) == []
        read = OpenDataContractStandard.from_string(text)
        assert read.apiVersion == "v3.1.0"
        assert read.schema_ is not None
        names.append(name)
    published = {
        one.name
        for one in inputs.graph.relations.values()
        if one.schema in ("contexts", "outbound")
    }
    assert set(names) == published


def test_a_contract_carries_labels_retention_key_and_the_gates_rules(
    inputs: EvidenceInputs,
) -> None:
    contracts = dict(data_contracts.contracts(inputs))
    policy = contracts["contexts.ctx_policy"]
    (table,) = policy["schema"]
    properties = {one["name"]: one for one in table["properties"]}
    line = properties["product_line"]
    stated = {one["property"]: one["value"] for one in line["customProperties"]}
    assert stated["categories"] == ["user.health_and_medical"]
    assert stated["residency"] == ["eu", "uk"]
    assert line["classification"] == "special"
    assert line["transformSourceObjects"] == ["landing.everything.product_line"]
    assert [n for n, one in properties.items() if one.get("primaryKey")] == [
        "person_id",
        "subject_id",
    ]
    assert {"volume", "freshness", "key_unique"} <= {one["name"] for one in table["quality"]}
    retained = {one["element"] for one in policy["slaProperties"] if one["property"] == "retention"}
    assert "contexts.ctx_policy.product_line" in retained
