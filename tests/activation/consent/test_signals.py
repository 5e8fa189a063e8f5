"""Global Privacy Control: read from a request, recorded once, answered by the person alone."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from activation.consent.events import ConsentEvent, InvalidEvent
from activation.consent.ledger import append
from activation.consent.lookup import history
from activation.consent.precedence import PersonFacts, Verdict
from activation.consent.regimes import RuleBook, load_regimes
from activation.consent.signals import record_signal, signals_opt_out
from activation.consent.standing import KnownPerson, stand
from activation.store import transaction

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
DEVICE = ("device_id", "D1")
RULES = RuleBook(load_regimes())


@pytest.mark.parametrize(
    ("headers", "signals"),
    [
        ({"Sec-GPC": "1"}, True),
        ({"sec-gpc": "1", "dnt": "0"}, True),
        ({"Sec-GPC": "0"}, False),
        ({"Sec-GPC": "true"}, False),
        ({"Sec-GPC": "1, 1"}, False),
        ({"Sec-GPC": ""}, False),
        ({"DNT": "1"}, False),
        ({}, False),
    ],
)
def test_only_the_header_with_the_value_1_is_a_signal(
    headers: Mapping[str, str], signals: bool
) -> None:
    assert signals_opt_out(headers) == signals


def seen(store: Engine, at: datetime = NOW, **changed: Any) -> ConsentEvent:
    given = {"identifier_type": DEVICE[0], "identifier": DEVICE[1]} | changed
    return record_signal(store, **given, seen_at=at, recorded_at=at, entropy=os.urandom)


def grant(store: Engine, at: datetime, channel: str = "email") -> None:
    event = ConsentEvent(
        event_id=f"g{at}{channel}",
        identifier_type=DEVICE[0],
        identifier=DEVICE[1],
        purpose="advertising",
        channel=channel,
        action="granted",
        source="preference_centre",
        notice_version="2026-09",
        occurred_at=at,
        recorded_at=at,
    )
    with transaction(store) as connection:
        append(connection, [event])


def verdict(store: Engine, purpose: str, country: str | None, channel: str = "email") -> Verdict:
    facts = PersonFacts(has_relationship=True, is_existing_customer=True, is_minor=False)
    person = KnownPerson(country, facts, {DEVICE: True}, {})
    scope = (purpose, channel)
    as_of = NOW + timedelta(days=1)
    with store.connect() as connection:
        return stand(connection, person, [scope], RULES, as_of=as_of).verdicts[scope]


def test_a_browser_that_signals_on_every_request_is_recorded_once(store: Engine) -> None:
    first = seen(store)
    assert [seen(store, NOW + timedelta(seconds=n)).event_id for n in range(3)] == (
        [first.event_id] * 3
    )
    with store.connect() as connection:
        assert [event.event_id for event in history(connection, [DEVICE])] == [first.event_id]


def test_a_signal_refuses_advertising_where_the_law_makes_it_one_and_nothing_else(
    store: Engine,
) -> None:
    assert verdict(store, "advertising", "US").verdict == "permit"
    signal = seen(store)
    refused = Verdict("deny", "opted_out", "legitimate_interests", signal.event_id)
    assert verdict(store, "advertising", "US") == refused
    assert verdict(store, "advertising", "DE").reason == "opted_out"
    assert verdict(store, "advertising", "BR").reason == "no_consent"
    assert verdict(store, "marketing", "US").reason == "legitimate_interests"
    assert verdict(store, "claims_service", "US").reason == "contract"


def test_who_answers_the_signal_is_not_overruled_by_the_next_request(store: Engine) -> None:
    seen(store)
    grant(store, NOW + timedelta(hours=1))
    seen(store, NOW + timedelta(hours=2))
    assert verdict(store, "advertising", "US").verdict == "permit"
    assert verdict(store, "advertising", "US", "sms").reason == "opted_out"


def test_a_signal_after_an_older_grant_refuses(store: Engine) -> None:
    grant(store, NOW - timedelta(hours=1))
    seen(store)
    assert verdict(store, "advertising", "US").reason == "opted_out"


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"identifier_type": "cookie"}, "identifier_type: unknown identifier_type; use one of"),
        ({"identifier_type": "email", "identifier": "no address"}, "identifier: is no readable"),
    ],
)
def test_a_signal_of_nobody_is_refused_without_the_value(
    store: Engine, wrong: dict[str, str], fault: str
) -> None:
    with pytest.raises(InvalidEvent, match=fault) as caught:
        seen(store, **wrong)
    assert "no address" not in str(caught.value)
