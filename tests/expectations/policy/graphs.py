"""Small policy graphs, made by hand: a landing table, a context and what leaves."""

from collections.abc import Iterable, Mapping

from expectations.policy.graph import Field, PolicyGraph, Relation
from expectations.policy.label import Label
from expectations.policy.lineage.edges import Column, OutputColumn, RelationLineage

PURPOSES = frozenset({"claims_service", "marketing", "renewal"})
EUROPE = frozenset({"eu", "uk"})


def label(*categories: str, **parts: object) -> Label:
    """A label as the sample's landing columns have it; `parts` replace what differs."""
    usual: dict[str, object] = {
        "categories": frozenset(categories),
        "origin": frozenset({"crm"}),
        "residency": EUROPE,
        "purposes": PURPOSES,
        "retention_days": 3650,
    }
    return Label(**(usual | parts))  # type: ignore[arg-type]


def relation(
    name: str,
    labels: Mapping[str, Label],
    *,
    kind: str = "model",
    selection: Iterable[str] = (),
    reads: Mapping[str, str] | None = None,
    chosen_by: Iterable[str] = (),
    **parts: object,
) -> Relation:
    """A relation `schema.table`. `reads` maps its columns to the columns (`schema.table.column`)
    that they are computed from; `chosen_by` are those that decided which rows it has."""
    schema, table = name.split(".")
    fields = tuple(
        Field(Column(schema, table, column), "VARCHAR", one, frozenset(selection), kind == "source")
        for column, one in labels.items()
    )
    lineage = None
    if reads is not None:
        rows = frozenset(column(one) for one in chosen_by)
        lineage = RelationLineage(
            tuple(
                OutputColumn(
                    field.column.name,
                    field.type,
                    frozenset({column(reads[field.column.name])})
                    if field.column.name in reads
                    else frozenset(),
                    frozenset(),
                    frozenset({"lower"}) if field.column.name == "address" else frozenset(),
                )
                for field in fields
            ),
            rows,
            frozenset((one.schema, one.table) for one in {*rows, *map(column, reads.values())}),
        )
    return Relation(schema, table, kind, fields, lineage, f"models/{table}.yml", **parts)  # type: ignore[arg-type]


def column(name: str) -> Column:
    """`schema.table.column` as a Column."""
    return Column(*name.split("."))


def graph(*relations: Relation) -> PolicyGraph:
    """The graph of these relations, in this order."""
    return PolicyGraph({(one.schema, one.table): one for one in relations})


def insurer() -> PolicyGraph:
    """landing.crm_contacts -> contexts.ctx_policy -> outbound.out_demo_actions and _audiences."""
    identifying = {"person_id": label("user.unique_id")}
    landing = relation(
        "landing.crm_contacts",
        {
            "contact_id": label("user.unique_id"),
            "given_name": label("user.name.first"),
            "email": label("user.contact.email"),
            "diagnosis": label("user.health_and_medical", purposes=frozenset({"claims_service"})),
            "updated_at": label("system.operations"),
        },
        kind="source",
        subject="customer",
        subject_key=("contact_id",),
        event_time="updated_at",
    )
    context = relation(
        "contexts.ctx_policy",
        identifying
        | {
            "subject_id": label("user.unique_id"),
            "assurance": label(),
            "source_at": label("system.operations"),
            "given_name": label("user.name.first"),
            "diagnosis": label("user.health_and_medical", purposes=frozenset({"claims_service"})),
        },
        reads={
            "person_id": "landing.crm_contacts.contact_id",
            "given_name": "landing.crm_contacts.given_name",
            "diagnosis": "landing.crm_contacts.diagnosis",
        },
    )
    sent = {
        "channel": label(),
        "address": label("user.contact.email"),
        "given_name": label("user.name.first"),
    }
    reads = {
        "person_id": "contexts.ctx_policy.person_id",
        "address": "landing.crm_contacts.email",
        "given_name": "contexts.ctx_policy.given_name",
    }
    actions = relation(
        "outbound.out_demo_actions",
        {"decision_id": label(), "purpose": label()} | identifying | sent,
        reads=reads,
        chosen_by=["landing.crm_contacts.updated_at"],
    )
    audiences = relation(
        "outbound.out_demo_audiences", {"audience": label()} | identifying | sent, reads=reads
    )
    return graph(landing, context, actions, audiences)
