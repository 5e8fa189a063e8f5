"""What landed becomes ledger events: once, in one order, whatever comes first."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from sqlalchemy import Engine

from activation.consent.events import ConsentEvent
from activation.consent.landing_import import ImportReport, import_from_warehouse
from activation.consent.ledger import events_after, verify_chain
from activation.store import publish

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
YESTERDAY = AS_OF - timedelta(days=1)


class Landing:
    """The landing tables of a run on an in-memory warehouse."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("set TimeZone = 'Asia/Tokyo'")
        self.connection.execute(
            "create schema landing;"
            "create table landing.consent_consent_events (event_id varchar,"
            " identifier_type varchar, identifier varchar, purpose varchar, channel varchar,"
            " action varchar,"
            " notice_version varchar, source varchar, jurisdiction varchar,"
            " occurred_at timestamptz, expires_at timestamptz, _file_rank varchar, _line bigint,"
            " _digest varchar);"
            "create table landing.communications_messages (message_id varchar, channel varchar,"
            " address varchar, _file_rank varchar, _line bigint, _digest varchar);"
            "create table landing.communications_engagement (message_id varchar, kind varchar,"
            " occurred_at timestamptz)"
        )

    def consent(self, event_id: str, action: str = "granted", **fields: Any) -> None:
        self._insert(
            "consent_consent_events",
            {
                "event_id": event_id,
                "identifier_type": "email",
                "identifier": "ada@example.com",
                "purpose": "marketing",
                "channel": "email",
                "action": action,
                "notice_version": "2026-03",
                "source": "web_form",
                "jurisdiction": "GB",
                "occurred_at": YESTERDAY,
                "_file_rank": "1",
                "_line": 1,
                **fields,
            },
        )

    def message(self, message_id: str, channel: str, address: str) -> None:
        row = {"message_id": message_id, "channel": channel, "address": address}
        self._insert("communications_messages", {**row, "_file_rank": "1", "_line": 1})

    def engagement(self, message_id: str, kind: str, occurred_at: datetime = YESTERDAY) -> None:
        row = {"message_id": message_id, "kind": kind, "occurred_at": occurred_at}
        self._insert("communications_engagement", row)

    def run(self, store: Engine, recorded_at: datetime = AS_OF) -> ImportReport:
        """Import, then refresh the copy, as a run does."""
        report = import_from_warehouse(self.connection, store, recorded_at=recorded_at)
        with store.connect() as connection:
            copy = publish.consent_events(connection)
        self.connection.execute("delete from store.consent_event")
        self.connection.register("incoming", copy)
        self.connection.execute("insert into store.consent_event by name from incoming")
        self.connection.unregister("incoming")
        return report

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        self.connection.register("incoming", pa.Table.from_pylist([row]))
        self.connection.execute(f"insert into landing.{table} by name from incoming")
        self.connection.unregister("incoming")


@pytest.fixture
def landing() -> Iterator[Landing]:
    made = Landing()
    yield made
    made.connection.close()


def ledger(store: Engine) -> list[ConsentEvent]:
    with store.connect() as connection:
        assert verify_chain(connection).is_intact
        return list(events_after(connection, 0))


def test_a_consent_event_is_recorded_with_its_identifier_normalised(
    store: Engine, landing: Landing
) -> None:
    landing.consent("e1", identifier=" Ada@Example.com ")
    landing.consent("e2", "withdrawn", identifier_type="phone", identifier="07400 123456")
    report = landing.run(store)
    assert (report.appended, report.repeated, report.refused) == (2, 0, ())
    first, second = ledger(store)
    assert (first.event_id, first.identifier, first.recorded_at) == ("e1", "ada@example.com", AS_OF)
    assert (second.identifier, second.jurisdiction) == ("+447400123456", "GB")
    assert first.occurred_at == YESTERDAY


def test_a_second_run_records_nothing_twice_with_or_without_the_copy(
    store: Engine, landing: Landing
) -> None:
    landing.consent("e1")
    landing.message("M1", "email", "ada@example.com")
    landing.engagement("M1", "bounced")
    assert landing.run(store).appended == 2
    assert landing.run(store).appended == 0
    landing.connection.execute("drop table store.consent_event")
    again = landing.run(store, AS_OF + timedelta(hours=1))
    assert (again.appended, again.repeated) == (0, 2)
    assert len(ledger(store)) == 2


@pytest.mark.parametrize("kind", ["bounced", "complained"])
def test_a_bounce_or_complaint_suppresses_that_address_on_that_channel(
    store: Engine, landing: Landing, kind: str
) -> None:
    landing.message("M1", "sms", "+447400123456")
    landing.engagement("M1", kind)
    landing.run(store)
    (event,) = ledger(store)
    assert (event.identifier_type, event.identifier) == ("phone", "+447400123456")
    assert (event.action, event.purpose, event.channel) == ("suppressed", "*", "sms")
    assert event.source == "engagement"


def test_an_unsubscribe_withdraws_marketing_on_the_messages_channel(
    store: Engine, landing: Landing
) -> None:
    landing.message("M1", "email", "Ada@Example.com")
    landing.engagement("M1", "unsubscribed")
    landing.engagement("M1", "opened")
    landing.run(store)
    (event,) = ledger(store)
    assert (event.identifier, event.action) == ("ada@example.com", "withdrawn")
    assert (event.purpose, event.channel) == ("marketing", "email")


def test_engagement_before_its_message_is_attributed_when_the_message_comes(
    store: Engine, landing: Landing
) -> None:
    landing.engagement("M1", "unsubscribed", YESTERDAY - timedelta(days=3))
    assert landing.run(store).appended == 0
    landing.message("M1", "email", "ada@example.com")
    assert landing.run(store, AS_OF + timedelta(days=1)).appended == 1
    (event,) = ledger(store)
    assert event.occurred_at == YESTERDAY - timedelta(days=3)
    assert event.recorded_at == AS_OF + timedelta(days=1)


def test_the_chain_does_not_depend_on_the_order_of_files(store: Engine, landing: Landing) -> None:
    landing.consent("late", occurred_at=AS_OF)
    landing.consent("early", occurred_at=YESTERDAY)
    landing.run(store)
    assert [event.event_id for event in ledger(store)] == ["early", "late"]


def test_an_identifier_that_nobody_can_read_is_reported_on_every_run(
    store: Engine, landing: Landing
) -> None:
    landing.consent("bad", "withdrawn", identifier_type="phone", identifier="call me")
    landing.message("M1", "post", "1 High Street")
    landing.engagement("M1", "bounced")
    for _ in range(2):
        report = landing.run(store)
        assert {refused.field for refused in report.refused} == {"identifier"}
        assert "bad" in {refused.event_id for refused in report.refused}
        assert len(report.refused) == 2
        assert "call me" not in repr(report)
    assert ledger(store) == []


def test_a_correction_that_restricts_is_added_and_one_that_permits_is_refused(
    store: Engine, landing: Landing
) -> None:
    landing.consent("e1", "granted")
    landing.consent("e2", "withdrawn", occurred_at=AS_OF)
    landing.run(store)
    landing.consent("e1", "withdrawn", _file_rank="2")
    landing.consent("e2", "granted", occurred_at=AS_OF, _file_rank="2")
    for appended in (1, 0):
        report = landing.run(store)
        assert report.appended == appended
        assert [refused.event_id for refused in report.refused] == ["e2"]
    actions = {event.evidence or event.event_id: event.action for event in ledger(store)}
    assert actions == {"e1": "granted", "e2": "withdrawn", "corrects e1": "withdrawn"}


def test_a_wildcard_grant_never_reaches_the_ledger(store: Engine, landing: Landing) -> None:
    landing.consent("e1", "granted", purpose="*")
    landing.consent("e2", "withdrawn", purpose="*", channel="*")
    report = landing.run(store)
    assert [refused.event_id for refused in report.refused] == ["e1"]
    assert [event.event_id for event in ledger(store)] == ["e2"]


def test_an_opt_out_signal_of_a_device_lands_and_one_that_names_a_purpose_is_reported(
    store: Engine, landing: Landing
) -> None:
    signal = {"identifier_type": "device_id", "identifier": "D1", "source": "gpc"}
    landing.consent("e1", "opted_out", purpose="*", channel="*", notice_version=None, **signal)
    landing.consent("e2", "opted_out", purpose="advertising", channel="*", **signal)
    report = landing.run(store)
    assert (report.appended, [one.event_id for one in report.refused]) == (1, ["e2"])
    with store.connect() as connection:
        (event,) = events_after(connection, 0)
    assert (event.action, event.identifier, event.source) == ("opted_out", "D1", "gpc")


def test_an_event_without_a_source_does_not_speak_for_the_person(
    store: Engine, landing: Landing
) -> None:
    landing.consent("e1", source=None)
    landing.run(store)
    assert [event.source for event in ledger(store)] == ["unknown"]


def test_a_grant_under_an_unknown_notice_is_refused_and_a_withdrawal_is_not(
    landing: Landing, store: Engine
) -> None:
    landing.consent("e1", "granted", notice_version="1999-01")
    landing.consent("e2", "withdrawn", notice_version="1999-01")
    report = landing.run(store)
    assert [(one.event_id, one.field) for one in report.refused] == [("e1", "notice_version")]
    assert report.appended == 1
