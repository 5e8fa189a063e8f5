"""Messages that the company's mailing system sent, and what their receivers did with them."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.demo import rates
from orchestration.demo.codes import codes, serials
from orchestration.demo.columns import choose, timestamps, where
from orchestration.demo.people import People
from orchestration.demo.streams import Streams
from orchestration.demo.timeline import Occurrences, Period, in_time, some_late

_CLOCK_SKEW_SECONDS = 600  # how far an engagement may precede its message


@dataclass(frozen=True, eq=False)
class Communications:
    """communications/messages and communications/engagement."""

    messages: Occurrences
    engagement: Occurrences


def communications(
    streams: Streams, people: People, host: np.ndarray, period: Period
) -> Communications:
    """One message per entry of `host` (positions in `people`), by e-mail or text, with its
    engagement.
    """
    draw, size, rows = streams.stream, len(host), people.at(host)
    sent = period.moments(draw("sent"), size, days=rates.MESSAGE_DAYS)
    by_email = draw("channel").random(size) < rates.MESSAGE_EMAIL_SHARE
    message_id = codes(streams.seed, "message", serials(period.day, size), prefix="M", width=10)
    messages = pa.table(
        {
            "message_id": message_id,
            "channel": where(by_email, "email", "sms"),
            "address": where(by_email, rows.email, rows.e164),
            "template": choose(
                rates.TEMPLATES, draw("template").integers(0, len(rates.TEMPLATES), size)
            ),
            "purpose": choose(rates.MESSAGE_PURPOSES, draw("purpose").integers(0, 2, size)),
            "sent_at": timestamps(sent),
        }
    )
    return Communications(in_time(messages, sent), _engagement(streams, message_id, sent, period))


def _engagement(
    streams: Streams, message_id: pa.Array, sent: np.ndarray, period: Period
) -> Occurrences:
    """Each kind by itself, as in the sample: some are opened before they count as delivered."""
    tables, moments = [], []
    for kind, share in rates.ENGAGEMENT_SHARES.items():
        rng = streams.stream("engagement", kind)
        messages = np.flatnonzero(rng.random(len(sent)) < share)
        after = 1 + rng.exponential(rates.ENGAGED_AFTER_HOURS * 3600, len(messages)).astype(
            np.int64
        )
        early = rng.random(len(messages)) < rates.ENGAGEMENT_PRECEDES_SHARE
        moment = sent[messages] + np.where(early, -(1 + after % _CLOCK_SKEW_SECONDS), after)
        moments.append(moment)
        tables.append(
            pa.table(
                {
                    "message_id": message_id.take(pa.array(messages)),
                    "kind": pc.if_else(pa.array(np.ones(len(messages), dtype=bool)), kind, ""),
                    "occurred_at": timestamps(moment),
                }
            )
        )
    table = pa.concat_tables(tables).combine_chunks()
    return some_late(streams.stream("engagement", "late"), table, np.concatenate(moments), period)
