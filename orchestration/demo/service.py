"""The service desk's tickets and the satisfaction scores that follow them."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from orchestration.demo import rates
from orchestration.demo.codes import codes, serials
from orchestration.demo.columns import choose, constant, join, numbers, rows_of, timestamps, where
from orchestration.demo.people import People
from orchestration.demo.records import countries, emails, names, phones
from orchestration.demo.streams import Streams, pick
from orchestration.demo.timeline import Occurrences, Period, Window, in_time
from orchestration.demo.vocabulary import COMMENT_WITH_LINE_BREAK, COMMENTS

_HOUR = 3600


@dataclass(frozen=True, eq=False)
class Tickets:
    """One entry per ticket, with the moments (seconds) at which it is opened and resolved."""

    table: pa.Table
    person: np.ndarray
    opened: np.ndarray
    resolved: np.ndarray

    @property
    def keys(self) -> pa.Array:
        """The ticket ids."""
        return self.table.column("ticket_id").combine_chunks()

    def export(self, window: Window) -> pa.Table:
        """Tickets opened or resolved in the window, as they are at its end."""
        shown = np.flatnonzero(window.holds(self.opened) | window.holds(self.resolved))
        resolved = self.resolved[shown]
        table = rows_of(self.table, shown)
        return table.set_column(
            table.num_columns - 1, "resolved_at", timestamps(resolved, resolved <= window.until)
        )

    def named(self, window: Window) -> tuple[pa.Array, np.ndarray]:
        """Ticket and person of each ticket that is opened in the window."""
        seen = np.flatnonzero(window.holds(self.opened))
        return self.keys.take(pa.array(seen)), self.person[seen]


def tickets(streams: Streams, people: People, host: np.ndarray, period: Period) -> Tickets:
    """service/tickets: one per entry of `host` (positions in `people`)."""
    draw, size, rows = streams.stream, len(host), people.at(host)
    opened = period.moments(draw("opened"), size, days=rates.TICKET_DAYS)
    resolved = (
        opened
        + 1
        + draw("resolved").exponential(rates.RESOLVED_AFTER_HOURS * _HOUR, size).astype(np.int64)
    )
    if period.day == 0:
        # However small the world: negative answers within the last 72 hours (see `satisfaction`).
        alive = slice(0, rates.CANDIDATES_AT_LEAST)
        opened[alive], resolved[alive] = period.end - 60 * _HOUR, period.end - 40 * _HOUR
    given, family = names(streams, "service", rows)
    table = pa.table(
        {
            "ticket_id": codes(
                streams.seed, "ticket", serials(period.day, size), prefix="T", width=9
            ),
            "requester_name": join(given, " ", family),
            "requester_email": emails(streams, "service", rows),
            "requester_phone": phones(streams, "service", rows),
            "country": countries(rows),
            "topic": choose(
                rates.TICKET_TOPICS, draw("topic").integers(0, len(rates.TICKET_TOPICS), size)
            ),
            "severity": choose(
                rates.SEVERITIES, draw("severity").integers(0, len(rates.SEVERITIES), size)
            ),
            "opened_at": timestamps(opened),
            "resolved_at": constant("", size),
        }
    )
    return Tickets(table, rows.number, opened, resolved)


def satisfaction(streams: Streams, of: Tickets, period: Period) -> Occurrences:
    """service/satisfaction: about half of the tickets are answered some hours after they are
    resolved.
    """
    draw, size = streams.stream, len(of.opened)
    answered = draw("answered").random(size) < rates.SATISFACTION_SHARE
    score = 1 + pick(draw("score"), rates.SCORE_SHARES, size)
    after = draw("after").exponential(rates.SATISFACTION_AFTER_HOURS * _HOUR, size).astype(np.int64)
    moment = of.resolved + 1 + after
    if period.day == 0:
        alive = slice(0, rates.CANDIDATES_AT_LEAST)
        answered[alive], score[alive], moment[alive] = (
            True,
            np.minimum(score[alive], 2),
            period.end - 20 * _HOUR,
        )
    rng = draw("comment")
    comment = choose(COMMENTS, rng.integers(0, len(COMMENTS), size))
    broken = rng.random(size) < rates.COMMENT_WITH_LINE_BREAK_SHARE
    comment = where(broken, COMMENT_WITH_LINE_BREAK, comment)
    rows = np.flatnonzero(answered)
    table = pa.table(
        {
            "ticket_id": of.keys,
            "score": numbers(score),
            "comment": where(rng.random(size) < rates.COMMENT_SHARE, comment, ""),
            "responded_at": timestamps(moment),
        }
    )
    return in_time(rows_of(table, rows), moment[rows])


def ticket_hosts(streams: Streams, in_service: np.ndarray) -> np.ndarray:
    """Positions of the persons with tickets, some twice, ascending."""
    persons = np.flatnonzero(in_service)
    twice = streams.stream("two tickets").random(len(persons)) < rates.TWO_TICKETS_SHARE
    return np.repeat(persons, 1 + twice)
