"""Persons, links and consent events to judge: drawn by hypothesis, or seeded by the thousand."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from activation.consent.events import ConsentEvent
from activation.consent.vocabulary import ADDRESS_TYPE, ANY, LIFTED, OPTED_OUT, PERMISSIVE_ACTIONS
from tests.dbt.builder import AS_OF
from tests.dbt.consent_regimes import TEST_REGIMES
from tests.dbt.consent_world import FormerLink, Link, Person, World

IDENTIFIERS = (
    ("email", "ada@example.com"),
    ("email", "bo@example.com"),
    ("phone", "+447700900001"),
    ("contact_id", "C1"),
    ("contact_id", "C2"),
    ("device_id", "D1"),
)
INSTANTS = tuple(AS_OF + timedelta(hours=hours) for hours in (-24 * 400, -48, -25, -24, -1, 0, 1))
NOTICES = (None, "2025-10", "2025-11", "2026-03", "2026-03", "2026-03", "v9")
PURPOSES = tuple(TEST_REGIMES.purposes)
CHANNELS = tuple(TEST_REGIMES.channels)

Draw = Callable[[Any], Any]


def a_link(choose: Draw, identifier: tuple[str, str]) -> Link:
    return Link(
        *identifier,
        status=choose(("ok", "ok", "ok", "shared", "conflict", "blocked")),
        assurance=choose("AAABC"),
        is_restriction_only=choose((False, False, False, False, True)),
    )


def a_person(choose: Draw, number: int, identifiers: tuple[tuple[str, str], ...]) -> Person:
    return Person(
        person_id=f"p{number}",
        jurisdiction=choose(("GB", "DE", "DE", "BR", None)),
        policy=choose(("none", "lapsed", "active")),
        is_minor=choose((False, False, False, False, False, True)),
        links=tuple(
            a_link(choose, identifier) for identifier in identifiers if choose((True, False))
        ),
        former_links=tuple(
            FormerLink(*identifier, parted_at=choose(INSTANTS[:-1]))
            for identifier in identifiers
            if choose((True, False, False, False))
        ),
    )


# Weighted, so that the events that interact meet: bounces with newer grants, grants with their
# confirmations. An erasure hides everything else and stays rare.
KINDS = (
    *("bounced",) * 4,
    *("granted",) * 6,
    *("confirmed",) * 3,
    *("refused",) * 3,
    "suppressed",
    "signalled",
    "signalled",
    "ended",
    "ended",
)
ACTIONS_OF_KIND = {
    "bounced": ("suppressed",),
    "granted": ("granted",),
    "confirmed": ("confirmed",),
    "refused": ("denied", "withdrawn", "objected"),
    "suppressed": ("suppressed",),
    "signalled": (OPTED_OUT,),
    "ended": ("restricted", "restricted", LIFTED, LIFTED, "erased"),
}


def an_event(choose: Draw, number: int, identifiers: tuple[tuple[str, str], ...]) -> ConsentEvent:
    kind = choose(KINDS)
    action = choose(ACTIONS_OF_KIND[kind])
    occurred_at = choose(INSTANTS)
    identifier_type, identifier = choose(identifiers)
    purpose = choose(("marketing", "marketing", "marketing", "advertising", *PURPOSES))
    channel = choose(("email", "email", "email", "email", *CHANNELS))
    if kind == "bounced":
        addresses = [i for i in identifiers if i[0] in ADDRESS_TYPE.values()]
        identifier_type, identifier = choose(addresses)
        of_type = [c for c, address_type in ADDRESS_TYPE.items() if address_type == identifier_type]
        purpose, channel = ANY, choose(of_type)
    elif kind == "confirmed":
        purpose, channel = "marketing", choose(("email", "email", "sms"))
    elif kind == "signalled":
        purpose, channel = ANY, ANY
    elif kind == "ended":
        occurred_at = choose(INSTANTS[3:5])
        purpose, channel = ANY, ANY
    elif action not in PERMISSIVE_ACTIONS:
        purpose, channel = choose((purpose, ANY)), choose((channel, ANY))
    return ConsentEvent(
        event_id=f"e{number}",
        identifier_type=identifier_type,
        identifier=identifier,
        purpose=purpose,
        channel=channel,
        action=action,
        source=choose(("web_form", "web_form", "web_form", "import", "unknown")),
        notice_version=choose(NOTICES),
        occurred_at=occurred_at,
        recorded_at=choose((occurred_at, occurred_at, AS_OF, AS_OF + timedelta(hours=1))),
        expires_at=choose((None, None, None, AS_OF, AS_OF + timedelta(hours=1))),
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Two or three persons who may share identifiers, and a handful of events about few scopes."""

    def choose(options: Any) -> Any:
        return draw(st.sampled_from(options))

    persons = [a_person(choose, n, IDENTIFIERS) for n in range(draw(st.integers(1, 3)))]
    events = [an_event(choose, n, IDENTIFIERS) for n in range(draw(st.integers(0, 6)))]
    copied_at = choose((AS_OF, AS_OF, AS_OF - timedelta(hours=24), INSTANTS[2], None))
    return World(persons, events, copied_at)


def random_world(seed: int, persons: int) -> World:
    """Groups of three persons, each group with its own identifiers and events."""
    rng = random.Random(seed)
    groups = [
        tuple((kind, f"{group}-{value}") for kind, value in IDENTIFIERS)
        for group in range(persons // 3)
    ]
    return World(
        [
            a_person(rng.choice, 3 * group + n, identifiers)
            for group, identifiers in enumerate(groups)
            for n in range(3)
        ],
        [
            an_event(rng.choice, 20 * group + n, identifiers)
            for group, identifiers in enumerate(groups)
            for n in range(rng.randint(0, 16))
        ],
    )
