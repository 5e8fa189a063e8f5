"""The consent ledger: one order, one chain, nothing twice, nothing changed."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from activation.consent.chain import event_hash, identifier_commitment
from activation.consent.events import ConsentEvent, InvalidEvent
from activation.consent.ledger import (
    append,
    events_after,
    lock_head,
    verify_chain,
    watermark,
)
from activation.consent.lookup import history
from activation.store import open_store, publish, transaction
from activation.store.tables import consent_event

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
ADA = ("email", "ada@example.com")


def event(event_id: str, action: str = "withdrawn", **fields: Any) -> ConsentEvent:
    values: dict[str, Any] = {
        "identifier_type": "email",
        "identifier": "ada@example.com",
        "purpose": "marketing",
        "channel": "email",
        "source": "preference_centre",
        "occurred_at": AS_OF - timedelta(days=1),
        "recorded_at": AS_OF,
    }
    return ConsentEvent(event_id=event_id, action=action, **{**values, **fields})


def record(store: Engine, *events: ConsentEvent) -> int:
    with transaction(store) as connection:
        return append(connection, events).appended


def test_events_come_back_as_they_went_in_in_their_order(store: Engine) -> None:
    grant = event(
        "1",
        "granted",
        jurisdiction="GB",
        lawful_basis="consent",
        notice_version="2026-03",
        evidence="form 7",
        expires_at=AS_OF + timedelta(days=365),
    )
    withdrawal = event("2", identifier_type="contact_id", identifier="C1", purpose="*", channel="*")
    assert record(store, grant, withdrawal) == 2
    with store.connect() as connection:
        assert list(events_after(connection, 0)) == [
            replace(grant, seq=1),
            replace(withdrawal, seq=2),
        ]
        assert list(events_after(connection, 1)) == [replace(withdrawal, seq=2)]
        assert watermark(connection).seq == 2


def test_an_event_is_recorded_once_whoever_brings_it_again(store: Engine) -> None:
    assert record(store, event("1"), event("1", "granted")) == 1
    assert record(store, event("1"), event("2")) == 1
    with store.connect() as connection:
        assert [(e.event_id, e.action) for e in events_after(connection, 0)] == [
            ("1", "withdrawn"),
            ("2", "withdrawn"),
        ]
        assert verify_chain(connection).is_intact


def test_an_append_that_is_rolled_back_leaves_no_gap(store: Engine) -> None:
    record(store, event("1"))
    with pytest.raises(ZeroDivisionError), transaction(store) as connection:
        append(connection, [event(str(2 // append(connection, [event("2")]).repeated))])
    record(store, event("3"))
    with store.connect() as connection:
        assert [(e.seq, e.event_id) for e in events_after(connection, 0)] == [(1, "1"), (2, "3")]
        assert verify_chain(connection).is_intact


def test_writers_at_the_same_time_make_one_chain(store: Engine) -> None:
    def write(writer: int) -> None:
        for number in range(10):
            record(store, event(f"{writer}-{number}"), event(f"shared-{number}"))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    with store.connect() as connection:
        assert [e.seq for e in events_after(connection, 0)] == list(range(1, 71))
        assert verify_chain(connection).checked == 70
        assert verify_chain(connection).is_intact


def test_who_holds_the_head_sees_every_withdrawal_or_delays_it(store: Engine) -> None:
    """The order of an intent and a withdrawal: whoever reads under the lock cannot miss one."""
    committed: list[int] = []

    def withdraw(number: int) -> None:
        record(store, event(f"w{number}"))
        committed.append(number)

    with ThreadPoolExecutor(3) as pool:
        pending = [pool.submit(withdraw, number) for number in range(12)]
        for _ in range(12):
            with transaction(store) as connection:
                head = lock_head(connection, shared=True)
                before = len(committed)
                seen = len(list(events_after(connection, 0)))
                assert seen == head.seq >= before
        for outcome in pending:
            outcome.result()


TAMPERING = {
    "a changed field": "update consent_event set action = 'denied' where seq = 2",
    "a changed identifier": "update consent_event set identifier = 'bo@example.com' where seq = 2",
    "a changed time": "update consent_event set occurred_at = recorded_at where seq = 2",
    "a removed event": "delete from consent_event where seq = 2",
    "a removed end": "delete from consent_event where seq = 3",
    "a swap": "update consent_event set seq = 5 - seq where seq in (2, 3)",
    "a moved head": "update ledger_head set hash = 'f'",
}


@pytest.mark.parametrize("what", TAMPERING)
def test_tampering_behind_the_triggers_is_found(tmp_path: Path, what: str) -> None:
    path = tmp_path / "assent.sqlite"
    store = open_store(f"sqlite:///{path}")
    record(store, event("1"), event("2"), event("3"))
    store.dispose()
    with sqlite3.connect(path) as connection:
        triggers = connection.execute("select name from sqlite_master where type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f"drop trigger {name}")
        statement = TAMPERING[what]
        if what == "a swap":
            connection.execute("update consent_event set seq = -seq where seq in (2, 3)")
            statement = "update consent_event set seq = 5 + seq where seq < 0"
        connection.execute(statement)
    connection.close()
    store = open_store(f"sqlite:///{path}")
    with store.connect() as reading:
        assert not verify_chain(reading).is_intact
    store.dispose()


def test_the_hash_is_what_a_stranger_computes_from_the_description() -> None:
    import hashlib
    import json

    def canonical(parts: list[str | None]) -> str:
        text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    fields = [
        "e1",
        'quote " and \\',
        "renewal",
        "*",
        "withdrawn",
        None,
        None,
        "2026-03",
        "é\n\x01",
        'said "no"',
        "2026-11-20T06:00:00.000000+00:00",
        "2026-11-20T06:00:00.000000+00:00",
        None,
    ]
    assert event_hash("0" * 64, 7, fields) == canonical(["0" * 64, "7", *fields])
    assert identifier_commitment("aa", *ADA) == canonical(["aa", *ADA])


def test_the_same_identifier_has_another_commitment_in_each_event(store: Engine) -> None:
    record(store, event("1"), event("2"))
    with store.connect() as connection:
        commitments = connection.execute(select(consent_event.c.identifier_commitment)).scalars()
        assert len(set(commitments)) == 2


def test_history_tells_what_was_known_at_an_instant(store: Engine) -> None:
    early = event("early", "granted", occurred_at=AS_OF - timedelta(days=9), recorded_at=AS_OF)
    late = event("late", recorded_at=AS_OF + timedelta(hours=2))
    other = event("other", identifier="bo@example.com")
    record(store, early, late, other)
    with store.connect() as connection:
        ids = [e.event_id for e in history(connection, [ADA])]
        known = [e.event_id for e in history(connection, [ADA], known_at=AS_OF)]
    assert ids == ["early", "late"]
    assert known == ["early"]


def test_the_watermark_stops_before_what_the_permits_do_not_know(store: Engine) -> None:
    record(store, event("1"), event("2", recorded_at=AS_OF + timedelta(seconds=1)), event("3"))
    with store.connect() as connection:
        for recorded_at, seq in ((AS_OF, 1), (AS_OF + timedelta(hours=1), 3)):
            published = publish.consent_watermark(connection, recorded_at=recorded_at)
            assert published.to_pylist() == [{"seq": seq, "recorded_at": recorded_at}]


def test_the_published_copy_has_the_declared_columns_and_no_hashes(store: Engine) -> None:
    record(store, event("1", expires_at=AS_OF))
    with store.connect() as connection:
        row = publish.consent_events(connection).to_pylist()[0]
    assert set(row) == set(ConsentEvent.__dataclass_fields__)
    assert (row["seq"], row["occurred_at"], row["expires_at"]) == (
        1,
        AS_OF - timedelta(days=1),
        AS_OF,
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"action": "granted", "purpose": "*"}, "must name its purpose and channel"),
        ({"action": "confirmed", "channel": "*"}, "must name its purpose and channel"),
        ({"action": "lifted", "purpose": "*"}, r"names \* for both"),
        ({"action": "opted_out", "purpose": "marketing", "channel": "*"}, r"write \* for both"),
        ({"action": "allowed"}, "use one of granted"),
        ({"channel": "fax"}, "use one of email"),
        ({"identifier_type": "passport"}, "use one of email"),
        ({"identifier": ""}, "must not be empty"),
        ({"occurred_at": datetime(2026, 1, 1)}, "time zone"),  # noqa: DTZ001
    ],
)
def test_an_event_that_makes_no_sense_is_refused_without_its_identifier(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidEvent, match=message) as failure:
        event("e1", **{"action": "withdrawn", **fields})
    assert "e1" in str(failure.value)
    assert "ada@example.com" not in str(failure.value)


@pytest.mark.parametrize(("action", "purpose"), [("granted", "*"), ("opted_out", "marketing")])
def test_the_database_itself_refuses_a_wildcard_grant_and_a_narrow_signal(
    store: Engine, action: str, purpose: str
) -> None:
    record(store, event("1"))
    columns = [
        c.name for c in consent_event.c if c.name not in ("seq", "event_id", "action", "purpose")
    ]
    copy = (
        f"insert into consent_event (seq, event_id, action, purpose, {', '.join(columns)})"
        f" select 2, 'x', '{action}', '{purpose}', {', '.join(columns)} from consent_event"
    )
    with pytest.raises(Exception, match=r"(?i)check"), transaction(store) as connection:
        connection.execute(text(copy))
