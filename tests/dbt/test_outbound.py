"""From a decision to the row that may leave, and the withdrawal that stops it."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import activation.journeys
from activation.journeys import Kind
from activation.syncs import SyncSpec, check_targets
from tests.dbt.builder import AS_OF, Warehouse
from tests.dbt.insurer import Insurer, after, before

OUTBOUND = "path:models/outbound"


def act(
    insurer: Insurer,
    decision_id: str,
    record_id: str,
    subject_id: str,
    *,
    purpose: str = "renewal",
    channel: str = "email",
    valid_until: datetime | None = None,
) -> None:
    """Write the action of a decision to act, as activation.decisions does."""
    row = {
        "decision_id": decision_id,
        "person_id": insurer.person(record_id),
        "node": "some_node",
        "action": "send_message",
        "channel": channel,
        "purpose": purpose,
        "lawful_basis": "legitimate_interests",
        "subject_id": subject_id,
        "release": "r_0",
    }
    times = {
        "decided_as_of": AS_OF,
        "send_after": AS_OF,
        "valid_until": valid_until or after(days=7),
    }
    insurer.warehouse.insert("action", [{**row, "template": "some_template", **times}])


def join(insurer: Insurer, record_id: str, audience: str = "cross_sell_home") -> None:
    """Write the membership of a person and the decision it rests on."""
    person_id = insurer.person(record_id)
    insurer.warehouse.insert(
        "decision_log",
        [
            {
                "decision_id": f"d_{audience}_{record_id}",
                "person_id": person_id,
                "node": audience,
                "subject_id": person_id,
                "as_of": AS_OF,
                "outcome": "act",
                "channel": "email",
                "purpose": "marketing",
                "release": "r_0",
                "batch": 1,
                "seq": int(record_id),
            }
        ],
    )
    insurer.warehouse.insert(
        "audience", [{"audience": audience, "person_id": person_id, "since": AS_OF}]
    )


@pytest.fixture(scope="module")
def insurer(shared_warehouse: Callable[[str], Warehouse]) -> Insurer:
    """Three customers; the first two withdraw something on the day after, the third is told."""
    insurer = Insurer(shared_warehouse("outbound"))
    for number, name in (("1001", "Ada"), ("1002", "Bob"), ("1003", "Cyd")):
        insurer.contact(f"C-{number}", given_name=name, email=f"{name.lower()}@example.com")
        insurer.customer(number, crm_contact_id=f"C-{number}")
        insurer.policy(f"POL-{number}", number, product_line="home")
        insurer.claim(f"CLM-{number}", f"POL-{number}", opened_at=before(days=4))
    insurer.consent(
        "e-objection",
        "objected",
        identifier_type="email",
        identifier="bob@example.com",
        purpose="renewal",
        channel="email",
    )
    insurer.build("+path:models/contexts", "+con_permits")

    act(insurer, "d_renewal", "1001", "POL-1001")
    act(insurer, "d_claim", "1001", "CLM-1001", purpose="claims_service")
    act(insurer, "d_over", "1001", "POL-1001", valid_until=before(seconds=1))
    act(insurer, "d_no_number", "1001", "POL-1001", channel="sms")
    act(insurer, "d_objected", "1002", "POL-1002")
    join(insurer, "1001")
    join(insurer, "1003")
    insurer.build(OUTBOUND)
    return insurer


def leaving(insurer: Insurer, sql: str) -> list[tuple[Any, ...]]:
    return sorted(insurer.warehouse.rows(sql))


def test_only_a_valid_permitted_and_reachable_action_leaves(insurer: Insurer) -> None:
    for model in ("out_outbox_actions", "out_webhook_actions", "out_postgres_actions"):
        rows = leaving(insurer, f"select decision_id, address from outbound.{model}")
        assert rows == [("d_claim", "ada@example.com"), ("d_renewal", "ada@example.com")]


def test_a_claim_message_carries_the_claim_and_nothing_of_the_policy(insurer: Insurer) -> None:
    rows = leaving(
        insurer,
        "select decision_id, given_name, policy_number, product_line, claim_number, claim_status "
        "from outbound.out_outbox_actions",
    )
    assert rows == [
        ("d_claim", "Ada", None, None, "CLM-1001", "open"),
        ("d_renewal", "Ada", "POL-1001", "home", None, None),
    ]


def test_a_person_who_withdraws_leaves_the_audience(warehouse: Warehouse, insurer: Insurer) -> None:
    members = "select address from outbound.{model}"
    for model in ("out_outbox_audiences", "out_postgres_audiences"):
        rows = leaving(insurer, members.format(model=model))
        assert rows == [("ada@example.com",), ("cyd@example.com",)]

    later = Insurer(warehouse)
    for number, name in (("1001", "Ada"), ("1003", "Cyd")):
        later.contact(f"C-{number}", given_name=name, email=f"{name.lower()}@example.com")
        later.customer(number, crm_contact_id=f"C-{number}")
        later.policy(f"POL-{number}", number, product_line="home")
    later.consent(
        "e-withdrawal",
        "withdrawn",
        identifier_type="contact_id",
        identifier="C-1001",
        purpose="*",
        channel="*",
    )
    later.build("+path:models/contexts", "+con_permits")
    join(later, "1001")
    join(later, "1003")
    later.build(OUTBOUND)
    for model in ("out_outbox_audiences", "out_postgres_audiences"):
        assert leaving(later, members.format(model=model)) == [("cyd@example.com",)]


def test_every_egress_model_rests_on_the_consent_gate_alone(manifest: Any) -> None:
    models = {
        node.name: node
        for node in manifest.nodes.values()
        if node.resource_type == "model" and node.schema == "outbound"
    }
    gates = {"out_permitted_actions", "out_permitted_members"}
    assert gates < set(models)
    for name, node in models.items():
        parents = {parent.removeprefix("model.assent.") for parent in node.depends_on.nodes}
        if name in gates:
            assert "con_permits" in parents, f"{name} does not ask con_permits"
            assert str(node.access) == "private", f"{name} may be read from elsewhere"
        else:
            assert len(parents) == 1, f"{name} reads {sorted(parents)}"
            assert parents < gates, f"{name} reads past the gate"


def test_every_exposure_lists_exactly_the_columns_of_its_model(manifest: Any) -> None:
    specs = []
    for exposure in manifest.exposures.values():
        (model,) = (manifest.nodes[parent] for parent in exposure.depends_on.nodes)
        spec = SyncSpec.from_meta(
            exposure.name, f"{model.schema}.{model.name}", exposure.config.meta["sync"]
        )
        assert list(spec.fields) == list(model.columns), f"{exposure.name} and {model.name} differ"
        assert exposure.owner.email, f"{exposure.name} has no owner to ask"
        specs.append(spec)
    check_targets(specs)
    assert {spec.name for spec in specs if spec.enabled_by_default} == {
        "outbox_actions",
        "outbox_audiences",
    }


def test_what_a_journey_promises_to_send_is_among_the_fields_of_its_destination(
    manifest: Any,
) -> None:
    delivered_as = {"status": "claim_status"}
    journeys = activation.journeys.load(Path(activation.journeys.__file__).parent)
    actions = [node for node in journeys.nodes if node.kind is Kind.ACTION]
    assert actions
    for node in actions:
        model = manifest.nodes[f"model.assent.out_{node.action.destination}_actions"]
        promised = {delivered_as.get(field, field) for field in node.action.payload}
        assert promised <= set(model.columns), f"{node.id} promises a field that is not sent"


def test_every_egress_model_is_announced_by_one_exposure(manifest: Any) -> None:
    announced = sorted(
        parent.removeprefix("model.assent.")
        for exposure in manifest.exposures.values()
        for parent in exposure.depends_on.nodes
    )
    models = sorted(
        node.name
        for node in manifest.nodes.values()
        if node.resource_type == "model"
        and node.schema == "outbound"
        and not node.name.startswith("out_permitted_")
    )
    assert announced == models
