"""Audience syncs: the destination converges to the desired set, and forgets who asks for it."""

import json
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, select

from activation.connectors.files import FilesConnector
from activation.connectors.postgres import PostgresConnector
from activation.connectors.webhook import WebhookConnector
from activation.store.tables_sync import sync_state
from activation.syncs import Guards, RetryPolicy
from tests.activation.connectors.receiver import Receiver
from tests.activation.syncs.world import (
    AS_OF,
    AUDIENCES,
    address_of,
    identifiers,
    members,
    record,
    sync,
)


def batches(outbox: Path) -> list[tuple[str, list[dict[str, object]]]]:
    """(operation, rows) of each batch in the order of delivery."""
    folders = sorted(
        (outbox / "demo" / "audience").iterdir(),
        key=lambda f: (f.name.split("-")[0], int(f.name.split("-")[1])),
    )
    return [
        (
            json.loads((folder / "manifest.json").read_text())["op"],
            pq.read_table(folder / "data.parquet").to_pylist(),
        )
        for folder in folders
    ]


def replayed(receiver: Receiver) -> set[str]:
    """Who is in the audience of a receiver that follows what it was told."""
    present: set[str] = set()
    for arrival in receiver.taken():
        person = arrival.data["person_id"]
        (present.discard if arrival.kind == "audience.remove" else present.add)(person)
    return present


def merged(away: int, into: int) -> pa.Table:
    """Everybody's identifiers, those of one person with another's."""
    everybody = identifiers(range(10)).to_pylist()
    for row in everybody:
        if row["person_id"] == f"p_{away:04}":
            row["person_id"] = f"p_{into:04}"
    return pa.Table.from_pylist(everybody)


def test_the_destination_gets_additions_updates_and_removals_and_nothing_else(
    engine: Engine, files: FilesConnector, outbox: Path
) -> None:
    sync(engine, files, members([1, 2, 3]), AUDIENCES)
    changed = pa.concat_tables([members([1]), members([2], name="New"), members([4])])
    report = sync(engine, files, changed, AUDIENCES, as_of=AS_OF + timedelta(hours=1))
    assert (report.sent, report.removed, report.unchanged) == (2, 1, 1)
    (first, _), *later = batches(outbox)
    assert first == "add"
    assert [operation for operation, _ in later] == ["remove", "update", "add"]
    removed = later[0][1]
    assert removed == [
        {
            "audience": "cross_sell",
            "person_id": "p_0003",
            "address_sha256": sha256(address_of(3).encode()).hexdigest(),
        }
    ]


def test_no_change_makes_no_call(engine: Engine, files: FilesConnector) -> None:
    sync(engine, files, members([1, 2]), AUDIENCES)
    report = sync(engine, files, members([2, 1]), AUDIENCES)
    assert (report.unchanged, report.calls) == (2, 0)


def test_a_withdrawal_removes_the_member_though_the_model_still_lists_them(
    engine: Engine, files: FilesConnector
) -> None:
    sync(engine, files, members([1, 2]), AUDIENCES)
    record(engine, 2, purpose="marketing", channel="email")
    report = sync(engine, files, members([1, 2]), AUDIENCES)
    assert (report.removed, report.unchanged, report.withheld) == (1, 1, {"withdrawn": 1})
    assert sync(engine, files, members([1, 2]), AUDIENCES).removed == 0


def test_a_removal_sync_needs_no_desired_rows(engine: Engine, files: FilesConnector) -> None:
    sync(engine, files, members([1, 2, 3]), AUDIENCES)
    record(engine, 3)
    report = sync(engine, files, None, AUDIENCES)
    assert (report.planned, report.removed) == (1, 1)


def test_a_withdrawal_reaches_the_destination_under_the_address_that_was_sent(
    engine: Engine, files: FilesConnector
) -> None:
    sync(engine, files, members([1]), AUDIENCES)
    record(engine, 1, by="email")
    report = sync(engine, files, None, AUDIENCES, identifiers=identifiers([2]))
    assert report.removed == 1


def test_guards_hold_what_the_model_caused_and_pass_what_persons_asked_for(
    engine: Engine, files: FilesConnector
) -> None:
    sync(engine, files, members(range(100)), AUDIENCES)
    record(engine, 7)
    for guards, reason in (
        (Guards(), "max_delete_share"),
        (Guards(closed_gates=("outbound",)), "gate_closed"),
    ):
        report = sync(engine, files, members([0, 1]), AUDIENCES, guards=guards)
        assert report.withheld == {reason: 97}
    assert sync(engine, files, members(range(100)), AUDIENCES).unchanged == 99


def test_a_removal_that_consent_explains_passes_the_guards(
    engine: Engine, files: FilesConnector
) -> None:
    sync(engine, files, members(range(100)), AUDIENCES)
    seen = record(engine, 5)
    denied = pa.table(
        {
            "person_id": [f"p_{p:04}" for p in range(40)],
            "purpose": ["marketing"] * 40,
            "channel": ["email"] * 40,
        }
    )
    closed = Guards(closed_gates=("contexts",))
    by_ledger = sync(engine, files, members([]), AUDIENCES, watermark=seen, guards=closed)
    by_permit = sync(
        engine, files, members([]), AUDIENCES, watermark=seen, guards=closed, denied=denied
    )
    assert (by_ledger.removed, by_permit.removed) == (1, 39)
    assert by_permit.withheld == {"gate_closed": 60}


def test_removals_asked_for_go_first_and_are_reported_while_overdue(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    sync(engine, webhook, members([1, 2]), AUDIENCES)
    record(engine, 1)
    receiver.fault = lambda _: "503"
    stuck = sync(engine, webhook, members([1, 2, 3]), AUDIENCES)
    receiver.fault = lambda _: "ok"
    done = sync(engine, webhook, members([1, 2, 3]), AUDIENCES)
    assert (stuck.overdue_removals, stuck.removed) == (1, 0)
    assert (done.overdue_removals, done.removed, done.sent) == (0, 1, 1)
    assert [a.kind for a in receiver.taken()] == ["audience.add"] * 2 + [
        "audience.remove",
        "audience.add",
    ]
    assert replayed(receiver) == {"p_0002", "p_0003"}


def test_who_withdraws_while_the_sync_runs_is_removed_before_it_ends(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    receiver.fault = lambda n: "503" if n == 2 else "ok"
    retry = RetryPolicy(sleep=lambda _: void(record(engine, 0)), jitter=lambda: 0.0)
    report = sync(engine, webhook, members([0, 1, 2]), AUDIENCES, retry=retry)
    assert (report.sent, report.removed) == (3, 1)
    assert replayed(receiver) == {"p_0001", "p_0002"}


def test_a_member_whose_addition_is_in_doubt_is_removed_on_withdrawal(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    receiver.fault = lambda _: "taken_drop"
    assert sync(engine, webhook, members([1]), AUDIENCES).in_doubt == 1
    receiver.fault = lambda _: "ok"
    record(engine, 1)
    assert sync(engine, webhook, members([1]), AUDIENCES).removed == 1
    assert replayed(receiver) == set()


def test_coming_back_after_a_removal_is_a_new_delivery(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    for people in ([1], [], [1], [], [1]):
        sync(engine, webhook, members(people), AUDIENCES)
    assert replayed(receiver) == {"p_0001"}
    assert len(receiver.taken()) == 5


def test_a_merge_and_its_split_are_followed_and_refusals_of_both_sides_count(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    sync(engine, webhook, members([1, 2, 3]), AUDIENCES)
    sync(engine, webhook, members([1, 3], name="Merged"), AUDIENCES, identifiers=merged(2, 1))
    assert replayed(receiver) == {"p_0001", "p_0003"}
    sync(engine, webhook, members([1, 2, 3]), AUDIENCES)
    assert replayed(receiver) == {"p_0001", "p_0002", "p_0003"}
    sync(engine, webhook, members([1, 3], name="Merged"), AUDIENCES, identifiers=merged(2, 1))
    record(engine, 2)
    sync(engine, webhook, members([1, 3], name="Merged"), AUDIENCES, identifiers=merged(2, 1))
    assert replayed(receiver) == {"p_0003"}


def test_a_merge_leaves_one_row_in_a_table(engine: Engine, postgresql_url: str) -> None:
    postgres = PostgresConnector(postgresql_url, "crm", create_tables=True)
    try:
        sync(engine, postgres, members([1, 2, 3]), AUDIENCES)
        sync(engine, postgres, members([1, 3], name="Merged"), AUDIENCES, identifiers=merged(2, 1))
        with psycopg.connect(postgresql_url) as connection:
            rows = connection.execute("select person_id, given_name from crm.audience order by 1")
            assert rows.fetchall() == [("p_0001", "Merged1"), ("p_0003", "Merged3")]
    finally:
        postgres.close()


def test_a_rename_of_the_declaration_sends_nothing_again(
    engine: Engine, files: FilesConnector
) -> None:
    sync(engine, files, members([1]), AUDIENCES)
    renamed = AUDIENCES.model_copy(update={"name": "other_name"})
    assert sync(engine, files, members([1]), renamed).calls == 0


def test_rows_with_an_ambiguous_key_change_nothing_at_the_destination(
    engine: Engine, files: FilesConnector
) -> None:
    sync(engine, files, members([1, 2]), AUDIENCES)
    report = sync(engine, files, members([1, 2, 2]), AUDIENCES)
    assert (report.removed, report.withheld, report.unchanged) == (0, {"duplicate_key": 2}, 1)


def test_the_store_forgets_a_member_whose_removal_is_acknowledged(
    engine: Engine, files: FilesConnector
) -> None:
    sync(engine, files, members([1]), AUDIENCES)
    sync(engine, files, members([]), AUDIENCES)
    with engine.connect() as connection:
        assert connection.scalars(select(sync_state.c.person_id)).all() == []


@pytest.mark.parametrize("key", [bytes(32), b"another key for the hash function"])
def test_stored_hashes_depend_on_the_key(engine: Engine, files: FilesConnector, key: bytes) -> None:
    sync(engine, files, members([1]), AUDIENCES)
    assert sync(engine, files, members([1]), AUDIENCES, hash_key=key).sent == 1


def void(_: object) -> None:
    """Drop a result."""
