"""Consent events: given under whatever identifier was at hand, and taken back under another."""

from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa

from orchestration.demo import rates
from orchestration.demo.codes import random_text
from orchestration.demo.columns import DAY, choose, timestamps
from orchestration.demo.people import People
from orchestration.demo.records import countries
from orchestration.demo.streams import Streams, pick
from orchestration.demo.timeline import Occurrences, Period, in_time, moment_on, schedule

IDENTIFIER_TYPES = ("email", "phone", "contact_id", "customer_number", "account_id")
_ACTIONS = (*rates.CONSENT_ACTION_SHARES,)
_PURPOSES = (*rates.CONSENT_PURPOSES, "*")
_CHANNELS = (*rates.CONSENT_CHANNELS, "*")
_GRANTED, _WITHDRAWN = _ACTIONS.index("granted"), _ACTIONS.index("withdrawn")
_MARKETING, _EMAIL = _PURPOSES.index("marketing"), _CHANNELS.index("email")
_LAST_MOMENT = 2**40  # beyond any day of a demo world, and still a date
_PREFERENCE_CENTRE = rates.CONSENT_SOURCES.index("preference_centre")


@dataclass(frozen=True, eq=False)
class Identifiers:
    """What each person can be known by, aligned with `people`; empty where there is nothing."""

    people: People
    contact_of: pa.Array
    customer_of: pa.Array
    account_of: pa.Array

    def columns(self) -> tuple[pa.Array, ...]:
        """In the order of IDENTIFIER_TYPES."""
        return (
            self.people.email,
            self.people.e164,
            self.contact_of,
            self.customer_of,
            self.account_of,
        )


@dataclass(frozen=True, eq=False)
class Choices:
    """Consent events before they are written: positions in `people` and in the lists of words;
    seconds since 1970.
    """

    host: np.ndarray
    identifier_type: np.ndarray
    purpose: np.ndarray
    channel: np.ndarray
    action: np.ndarray
    source: np.ndarray
    occurred: np.ndarray


def choices(streams: Streams, known: Identifiers, host: np.ndarray, period: Period) -> Choices:
    """One event per entry of `host` (positions in the people)."""
    draw, size = streams.stream, len(host)
    action = pick(draw("action"), rates.CONSENT_ACTION_SHARES, size)
    scope = pick(draw("scope"), rates.RESTRICTION_SCOPE_SHARES, size)
    restricts = (action != _GRANTED) & (action != _ACTIONS.index("denied"))
    purpose = draw("purpose").integers(0, len(rates.CONSENT_PURPOSES), size)
    channel = draw("channel").integers(0, len(rates.CONSENT_CHANNELS), size)
    # A wildcard may restrict, never permit.
    purpose[restricts & (scope >= 2)] = _PURPOSES.index("*")
    channel[restricts & (scope % 2 == 1)] = _CHANNELS.index("*")
    return Choices(
        host=host,
        identifier_type=_types(draw("identifier"), known, host, avoid=None),
        purpose=purpose,
        channel=channel,
        action=action,
        source=draw("source").integers(0, len(rates.CONSENT_SOURCES), size),
        occurred=period.moments(draw("occurred"), size, days=rates.CONSENT_DAYS),
    )


def granted_here_withdrawn_there(
    streams: Streams, known: Identifiers, period: Period
) -> tuple[Choices, Choices]:
    """Grants, and their withdrawals some weeks later under another of the person's identifiers."""
    draw = streams.stream
    chosen = draw("persons").random(len(known.people)) < rates.GRANTED_HERE_WITHDRAWN_THERE_SHARE
    host = np.flatnonzero(chosen)
    size = len(host)
    granted_at = period.moments(draw("granted"), size, days=rates.CONSENT_DAYS, gap_days=60)
    grants = Choices(
        host=host,
        identifier_type=_types(draw("identifier"), known, host, avoid=None),
        purpose=draw("purpose").integers(0, len(rates.CONSENT_PURPOSES), size),
        channel=draw("channel").integers(0, len(rates.CONSENT_CHANNELS), size),
        action=np.full(size, _GRANTED),
        source=draw("source").integers(0, len(rates.CONSENT_SOURCES), size),
        occurred=granted_at,
    )
    later = granted_at + draw("withdrawn").integers(DAY, 60 * DAY, size)
    return grants, taken_back(draw("other identifier"), known, grants, later)


def taken_back(
    rng: np.random.Generator, known: Identifiers, grants: Choices, occurred: np.ndarray
) -> Choices:
    """The withdrawals of those grants in the preference centre, under another identifier where
    there is one.
    """
    size = len(grants.host)
    return Choices(
        host=grants.host,
        identifier_type=_types(rng, known, grants.host, avoid=grants.identifier_type),
        purpose=grants.purpose,
        channel=grants.channel,
        action=np.full(size, _WITHDRAWN),
        source=np.full(size, _PREFERENCE_CENTRE),
        occurred=occurred,
    )


def later_withdrawals(
    streams: Streams, known: Identifiers, grants: Choices, period: Period
) -> Choices:
    """On each day after the base world some of its grants are withdrawn."""
    rng = streams.stream("days")
    day = schedule(rng, grants.action == _GRANTED, rates.WITHDRAWN_SHARE, rates.WITHDRAWN_AT_LEAST)
    rows = np.flatnonzero(day)
    occurred = moment_on(rng, day, period.end)[rows]
    return taken_back(streams.stream("identifier"), known, _rows(grants, rows), occurred)


def later_marketing_withdrawals(
    streams: Streams, known: Identifiers, host: np.ndarray, period: Period
) -> Choices:
    """On each day some of these persons (cross-sell customers) withdraw from marketing by e-mail,
    or from all of it.
    """
    rng = streams.stream("days")
    everyone = np.ones(len(host), dtype=bool)
    day = schedule(
        rng, everyone, rates.CROSS_SELL_WITHDRAWN_SHARE, rates.CROSS_SELL_WITHDRAWN_AT_LEAST
    )
    size = len(host)
    wide = rng.random(size) < sum(rates.RESTRICTION_SCOPE_SHARES[1:])
    return Choices(
        host=host,
        identifier_type=_types(streams.stream("identifier"), known, host, avoid=None),
        purpose=np.full(size, _MARKETING),
        channel=np.where(wide, _CHANNELS.index("*"), _EMAIL),
        action=np.full(size, _WITHDRAWN),
        source=np.full(size, _PREFERENCE_CENTRE),
        occurred=moment_on(rng, day, period.end),
    )


def consent_events(streams: Streams, known: Identifiers, made: Choices) -> Occurrences:
    """consent/consent_events of these choices, ready to be written."""
    draw, size = streams.stream, len(made.host)
    people, picked = known.people, pa.array(made.host)
    # All identifiers in one column, one block per type, so that a position picks the person's
    # identifier of its type.
    identifiers = pa.concat_arrays([*known.columns()])
    positions = made.identifier_type.astype(np.int64) * len(people) + made.host
    expires = (made.action == _GRANTED) & (draw("expires").random(size) < rates.GRANT_EXPIRES_SHARE)
    table = pa.table(
        {
            "event_id": random_text(draw("id"), b"0123456789abcdef", 24, size),
            "identifier_type": choose(IDENTIFIER_TYPES, made.identifier_type),
            "identifier": identifiers.take(pa.array(positions)),
            "purpose": choose(_PURPOSES, made.purpose),
            "channel": choose(_CHANNELS, made.channel),
            "action": choose(_ACTIONS, made.action),
            "notice_version": choose(
                rates.NOTICE_VERSIONS, draw("notice").integers(0, len(rates.NOTICE_VERSIONS), size)
            ),
            "source": choose(rates.CONSENT_SOURCES, made.source),
            "jurisdiction": countries(people).take(picked),
            "occurred_at": timestamps(np.minimum(made.occurred, _LAST_MOMENT)),
            "expires_at": timestamps(
                np.minimum(made.occurred, _LAST_MOMENT) + rates.GRANT_EXPIRES_DAYS * DAY, expires
            ),
        }
    )
    return in_time(table, made.occurred)


def _types(
    rng: np.random.Generator, known: Identifiers, host: np.ndarray, avoid: np.ndarray | None
) -> np.ndarray:
    """A type of identifier that the person has, each as likely, accounts seldom; another than
    `avoid` if possible.
    """
    weight = rng.random((len(host), len(IDENTIFIER_TYPES)))
    # The specification announces accounts as identifiers; the sample has none.
    weight[rng.random(len(host)) >= rates.ACCOUNT_IDENTIFIER_SHARE, 4] = -1
    for column, values in enumerate(known.columns()):
        missing = np.asarray(values.take(pa.array(host)).to_numpy(zero_copy_only=False) == "")
        weight[missing, column] = -1
    if avoid is not None:
        weight[np.arange(len(host)), avoid] = 0
    return np.argmax(weight, axis=1)


def _rows(made: Choices, rows: np.ndarray) -> Choices:
    return Choices(*(getattr(made, field.name)[rows] for field in fields(made)))
