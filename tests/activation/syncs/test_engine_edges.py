"""Capabilities that today's connectors don't use, faults of connectors, and the declaration."""

import logging
from collections.abc import Sequence

import pytest
from sqlalchemy import Engine, select

from activation.connectors.postgres import PostgresConnector
from activation.connectors.protocol import Batch, Idempotency, RemovalAddress, RowOutcome
from activation.connectors.webhook import WebhookConnector
from activation.consent.vocabulary import RESTRICTIVE_ACTIONS
from activation.store.tables_sync import sync_intent, sync_state
from activation.syncs import SyncError, SyncSpec, check_targets
from activation.syncs.gate import RESTRICTING_ACTIONS
from tests.activation.connectors.receiver import Receiver
from tests.activation.syncs.destination import MemoryDestination
from tests.activation.syncs.world import (
    ACTIONS,
    AUDIENCES,
    actions,
    address_of,
    members,
    record,
    sync,
)


def test_the_gate_knows_every_restricting_action() -> None:
    assert set(RESTRICTING_ACTIONS) == RESTRICTIVE_ACTIONS


def test_one_bad_row_is_found_by_halving_its_batch(engine: Engine) -> None:
    destination = MemoryDestination(max_rows=64)
    destination.poisonous = {"p_0037"}
    report = sync(engine, destination, actions(range(64)))
    assert (report.sent, report.failures) == (63, {"row_permanent": 1})
    assert report.calls == 13
    assert sync(engine, destination, actions(range(64))).parked == 1


def test_one_bad_row_in_postgres_does_not_keep_the_others_out(
    engine: Engine, postgresql_url: str
) -> None:
    connector = PostgresConnector(postgresql_url, "outbound", create_tables=True)
    names = ["fine"] * 5 + ["nul\x00"] + ["fine"] * 4
    table = actions(range(10)).drop_columns("given_name").append_column("given_name", [names])
    report = sync(engine, connector, table)
    connector.close()
    assert (report.sent, report.failures) == (9, {"row_permanent": 1})


def test_an_action_in_doubt_is_held_where_duplicates_cannot_be_told(engine: Engine) -> None:
    destination = MemoryDestination(idempotency=Idempotency.NONE)
    destination.script = ["never"]
    first = sync(engine, destination, actions([1]))
    second = sync(engine, destination, actions([1]))
    assert (first.in_doubt, first.calls) == (1, 1)
    assert (second.in_doubt, second.calls) == (1, 0)


@pytest.mark.parametrize("keeps", list(RemovalAddress))
def test_the_store_keeps_of_an_address_what_removals_need(
    engine: Engine, keeps: RemovalAddress
) -> None:
    destination = MemoryDestination(removal_address=keeps)
    sync(engine, destination, members([1]), AUDIENCES)
    with engine.connect() as connection:
        state = connection.execute(select(sync_state)).one()
        intent = connection.execute(select(sync_intent)).one()
    assert state.address_sent == (address_of(1) if keeps is RemovalAddress.PLAIN else None)
    assert (state.address_hash is None) is (keeps is RemovalAddress.NONE)
    assert intent.address_sent is None
    sync(engine, destination, members([]), AUDIENCES)
    _, removal = destination.arrivals[-1]
    assert removal.get("address") == state.address_sent
    assert destination.members == {}


class Crashing(MemoryDestination):
    """Fails as a library would: with the row in the text of the error."""

    def deliver(self, batch: Batch) -> Sequence[RowOutcome]:
        raise ValueError(f"cannot encode {batch.rows.to_pylist()}")


def test_no_personal_value_reaches_an_error_a_log_or_a_report(
    engine: Engine, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    record(engine, 1)
    with caplog.at_level(logging.DEBUG), pytest.raises(SyncError) as caught:
        sync(engine, Crashing(), actions(range(3)))
    failing = MemoryDestination()
    failing.script = ["bad", "never", "lost", "503"]
    report = sync(engine, failing, actions(range(9)))
    chain = [repr(e) for e in (caught.value, caught.value.__cause__)]
    shown = " ".join([*chain, caplog.text, *capsys.readouterr(), repr(report)])
    assert "ValueError" in str(caught.value)
    assert caught.value.__suppress_context__
    assert "anary" not in shown + str(report.as_dict())


def test_a_connector_that_loses_track_of_its_rows_is_found_out(engine: Engine) -> None:
    class Forgetful(MemoryDestination):
        def deliver(self, batch: Batch) -> Sequence[RowOutcome]:
            return super().deliver(batch)[:-1]

    with pytest.raises(SyncError, match="lost track of batch"):
        sync(engine, Forgetful(), actions([1, 2]))
    assert sync(engine, MemoryDestination(), actions([1, 2])).sent == 2


META = {
    "destination": "outbox",
    "connector": "files",
    "region": "uk",
    "processor": "none",
    "purpose": ["marketing"],
    "object": "audience",
    "mode": "mirror",
    "key": ["audience", "person_id"],
    "fields": ["audience", "person_id", "address"],
    "enabled_by_default": True,
}


def test_a_declaration_becomes_a_sync() -> None:
    spec = SyncSpec.from_meta("outbox_audiences", "outbound.out_outbox_audiences", META)
    assert (spec.target, spec.mode, spec.key) == (
        "outbox/audience",
        "mirror",
        ("audience", "person_id"),
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fields": ["audience"]}, r"key: person_id must be listed under fields"),
        ({"mode": "append"}, r"key: must be \[decision_id\]"),
        ({"mode": "replace"}, r"mode: Input should be 'append' or 'mirror'"),
        ({"purpose": []}, r"purpose: Tuple should have at least 1 item"),
        ({"feilds": []}, r"feilds: Extra inputs are not permitted"),
        ({"fields": ["audience", "person_id", "audience"]}, r"listed twice"),
    ],
)
def test_a_wrong_declaration_names_exposure_field_and_fix(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(SyncError, match=f"exposure outbox_audiences, .*{message}"):
        SyncSpec.from_meta("outbox_audiences", "outbound.x", META | change)


def test_two_syncs_may_not_keep_one_object() -> None:
    other = ACTIONS.model_copy(update={"name": "other"})
    check_targets([ACTIONS, AUDIENCES])
    with pytest.raises(SyncError, match="demo_actions and other both write demo/action"):
        check_targets([ACTIONS, AUDIENCES, other])


def test_a_row_in_doubt_whose_next_attempt_is_not_made_stays_in_doubt(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    receiver.fault = lambda request: "taken_drop" if request <= 2 else "401"
    report = sync(engine, webhook, actions(range(2)))
    assert (report.in_doubt, report.failed, report.not_attempted) == (1, 1, 0)
    assert report.balances()
    assert len(receiver.taken()) == 2
