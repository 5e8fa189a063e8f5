"""The product's accounts, onboarding milestones, and the events of the app as CloudEvents."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from orchestration.demo import rates
from orchestration.demo.codes import codes, random_text, serials
from orchestration.demo.columns import DAY, choose, constant, rows_of, timestamps, where
from orchestration.demo.people import People
from orchestration.demo.policy import Claims
from orchestration.demo.records import countries, restyled
from orchestration.demo.service import Tickets
from orchestration.demo.streams import Streams, pick
from orchestration.demo.timeline import Occurrences, Period, Window, in_time, some_late

CLAIM_MILESTONES = ("registered", "documents_received", "assessed", "settled")
_HEX = b"0123456789abcdef"
_DEVICE = b"0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, eq=False)
class Accounts:
    """One entry per account; `created` is seconds since 1970."""

    table: pa.Table
    person: np.ndarray
    created: np.ndarray

    @property
    def keys(self) -> pa.Array:
        """The account ids."""
        return self.table.column("account_id").combine_chunks()

    def export(self, window: Window) -> pa.Table:
        """Accounts created in the window."""
        return rows_of(self.table, window.holds(self.created))

    def named(self, window: Window) -> tuple[pa.Array, np.ndarray]:
        """Account and person of each account that is created in the window."""
        seen = np.flatnonzero(window.holds(self.created))
        return self.keys.take(pa.array(seen)), self.person[seen]


def accounts(
    streams: Streams, people: People, host: np.ndarray, customer_of: pa.Array, period: Period
) -> Accounts:
    """product/accounts: one per entry of `host`; `customer_of` is each person's customer number or
    empty.
    """
    draw, size, rows = streams.stream, len(host), people.at(host)
    created = period.moments(draw("created"), size, days=rates.ACCOUNT_DAYS)
    if period.day == 0:
        # However small the world: accounts that stalled (see `milestones`).
        created[: rates.CANDIDATES_AT_LEAST] = period.end - 30 * DAY
    linked = draw("link").random(size) < rates.CUSTOMER_LINK_SHARE
    table = pa.table(
        {
            "account_id": codes(
                streams.seed, "account", serials(period.day, size), prefix="A", width=10
            ),
            "login_email": restyled(draw("style"), rows.email),
            "customer_number": where(linked, customer_of.take(pa.array(host)), ""),
            "device_id": random_text(draw("device"), _DEVICE, 12, size, prefix="dev-"),
            "country": countries(rows),
            "created_at": timestamps(created),
        }
    )
    return Accounts(table, rows.number, created)


def milestones(streams: Streams, of: Accounts, period: Period) -> Occurrences:
    """product/milestones: one to five per account, always in their order, days apart."""
    draw, size = streams.stream, len(of.created)
    planned = 1 + pick(draw("planned"), rates.MILESTONES_SHARES, size)
    gaps = draw("gaps").exponential(
        rates.MILESTONE_MEAN_DAYS * DAY, (size, len(rates.MILESTONES) - 1)
    )
    created = of.created.copy()
    alive = slice(0, min(rates.CANDIDATES_AT_LEAST, size)) if period.day == 0 else slice(0, 0)
    moments = created[:, None] + np.concatenate(
        [np.zeros((size, 1)), np.cumsum(1 + gaps, axis=1)], axis=1
    )
    # However small the world: accounts that stalled after their first milestone.
    planned[alive] = 1
    account, nth = np.nonzero(np.arange(len(rates.MILESTONES))[None, :] < planned[:, None])
    moment = moments[account, nth].astype(np.int64)
    table = pa.table(
        {
            "account_id": of.keys.take(pa.array(account)),
            "milestone": choose(rates.MILESTONES, nth),
            "reached_at": timestamps(moment),
        }
    )
    return some_late(draw("late"), table, moment, period)


def app_events(
    streams: Streams, of: Accounts, host: np.ndarray, period: Period
) -> dict[str, Occurrences]:
    """events/login and events/feature_used: one event per entry of `host` (positions in the
    accounts).
    """
    draw, size = streams.stream, len(host)
    begin = of.created[host] if period.start is None else np.maximum(of.created[host], period.start)
    moment = (
        begin
        + 1
        + (draw("time").random(size) * np.maximum(period.end - begin - 1, 0)).astype(np.int64)
    )
    picked = pa.array(host)
    data = {
        "account_id": of.keys.take(picked),
        "device_id": of.table.column("device_id").combine_chunks().take(picked),
        "feature": choose(rates.FEATURES, draw("feature").integers(0, len(rates.FEATURES), size)),
    }
    is_login = draw("login").random(size) < rates.LOGIN_SHARE
    late = draw("late")
    return {
        kind: some_late(
            late, rows_of(_cloud_events(streams, kind, moment, data), shown), moment[shown], period
        )
        for kind, shown in (("login", is_login), ("feature_used", ~is_login))
    }


def claim_milestones(streams: Streams, of: Claims, period: Period) -> Occurrences:
    """events/claim_milestone: how far each claim came, days apart."""
    draw, size = streams.stream, len(of.opened)
    planned = pick(draw("planned"), rates.CLAIM_MILESTONES_SHARES, size)
    gaps = draw("gaps").exponential(
        rates.CLAIM_MILESTONE_MEAN_DAYS * DAY, (size, len(CLAIM_MILESTONES))
    )
    moments = of.opened[:, None] + np.cumsum(1 + gaps, axis=1)
    claim, nth = np.nonzero(np.arange(len(CLAIM_MILESTONES))[None, :] < planned[:, None])
    moment = moments[claim, nth].astype(np.int64)
    data = {
        "claim_number": of.keys.take(pa.array(claim)),
        "milestone": choose(CLAIM_MILESTONES, nth),
    }
    return some_late(
        draw("late"), _cloud_events(streams, "claim_milestone", moment, data), moment, period
    )


def tickets_resolved(streams: Streams, of: Tickets) -> Occurrences:
    """events/ticket_resolved: one per ticket, at the moment it is resolved."""
    return in_time(
        _cloud_events(streams, "ticket_resolved", of.resolved, {"ticket_id": of.keys}), of.resolved
    )


def _cloud_events(
    streams: Streams, kind: str, moment: np.ndarray, data: dict[str, pa.Array]
) -> pa.Table:
    """Columns of a CloudEvents 1.0 envelope, then those of its data."""
    size = len(moment)
    return pa.table(
        {
            "specversion": constant("1.0", size),
            "id": random_text(streams.stream(kind, "id"), _HEX, 16, size),
            "source": constant("/insurer/app", size),
            "type": constant(f"com.insurer.{kind}", size),
            "time": timestamps(moment),
            "datacontenttype": constant("application/json", size),
            **data,
        }
    )
