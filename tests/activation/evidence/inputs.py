"""The project's own journeys, regimes and syncs over a graph made by hand: no dbt, no warehouse."""

from pathlib import Path

import yaml

from activation.consent.regimes import load_regimes
from activation.evidence.inputs import EvidenceInputs, TableText
from activation.evidence.organisation import load_organisation
from activation.journeys.loading import JourneySet, load
from activation.syncs.spec import SyncSpec
from expectations.contract import read_contracts
from expectations.policy.graph import PolicyGraph, Relation
from tests.expectations.policy.graphs import graph, label, relation

ROOT = Path(__file__).resolve().parents[3]
EVERY_PURPOSE = frozenset(
    {
        "claims_service",
        "policy_service",
        "renewal",
        "onboarding",
        "service_recovery",
        "marketing",
        "profiling",
    }
)
CATEGORIES = {
    "address": "user.contact.email",
    "given_name": "user.name.first",
    "person_id": "user.unique_id",
    "product_line": "user.health_and_medical",
    "renews_on": "user.financial",
    "topic": "user.content.private",
}


def syncs() -> tuple[SyncSpec, ...]:
    """The syncs of the project's exposures, by name."""
    text = (ROOT / "dbt_project/models/outbound/_exposures.yml").read_text()
    found = [
        SyncSpec.from_meta(
            one["name"],
            f"outbound.{one['depends_on'][0].split(chr(39))[1]}",
            one["config"]["meta"]["sync"],
        )
        for one in yaml.safe_load(text)["exposures"]
    ]
    return tuple(sorted(found, key=lambda one: one.name))


def labelled(name: str, columns: list[str], reads: str | None = None) -> Relation:
    """A relation whose columns have the label of their name, each read from `reads`.`column`."""
    labels = {
        column: label(
            *filter(None, [CATEGORIES.get(column)]), purposes=EVERY_PURPOSE, retention_days=730
        )
        for column in columns
    }
    if reads is None:
        return relation(name, labels, kind="source", subject="customer")
    return relation(
        name,
        labels,
        reads={column: f"{reads}.{column}" for column in columns},
        chosen_by=[f"{reads}.{columns[0]}"],
    )


def insurer_graph(journeys: JourneySet) -> PolicyGraph:
    """landing.everything -> each context that a journey names -> each relation that a sync reads,
    beside activation.decision_log."""
    contexts: dict[str, list[str]] = {}
    for node in journeys.nodes:
        names = contexts.setdefault(node.context, ["person_id", "subject_id", "assurance"])
        names += [field for field in node.fields if field not in names]
    landed = sorted({name for names in contexts.values() for name in names} | {"address"})
    outbound = {one.relation: list(one.fields) for one in syncs()}
    landed = sorted({*landed, *(name for names in outbound.values() for name in names)})
    return graph(
        labelled("landing.everything", landed),
        *(
            labelled(f"contexts.{name}", columns, "landing.everything")
            for name, columns in sorted(contexts.items())
        ),
        labelled(
            "activation.decision_log",
            ["decision_id", "reason", "lawful_basis", "evidence", "release", "commitment"],
        ),
        *(
            labelled(name, columns, "landing.everything")
            for name, columns in sorted(outbound.items())
        ),
    )


def insurer_inputs() -> EvidenceInputs:
    """Everything that the documents of the sample are made from, but for the graph."""
    journeys = load(ROOT / "activation/journeys")
    policy_graph = insurer_graph(journeys)
    return EvidenceInputs(
        graph=policy_graph,
        journeys=journeys,
        regimes=load_regimes(),
        syncs=syncs(),
        organisation=load_organisation(),
        contracts=read_contracts(ROOT / "expectations/contracts"),
        tables={
            one.name: TableText("What <b>it</b> is | for.", "team@assent.example", {})
            for one in policy_graph.relations.values()
        },
        root=ROOT,
    )
