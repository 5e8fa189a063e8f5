"""A sync whose labels forbid it sends nothing but removals, at real destinations."""

import json
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine

from activation.connectors.files import FilesConnector
from activation.connectors.webhook import WebhookConnector
from activation.syncs import Guards, SyncError, SyncSpec
from expectations.policy.egress import check_egress
from tests.activation.connectors.receiver import Receiver
from tests.activation.syncs.world import ACTIONS, AUDIENCES, actions, members, record, sync
from tests.expectations.policy.graphs import insurer

OUTSIDE = {"region": "us", "transfer": {"mechanism": "scc", "reference": "DPA-7"}}


def in_region(spec: SyncSpec, region: str, expires: str | None = None) -> SyncSpec:
    """The sync with its destination in `region`, under a transfer basis until `expires`."""
    meta = spec.model_dump() | {"region": region}
    if expires is not None:
        meta["transfer"] = {"mechanism": "scc", "reference": "DPA-7", "expires": expires}
    return SyncSpec.model_validate(meta)


def guards(spec: SyncSpec, on: date) -> Guards:
    refusals = check_egress(insurer(), spec.relation, spec.terms, on)
    return Guards.of(spec, refusals=[str(one) for one in refusals])


def operations(outbox: Path) -> list[str]:
    folders = sorted((outbox / "demo" / "audience").iterdir())
    return [json.loads((folder / "manifest.json").read_text())["op"] for folder in folders]


def test_an_audience_outside_residency_adds_nobody_and_removes_who_left(
    engine: Engine, files: FilesConnector, outbox: Path
) -> None:
    sync(engine, files, members([1, 2, 3]), AUDIENCES)
    moved = in_region(AUDIENCES, "us")
    report = sync(engine, files, members([2, 9]), moved, guards=guards(moved, date(2026, 11, 20)))
    assert (report.sent, report.removed, report.withheld["label_refused"]) == (0, 2, 1)
    assert operations(outbox) == ["add", "remove"]
    assert report.as_dict()["refusals"][0].startswith("audience: may be processed in eu, uk")


def test_a_withdrawal_is_removed_from_a_destination_that_may_no_longer_receive_anything(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    sync(engine, webhook, members([1, 2]), AUDIENCES)
    record(engine, 1)
    moved = in_region(AUDIENCES, "us")
    report = sync(
        engine, webhook, members([1, 2, 3]), moved, guards=guards(moved, date(2026, 11, 20))
    )
    kinds = [arrival.kind for arrival in receiver.taken()]
    assert (report.sent, report.removed, report.overdue_removals) == (0, 1, 0)
    assert kinds == ["audience.add", "audience.add", "audience.remove"]


def test_a_transfer_basis_lets_actions_leave_until_the_day_it_expires(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    dated = in_region(ACTIONS, "us", expires="2027-01-01")
    last_day, first_without = date(2026, 12, 31), date(2027, 1, 1)
    before = sync(engine, webhook, actions([1]), dated, guards=guards(dated, last_day))
    after = sync(engine, webhook, actions([2]), dated, guards=guards(dated, first_without))
    assert (before.sent, before.refusals) == (1, [])
    assert (after.sent, after.withheld["label_refused"], len(receiver.arrivals)) == (0, 1, 1)
    assert "DPA-7 does not hold on 2027-01-01" in after.refusals[0]


def test_once_the_basis_is_renewed_what_was_withheld_goes_out(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    moved = in_region(ACTIONS, "us")
    sync(engine, webhook, actions([1]), moved, guards=guards(moved, date(2026, 11, 20)))
    renewed = in_region(ACTIONS, "us", expires="2027-01-01")
    report = sync(
        engine, webhook, actions([1]), renewed, guards=guards(renewed, date(2026, 11, 20))
    )
    assert (report.sent, len(receiver.arrivals)) == (1, 1)


def test_terms_that_are_incomplete_are_refused_with_the_field() -> None:
    meta = {k: v for k, v in ACTIONS.model_dump().items() if k not in ("name", "relation")}
    meta |= OUTSIDE
    with pytest.raises(SyncError, match=r"transfer\.expires: Field required"):
        SyncSpec.from_meta("demo", ACTIONS.relation, meta)
