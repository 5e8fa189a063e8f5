"""Migrations that let the ledger hold one more action keep what it holds already."""

from datetime import UTC, datetime

import pytest
from alembic import command
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from activation.consent.events import ConsentEvent
from activation.consent.ledger import append, verify_chain
from activation.store import open_store, transaction
from activation.store.migrate import alembic_config

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def said(event_id: str, action: str) -> ConsentEvent:
    return ConsentEvent(
        event_id=event_id,
        identifier_type="email",
        identifier="ada@example.com",
        purpose="*",
        channel="*",
        action=action,
        source="call_centre",
        occurred_at=NOON,
        recorded_at=NOON,
    )


@pytest.mark.parametrize(("version_before", "action"), [("0007", "lifted"), ("0009", "opted_out")])
def test_a_ledger_from_before_keeps_its_chain_its_triggers_and_takes_the_action(
    store_url: str, monkeypatch: pytest.MonkeyPatch, version_before: str, action: str
) -> None:
    def to_the_version_before(connection: Connection) -> None:
        command.upgrade(alembic_config(connection), version_before)

    with monkeypatch.context() as old_version:
        old_version.setattr("activation.store.engine.migrate", to_the_version_before)
        before = open_store(store_url)
    with transaction(before) as connection:
        append(connection, [said("e1", "restricted"), said("e2", "withdrawn")])
    with pytest.raises(DBAPIError), transaction(before) as connection:
        append(connection, [said("e3", action)])
    before.dispose()

    store = open_store(store_url)
    with transaction(store) as connection:
        append(connection, [said("e3", action)])
    with store.connect() as connection:
        report = verify_chain(connection)
    assert (report.is_intact, report.checked) == (True, 3)
    for change in ("update consent_event set action = action", "delete from consent_event"):
        with pytest.raises(DBAPIError, match="append-only"), transaction(store) as connection:
            connection.execute(text(change))
    with transaction(store) as connection:
        connection.execute(text("insert into privacy_permit (erasure_id) values ('x')"))
        connection.execute(text("update consent_event set identifier = 'gone' where seq = 1"))
    said_otherwise = text("update consent_event set action = 'granted' where seq = 2")
    with pytest.raises(DBAPIError, match="append-only"), transaction(store) as connection:
        connection.execute(said_otherwise)
    store.dispose()
