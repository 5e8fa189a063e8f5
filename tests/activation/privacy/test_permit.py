"""What an erasure may do past the append-only triggers, and what it still may not."""

from datetime import UTC, datetime

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from activation.consent.events import ConsentEvent
from activation.consent.ledger import append, verify_chain
from activation.consent.redaction import REDACTED, redact
from activation.privacy.keyed import Keyed, hash_sql
from activation.privacy.permit import permitted
from activation.privacy.settings import read_settings
from activation.privacy.store_retention import expire_store
from activation.privacy.suppression import add, read
from activation.store import StoreError, transaction

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def _event(number: int, who: str, action: str = "granted", at: datetime = NOON) -> ConsentEvent:
    return ConsentEvent(
        event_id=f"c{number}",
        identifier_type="email",
        identifier=who,
        purpose="renewal",
        channel="email",
        action=action,
        source="preference_centre",
        occurred_at=at,
        recorded_at=at,
    )


def _identifiers(store: Engine) -> list[str]:
    with store.connect() as connection:
        rows = connection.execute(text("select identifier from consent_event order by seq"))
        return [str(row[0]) for row in rows]


def test_under_a_permit_identifiers_go_and_the_chain_still_verifies(store: Engine) -> None:
    with transaction(store) as connection:
        append(connection, [_event(1, "a@x.example"), _event(2, "b@x.example")])
    with transaction(store) as connection, permitted(connection, "e_1"):
        assert redact(connection, [("email", "a@x.example")]) == 1
    assert _identifiers(store) == [REDACTED, "b@x.example"]
    with transaction(store) as connection:
        append(connection, [_event(3, "c@x.example")])
        assert verify_chain(connection).is_intact


@pytest.mark.parametrize(
    "statement",
    [
        "update consent_event set action = 'denied'",
        "update consent_event set hash = prev_hash",
        "delete from consent_event",
    ],
)
def test_a_permit_lets_nothing_else_of_the_ledger_change(store: Engine, statement: str) -> None:
    with transaction(store) as connection:
        append(connection, [_event(1, "a@x.example")])
    with (
        pytest.raises(DBAPIError, match="append-only"),
        transaction(store) as connection,
        permitted(connection, "e_1"),
    ):
        connection.execute(text(statement))


def test_a_permit_does_not_outlive_its_transaction(store: Engine) -> None:
    with transaction(store) as connection:
        append(connection, [_event(1, "a@x.example")])
    with transaction(store) as connection, permitted(connection, "e_1"):
        pass
    with pytest.raises(DBAPIError, match="append-only"), transaction(store) as connection:
        redact(connection, [("email", "a@x.example")])
    assert _identifiers(store) == ["a@x.example"]


def test_a_redacted_event_that_is_tampered_with_is_found(store: Engine) -> None:
    with transaction(store) as connection:
        append(connection, [_event(1, "a@x.example")])
    with transaction(store) as connection, permitted(connection, "e_1"):
        # Another identifier in place of the first is no redaction: the commitment tells.
        connection.execute(text("update consent_event set identifier = 'b@x.example'"))
    with store.connect() as connection:
        assert verify_chain(connection).broken_at == 1


def test_retention_redacts_only_grants_that_nobody_has_relied_on_for_the_period(
    store: Engine,
) -> None:
    later = datetime(2021, 1, 1, tzinfo=UTC)
    with transaction(store) as connection:
        append(
            connection,
            [
                _event(1, "superseded@x.example", at=LONG_AGO),
                _event(2, "superseded@x.example", "withdrawn", at=later),
                _event(3, "in-force@x.example", at=LONG_AGO),
                _event(4, "lately@x.example", at=LONG_AGO),
                _event(5, "lately@x.example", "withdrawn", at=NOON),
            ],
        )
    periods = read_settings()
    for expected in (1, 0):  # a second run finds nothing more
        with transaction(store) as connection:
            assert expire_store(connection, periods, NOON)["consent_event"] == expected
    assert _identifiers(store) == [
        REDACTED,
        "superseded@x.example",
        "in-force@x.example",
        "lately@x.example",
        "lately@x.example",
    ]
    with store.connect() as connection:
        assert verify_chain(connection).is_intact


def test_suppressions_are_known_again_and_another_key_is_refused(store: Engine) -> None:
    keyed = Keyed(b"k" * 32)
    with transaction(store) as connection:
        pairs = [("email", "a@x.example"), ("email", "a@x.example")]
        add(connection, keyed, pairs, erasure_id="e_1", erased_at=NOON)
    with store.connect() as connection:
        known = read(connection, keyed)
        assert known.holds("email", "a@x.example")
        assert not known.holds("phone", "a@x.example")
        assert not known.holds("email", "b@x.example")
        with pytest.raises(StoreError, match=r"keys/erasure\.key"):
            read(connection, Keyed(b"l" * 32))


@settings(deadline=None, max_examples=50)
@given(kind=st.sampled_from(["email", "phone", "policy_number"]), value=st.text(max_size=30))
def test_the_hash_is_the_same_in_python_and_in_sql(kind: str, value: str) -> None:
    if "\0" in value:
        return
    keyed = Keyed(bytes(range(32)))
    with duckdb.connect(":memory:") as connection:
        row = connection.execute(
            f"select {hash_sql(kind, '$value')}", {"secret": keyed.secret, "value": value}
        ).fetchone()
    assert row == (keyed.hash(kind, value),)
    assert keyed.key.hex() not in repr(keyed)
