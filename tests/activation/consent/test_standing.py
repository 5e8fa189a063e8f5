"""One person over the live ledger: every link counts, over the weak ones only what restricts."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from activation.consent.events import ConsentEvent
from activation.consent.ledger import append
from activation.consent.lookup import history
from activation.consent.precedence import PersonFacts, evaluate
from activation.consent.regimes import RuleBook, load_regimes
from activation.consent.standing import KnownPerson, stand
from activation.consent.suppression import Address, ReachedEvent
from activation.store import open_store, transaction

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
MAIL, PHONE, OTHER = (
    ("email", "ada@example.com"),
    ("phone", "+447700900001"),
    ("email", "bo@example.com"),
)
RULES = RuleBook(load_regimes())
MARKETING = ("marketing", "email")


def event(event_id: str, action: str, who: tuple[str, str] = MAIL, **fields: Any) -> ConsentEvent:
    values: dict[str, Any] = {
        "identifier_type": who[0],
        "identifier": who[1],
        "purpose": "marketing",
        "channel": "email",
        "source": "preference_centre",
        "notice_version": "2026-03",
        "occurred_at": AS_OF - timedelta(days=1),
        "recorded_at": AS_OF - timedelta(days=1),
    }
    return ConsentEvent(event_id=event_id, action=action, **(values | fields))


def person(
    former_links: Mapping[tuple[str, str], datetime] | None = None, **links: bool
) -> KnownPerson:
    named = {"mail": MAIL, "phone": PHONE}
    held = {named[name]: may_permit for name, may_permit in links.items()}
    addresses = frozenset(Address(*link) for link in held)
    return KnownPerson("DE", PersonFacts(True, True, False, addresses), held, former_links or {})


def record(store: Engine, *events: ConsentEvent) -> None:
    with transaction(store) as connection:
        append(connection, events)


def verdict(store: Engine, who: KnownPerson, as_of: datetime = AS_OF) -> tuple[str, str]:
    with store.connect() as connection:
        found = stand(connection, who, [MARKETING], RULES, as_of=as_of).verdicts[MARKETING]
    return found.verdict, found.reason


def test_a_withdrawal_counts_from_the_moment_it_is_committed(store: Engine) -> None:
    record(store, event("1", "granted"))
    assert verdict(store, person(mail=True)) == ("permit", "consent")
    record(store, event("2", "withdrawn", occurred_at=AS_OF, recorded_at=AS_OF))
    assert verdict(store, person(mail=True)) == ("deny", "withdrawn")
    assert verdict(store, person(mail=True), AS_OF - timedelta(minutes=1)) == ("permit", "consent")


def test_a_weak_link_carries_a_refusal_but_no_permission(store: Engine) -> None:
    record(store, event("1", "granted", PHONE))
    assert verdict(store, person(mail=True, phone=False)) == ("deny", "no_consent")
    record(store, event("2", "granted"), event("3", "objected", PHONE, occurred_at=AS_OF))
    assert verdict(store, person(mail=True, phone=False)) == ("deny", "objected")


def test_a_refusal_before_the_parting_stays_with_the_other_side_and_a_later_one_does_not(
    store: Engine,
) -> None:
    parted = person({PHONE: AS_OF - timedelta(hours=2)}, mail=True)
    record(store, event("1", "granted"), event("2", "granted", PHONE, channel="sms"))
    record(store, event("3", "withdrawn", PHONE, occurred_at=AS_OF - timedelta(hours=1)))
    assert verdict(store, parted) == ("permit", "consent")
    learnt_late = {"occurred_at": AS_OF - timedelta(hours=2), "recorded_at": AS_OF}
    record(store, event("4", "withdrawn", PHONE, **learnt_late))
    assert verdict(store, parted) == ("deny", "withdrawn")
    record(store, event("5", "granted", occurred_at=AS_OF - timedelta(minutes=1)))
    assert verdict(store, parted) == ("permit", "consent")


def test_nothing_permits_over_a_former_link(store: Engine) -> None:
    record(store, event("1", "granted", OTHER))
    assert verdict(store, person({OTHER: AS_OF}, mail=True)) == ("deny", "no_consent")


def test_an_address_of_the_other_side_that_bounced_closes_nothing(store: Engine) -> None:
    record(store, event("1", "granted"), event("2", "suppressed", OTHER, purpose="*"))
    assert verdict(store, person({OTHER: AS_OF}, mail=True)) == ("permit", "consent")
    record(store, event("3", "suppressed", OTHER, purpose="*", channel="*"))
    assert verdict(store, person({OTHER: AS_OF}, mail=True)) == ("deny", "suppressed")


def test_nobody_without_identifiers_has_consented(store: Engine) -> None:
    record(store, event("1", "granted", OTHER))
    assert verdict(store, person()) == ("deny", "no_consent")


@pytest.mark.parametrize("identifiers", [[], [MAIL], [MAIL, PHONE]], ids=["none", "one", "two"])
def test_a_look_up_reads_the_index_where_it_needs_to_and_never_every_event(
    tmp_path: Path, identifiers: list[tuple[str, str]]
) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'assent.sqlite'}")
    seen: list[str] = []
    with store.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.set_trace_callback(seen.append)
        history(connection, identifiers)
        driver.set_trace_callback(None)
        (statement,) = [one for one in seen if "ledger_head" in one]
        plan = connection.execute(text(f"explain query plan {statement}")).all()
    steps = [str(row[-1]) for row in plan]
    assert any("SEARCH e USING INDEX" in step for step in steps) == bool(identifiers), steps
    assert [step for step in steps if "SCAN" in step] == ["SCAN h"], steps  # the head is one row
    store.dispose()


def test_a_thousand_identifiers_at_once_are_looked_up(store: Engine) -> None:
    record(store, event("1", "granted"), event("2", "withdrawn", PHONE))
    many = [("contact_id", f"C{number}") for number in range(1_000)]
    with store.connect() as connection:
        found = history(connection, [PHONE, *many, MAIL])
    assert [one.event_id for one in found] == ["1", "2"]


_events = st.lists(
    st.builds(
        lambda action, who, hours: (action, who, hours),
        st.sampled_from(["granted", "withdrawn", "objected", "restricted", "suppressed"]),
        st.sampled_from([MAIL, PHONE, OTHER]),
        st.integers(-2, 2),
    ),
    max_size=5,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(drawn=_events, may=st.tuples(st.booleans(), st.booleans()))
def test_the_live_answer_is_the_table_over_the_events_that_reach_the_person(
    store: Engine, drawn: list[tuple[str, tuple[str, str], int]], may: tuple[bool, bool]
) -> None:
    events = [
        event(
            str(number),
            action,
            who,
            occurred_at=AS_OF + timedelta(hours=hours),
            recorded_at=AS_OF + timedelta(hours=hours),
        )
        for number, (action, who, hours) in enumerate(drawn)
    ]
    who = person(mail=may[0], phone=may[1])
    with transaction(store) as connection:
        append(connection, events)
        live = stand(connection, who, [MARKETING], RULES, as_of=AS_OF).verdicts[MARKETING]
        connection.rollback()
    reached = [
        ReachedEvent(one, who.links[one.identifier_type, one.identifier])
        for one in events
        if (one.identifier_type, one.identifier) in who.links
    ]
    facts = PersonFacts(True, True, False, who.facts.addresses, ledger_recorded_at=AS_OF)
    rule = RULES.find("DE", *MARKETING)
    assert live == evaluate(facts, reached, rule, AS_OF, purpose="marketing", channel="email")
