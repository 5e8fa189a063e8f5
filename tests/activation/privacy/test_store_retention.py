"""What retention takes out of the ledger changes no verdict, whatever was said before."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from activation.consent.events import ConsentEvent
from activation.consent.ledger import append, verify_chain
from activation.consent.precedence import PersonFacts
from activation.consent.redaction import REDACTED
from activation.consent.regimes import RuleBook, load_regimes
from activation.consent.standing import KnownPerson, stand
from activation.consent.suppression import Address
from activation.privacy.settings import read_settings
from activation.privacy.store_retention import expire_store
from activation.store import open_store

NOW = datetime(2026, 11, 20, tzinfo=UTC)
MAIL, NUMBER = ("email", "ada@example.com"), ("contact_id", "C1")
RULES = RuleBook(load_regimes())
SCOPES = [(purpose, "email") for purpose in ("marketing", "claims_service")]
ANY_SCOPE = ("*", "*")
YEARS = (9, 8, 7, 6, 5, 1)

Said = tuple[str, int, tuple[str, str], str, tuple[str, str]]
"""(action, years ago, scope, source, identifier)."""


def said(action: str, years: int, scope: tuple[str, str] = SCOPES[0], source: str = "web") -> Said:
    return action, years, scope, source, MAIL


def _event(number: int, one: Said) -> ConsentEvent:
    action, years, (purpose, channel), source, (kind, identifier) = one
    at = NOW - timedelta(days=365 * years)
    return ConsentEvent(
        event_id=f"c{number}",
        identifier_type=kind,
        identifier=identifier,
        purpose=purpose,
        channel=channel,
        action=action,
        source=source,
        notice_version="2026-03",
        occurred_at=at,
        recorded_at=at,
    )


def _verdicts(connection: Connection) -> dict[tuple[str, str], tuple[str, str]]:
    facts = PersonFacts(True, True, False, frozenset({Address(*MAIL)}), NOW)
    person = KnownPerson("DE", facts, {MAIL: True, NUMBER: True}, former_links={})
    found = stand(connection, person, SCOPES, RULES, as_of=NOW)
    return {scope: (one.verdict, one.reason) for scope, one in found.verdicts.items()}


def _retain(store: Engine, events: Sequence[Said]) -> list[str]:
    """Append, run retention, and give back the ledger's actions under a living identifier."""
    with store.connect() as connection, connection.begin() as under_way:
        append(connection, [_event(number, one) for number, one in enumerate(events)])
        before = _verdicts(connection)
        expire_store(connection, read_settings(), NOW)
        after = _verdicts(connection)
        assert verify_chain(connection).is_intact
        rows = connection.execute(text("select action, identifier from consent_event order by seq"))
        left = [str(action) for action, identifier in rows if identifier != REDACTED]
        under_way.rollback()
    changed = {scope: (was, after[scope]) for scope, was in before.items() if was != after[scope]}
    if len({event[-1] for event in events}) == 1:
        assert changed == {}
    assert not [1 for was, now in changed.values() if (was[0], now[0]) == ("deny", "permit")]
    return left


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One store; every test takes back what it writes."""
    engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'assent.sqlite'}")
    yield engine
    engine.dispose()


def test_the_word_that_lifts_a_restriction_stays_as_long_as_the_restriction(
    ledger: Engine,
) -> None:
    left = _retain(
        ledger,
        [
            said("granted", 9),
            said("restricted", 8, ANY_SCOPE),
            said("lifted", 7, ANY_SCOPE),
            said("granted", 6),
        ],
    )
    assert left == ["restricted", "lifted", "granted"]


def test_a_grant_that_opens_a_suppressed_address_stays_though_it_was_withdrawn(
    ledger: Engine,
) -> None:
    events = [said("suppressed", 9, ("*", "email")), said("granted", 8), said("withdrawn", 7)]
    assert _retain(ledger, events) == ["suppressed", "granted", "withdrawn"]


def test_a_persons_own_grant_is_not_superseded_by_one_that_a_system_brought_in(
    ledger: Engine,
) -> None:
    events = [said("withdrawn", 9), said("granted", 8), said("granted", 7, source="import")]
    assert _retain(ledger, events) == ["withdrawn", "granted", "granted"]


_scope = st.sampled_from(SCOPES)
_said = st.one_of(
    st.tuples(
        st.sampled_from(["granted", "granted", "confirmed", "denied", "withdrawn", "objected"]),
        st.sampled_from(YEARS),
        _scope,
        st.sampled_from(["web", "import"]),
        st.sampled_from([MAIL, NUMBER]),
    ),
    st.tuples(
        st.sampled_from(["restricted", "lifted"]),
        st.sampled_from(YEARS),
        st.just(ANY_SCOPE),
        st.just("web"),
        st.sampled_from([MAIL, NUMBER]),
    ),
    st.tuples(
        st.just("suppressed"),
        st.sampled_from(YEARS),
        st.sampled_from([("*", "email"), ANY_SCOPE]),
        st.just("web"),
        st.sampled_from([MAIL, NUMBER]),
    ),
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(events=st.lists(_said, min_size=2, max_size=6), one=st.booleans())
def test_no_verdict_is_loosened_and_none_of_one_identifier_changes(
    ledger: Engine, events: list[Said], one: bool
) -> None:
    _retain(ledger, [(*event[:-1], MAIL) for event in events] if one else events)
