"""What was recorded between the run and the send stops a row by the rules of the batch: over links
of a former other side too, and by what a browser signals."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from activation.connectors.files import FilesConnector
from activation.connectors.protocol import Operation
from activation.consent.events import ConsentEvent
from activation.consent.ledger import append
from activation.consent.standing import reach
from activation.store import transaction
from activation.syncs.gate import RESTRICTING_ACTIONS, Gate
from activation.syncs.item import Item
from activation.syncs.workspace import NO_FORMER_LINKS, workspace
from tests.activation.syncs.world import AS_OF, AUDIENCES, actions, identifiers, members, sync

PARTED_AT = AS_OF - timedelta(days=30)
OTHERS_CONTACT, OTHERS_MAIL = ("contact_id", "C9"), ("email", "nine@people.example")


def parted(*links: tuple[str, str], at: datetime = PARTED_AT) -> pa.Table:
    """p_0001 was one person with whoever carries the identifiers, until then."""
    rows = [("p_0001", kind, identifier, at) for kind, identifier in links]
    return pa.table(dict(zip(NO_FORMER_LINKS.column_names, zip(*rows, strict=True), strict=True)))


FORMER = parted(OTHERS_CONTACT, OTHERS_MAIL)


def said(
    action: str = "withdrawn",
    under: tuple[str, str] = OTHERS_CONTACT,
    *,
    occurred_at: datetime = PARTED_AT,
    event_id: str = "e",
    **scope: str,
) -> ConsentEvent:
    return ConsentEvent(
        event_id=event_id,
        identifier_type=under[0],
        identifier=under[1],
        action=action,
        source="call_centre",
        occurred_at=occurred_at,
        recorded_at=AS_OF,
        **({"purpose": "*", "channel": "*"} | scope),
    )


def record(engine: Engine, *events: ConsentEvent) -> None:
    with transaction(engine) as connection:
        append(connection, events)


def test_a_refusal_of_before_the_split_recorded_after_the_run_stops_the_send(
    engine: Engine, files: FilesConnector
) -> None:
    record(engine, said())
    report = sync(engine, files, actions(range(3)), former_links=FORMER)
    assert (report.sent, report.withheld) == (2, {"withdrawn": 1})


@pytest.mark.parametrize(
    ("event", "stops"),
    [
        (said(occurred_at=PARTED_AT + timedelta(seconds=1)), False),
        (said("suppressed", OTHERS_MAIL, channel="email"), False),
        (said("suppressed", OTHERS_MAIL), True),
        (said("suppressed", OTHERS_CONTACT, channel="email"), True),
        (said("withdrawn", OTHERS_MAIL, channel="email"), True),
        (said("restricted"), True),
        (said("erased"), True),
        (said("withdrawn", purpose="marketing"), False),
    ],
)
def test_over_a_former_link_crosses_what_the_batch_lets_cross(
    engine: Engine, files: FilesConnector, event: ConsentEvent, stops: bool
) -> None:
    record(engine, event)
    report = sync(engine, files, actions([1]), former_links=FORMER)
    assert report.withheld == ({event.action: 1} if stops else {})


def test_a_refusal_of_before_the_split_takes_the_member_off_the_audience_whatever_the_guards(
    engine: Engine, files: FilesConnector
) -> None:
    sync(engine, files, members([0, 1]), AUDIENCES, former_links=FORMER)
    record(engine, said())
    gone = sync(engine, files, members([0]), AUDIENCES, former_links=FORMER, watermark=1)
    assert (gone.removed, gone.withheld) == (1, {})


@pytest.mark.parametrize(
    ("signalled", "stops"),
    [
        (None, True),
        (frozenset({"renewal"}), True),
        (frozenset({"advertising"}), False),
        (frozenset(), False),
    ],
)
def test_a_signal_stops_the_purposes_that_it_binds_and_all_where_that_is_not_known(
    engine: Engine, files: FilesConnector, signalled: frozenset[str] | None, stops: bool
) -> None:
    record(engine, said("opted_out", ("email", "canary-1@people.example"), occurred_at=AS_OF))
    report = sync(engine, files, actions(range(2)), signalled=signalled)
    assert report.withheld == ({"opted_out": 1} if stops else {})


def test_a_signal_takes_the_member_off_an_advertising_audience(
    engine: Engine, files: FilesConnector, outbox: Path
) -> None:
    spec = AUDIENCES.model_copy(update={"purpose": ("advertising",)})
    bound = frozenset({"advertising"})
    sync(engine, files, members([0, 1]), spec, signalled=bound)
    record(engine, said("opted_out", ("email", "canary-1@people.example"), occurred_at=AS_OF))
    report = sync(engine, files, members([0, 1]), spec, signalled=bound)
    assert (report.removed, report.withheld) == (1, {"opted_out": 1})
    assert len(list(outbox.glob("demo/audience/*/data.parquet"))) == 2


MINE = (("email", "canary-1@people.example"), ("customer_number", "0000001"))
EVERY = (*MINE, OTHERS_CONTACT, OTHERS_MAIL)


@st.composite
def events(draw: st.DrawFn) -> list[ConsentEvent]:
    def choose(options: Sequence[Any]) -> Any:
        return draw(st.sampled_from(options))

    return [
        said(
            choose(RESTRICTING_ACTIONS[:-1]),
            choose(EVERY),
            event_id=f"e{number}",
            occurred_at=PARTED_AT + timedelta(seconds=choose((-1, 0, 1))),
            purpose=choose(("*", "renewal", "marketing")),
            channel=choose(("*", "email", "sms")),
        )
        for number in range(draw(st.integers(0, 4)))
    ]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(recorded=events())
def test_the_gate_lets_the_same_events_reach_a_person_as_the_moment_of_activation(
    engine: Engine,
    recorded: list[ConsentEvent],
) -> None:
    """One event stops the row by the gate if and only if it reaches the person by `reach`, and
    covers the row."""
    former = {OTHERS_CONTACT: PARTED_AT, OTHERS_MAIL: PARTED_AT}
    reached = [one.event for one in reach(recorded, dict.fromkeys(MINE, True), former)]
    covering = {
        e.action for e in reached if e.covers("renewal", "email") or e.action in _EVERYTHING
    }
    expected = next((action for action in RESTRICTING_ACTIONS if action in covering), None)
    item = Item(Operation.SEND, "row", "p_0001", "renewal", "email")
    with workspace(identifiers([1]), FORMER) as duck, engine.connect() as connection:
        append(connection, recorded)
        gate = Gate(duck, 0)
        gate.refresh(connection)
        connection.rollback()
    assert gate.reason(item) == expected


_EVERYTHING = ("erased", "restricted")
