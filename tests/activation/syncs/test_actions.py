"""Action syncs: each decision is delivered once, and only while consent allows."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, select

from activation.connectors.files import FilesConnector
from activation.connectors.webhook import WebhookConnector
from activation.store.tables_sync import sync_intent, sync_outcome, sync_withheld
from activation.syncs import Guards, RetryPolicy, SyncBusyError, SyncError
from activation.syncs.lease import lease
from tests.activation.connectors.receiver import Receiver
from tests.activation.syncs.world import ACTIONS, AS_OF, actions, identifiers, record, sync


def delivered(outbox: Path) -> list[str]:
    """Decision ids in all batches of the outbox, as often as they occur."""
    files = sorted(outbox.glob("demo/action/*/data.parquet"))
    return [d for file in files for d in pq.read_table(file)["decision_id"].to_pylist()]


def test_a_second_run_makes_no_call(engine: Engine, files: FilesConnector, outbox: Path) -> None:
    first = sync(engine, files, actions(range(5)))
    second = sync(engine, files, actions(range(5)), as_of=AS_OF + timedelta(hours=1))
    assert (first.sent, first.calls) == (5, 1)
    assert (second.sent, second.calls, second.unchanged) == (0, 0, 5)
    assert sorted(delivered(outbox)) == [f"d_{p:04}_0" for p in range(5)]


def test_a_changed_payload_does_not_send_a_decision_again(
    engine: Engine, files: FilesConnector
) -> None:
    sync(engine, files, actions([1]))
    assert sync(engine, files, actions([1], given_name=["Other"])).calls == 0


def test_a_withdrawal_under_another_identifier_stops_the_message(
    engine: Engine, files: FilesConnector, outbox: Path
) -> None:
    record(engine, 2, by="customer_number")
    report = sync(engine, files, actions(range(4)))
    assert report.withheld == {"withdrawn": 1}
    assert "d_0002_0" not in delivered(outbox)
    with engine.connect() as connection:
        assert connection.scalars(select(sync_withheld.c.person_id)).all() == ["p_0002"]
        assert "p_0002" not in connection.scalars(select(sync_intent.c.person_id)).all()


def test_a_withdrawal_that_the_warehouse_has_seen_is_left_to_its_permits(
    engine: Engine, files: FilesConnector
) -> None:
    seq = record(engine, 2)
    assert sync(engine, files, actions(range(4)), watermark=seq).sent == 4


@pytest.mark.parametrize(
    ("action", "purpose", "channel", "stops"),
    [
        ("withdrawn", "renewal", "email", True),
        ("withdrawn", "*", "email", True),
        ("objected", "renewal", "*", True),
        ("denied", "renewal", "email", True),
        ("suppressed", "*", "email", True),
        ("erased", "profiling", "post", True),
        ("restricted", "profiling", "post", True),
        ("withdrawn", "marketing", "email", False),
        ("withdrawn", "renewal", "sms", False),
        ("granted", "renewal", "email", False),
    ],
)
def test_an_event_stops_the_message_if_it_restricts_and_covers_it(
    engine: Engine, files: FilesConnector, action: str, purpose: str, channel: str, stops: bool
) -> None:
    record(engine, 1, action, purpose=purpose, channel=channel)
    report = sync(engine, files, actions([1]))
    assert report.withheld == ({action: 1} if stops else {})


def test_an_event_under_the_address_stops_the_message_though_no_identifier_lists_it(
    engine: Engine, files: FilesConnector
) -> None:
    record(engine, 1, by="email")
    known = identifiers([1]).filter(pa.array([False, True]))
    assert sync(engine, files, actions([1]), identifiers=known).withheld == {"withdrawn": 1}


def test_a_row_whose_person_is_unknown_to_consent_is_withheld(
    engine: Engine, files: FilesConnector
) -> None:
    report = sync(engine, files, actions(range(3)), identifiers=identifiers([0, 1]))
    assert (report.sent, report.withheld) == (2, {"unknown_person": 1})


def test_rows_with_a_fault_are_withheld_by_reason(engine: Engine, files: FilesConnector) -> None:
    rows = actions(
        range(7),
        decision_id=["a", "a", None, "b", "c", "d", "e"],
        purpose=["renewal"] * 3 + ["profiling"] + ["renewal"] * 3,
        send_after=[AS_OF] * 4 + [AS_OF + timedelta(hours=1)] + [AS_OF] * 2,
        valid_until=[AS_OF + timedelta(days=1)] * 5 + [AS_OF, AS_OF + timedelta(days=1)],
    )
    report = sync(engine, files, rows)
    assert report.sent == 1
    assert report.withheld == {
        "duplicate_key": 2,
        "invalid_key": 1,
        "purpose_not_allowed": 1,
        "not_due": 1,
        "expired": 1,
    }


def test_a_missing_column_is_named(engine: Engine, files: FilesConnector) -> None:
    with pytest.raises(SyncError, match=r"out_demo_actions has no column given_name"):
        sync(engine, files, actions([1]).drop_columns("given_name"))


def test_a_closed_gate_and_too_many_rows_hold_everything(
    engine: Engine, files: FilesConnector
) -> None:
    closed = sync(engine, files, actions(range(3)), guards=Guards(closed_gates=("outbound",)))
    flood = sync(engine, files, actions(range(3)), guards=Guards(max_rows=2))
    assert (closed.withheld, closed.calls) == ({"gate_closed": 3}, 0)
    assert (flood.withheld, flood.calls) == ({"max_rows": 3}, 0)


def test_transient_faults_are_retried_within_the_run(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    faults = ("503", "429", "drop", "taken_500", "taken_drop")
    receiver.fault = lambda n: faults[n // 2 % 5] if n % 2 else "ok"
    report = sync(engine, webhook, actions(range(40)))
    assert report.sent == 40
    assert sorted(a.data["decision_id"] for a in receiver.taken()) == [
        f"d_{p:04}_0" for p in range(40)
    ]
    assert len(receiver.faults) == 5
    assert any(arrival.is_repeat for arrival in receiver.arrivals)
    assert receiver.forged == 0


def test_a_withdrawal_during_the_back_off_stops_the_next_attempt(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    receiver.fault = lambda n: "503" if n == 1 else "ok"
    retry = RetryPolicy(sleep=lambda _: void(record(engine, 0)), jitter=lambda: 0.0)
    report = sync(engine, webhook, actions([0]), retry=retry)
    assert (report.sent, report.withheld) == (0, {"withdrawn": 1})
    assert receiver.arrivals == []


def test_what_failed_is_rendered_from_the_current_model_on_the_next_run(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    receiver.fault = lambda _: "503"
    failed = sync(engine, webhook, actions([1]))
    receiver.fault = lambda _: "ok"
    later = sync(engine, webhook, actions([1], given_name=["Renamed"]))
    assert (failed.failures, failed.sent, later.sent) == ({"transient": 1}, 0, 1)
    assert [a.data["given_name"] for a in receiver.taken()] == ["Renamed"]


def test_an_action_in_doubt_is_made_again_under_the_same_id(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    receiver.fault = lambda _: "taken_drop"
    doubtful = sync(engine, webhook, actions([1]))
    receiver.fault = lambda _: "ok"
    settled = sync(engine, webhook, actions([1]))
    assert (doubtful.in_doubt, settled.sent) == (1, 1)
    assert len({arrival.delivery_id for arrival in receiver.arrivals}) == 1
    assert len(receiver.taken()) == 1


def test_an_action_in_doubt_is_not_made_again_after_a_withdrawal(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    receiver.fault = lambda _: "drop"
    sync(engine, webhook, actions([1]))
    record(engine, 1)
    receiver.fault = lambda _: "ok"
    assert sync(engine, webhook, actions([1])).withheld == {"withdrawn": 1}
    assert receiver.arrivals == []


def test_a_row_refused_for_good_is_parked_until_it_changes(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    receiver.fault = lambda n: "422" if n == 1 else "ok"
    refused = sync(engine, webhook, actions([1, 2]))
    again = sync(engine, webhook, actions([1, 2]))
    changed = sync(engine, webhook, actions([1, 2], given_name=["New", "New"]))
    assert (refused.failures, refused.sent) == ({"row_permanent": 1}, 1)
    assert (again.parked, again.calls) == (1, 0)
    assert changed.sent == 1


def test_a_refused_credential_stops_the_sync(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    receiver.fault = lambda _: "401"
    report = sync(engine, webhook, actions(range(120)))
    assert (report.stopped, report.failures, report.calls) == ("auth", {"auth": 1}, 1)
    assert report.not_attempted == 119


def test_a_destination_that_is_away_is_not_asked_for_each_row(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    receiver.fault = lambda _: "503"
    report = sync(engine, webhook, actions(range(900)))
    assert report.stopped == "unreachable"
    assert report.calls <= 12


def test_a_destination_that_wants_a_long_rest_gets_it(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    receiver.fault, receiver.headers = lambda _: "429", {"retry-after": "3600"}
    report = sync(engine, webhook, actions(range(5)))
    assert (report.stopped, report.calls) == ("throttled", 1)


def test_every_intent_has_an_outcome_and_no_payload_is_kept(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver, tmp_path: Path
) -> None:
    receiver.fault = lambda n: "503" if n % 3 == 0 else "ok"
    sync(engine, webhook, actions(range(9)))
    with engine.connect() as connection:
        seqs = connection.scalars(select(sync_intent.c.seq).order_by(sync_intent.c.seq)).all()
        settled = connection.scalars(
            select(sync_outcome.c.intent_seq).order_by(sync_outcome.c.intent_seq)
        ).all()
    assert seqs == settled
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("assent.sqlite*"))
    assert b"people.example" not in stored
    assert b"Canary" not in stored


def test_two_runs_on_one_target_exclude_each_other(engine: Engine, files: FilesConnector) -> None:
    with lease(engine, ACTIONS.target), pytest.raises(SyncBusyError, match="another run"):
        sync(engine, files, actions([1]))
    assert sync(engine, files, actions([1])).sent == 1


def void(_: object) -> None:
    """Drop a result."""
