"""The policy system's policies and claims, with what becomes of them in the days that follow."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from orchestration.demo import rates
from orchestration.demo.codes import codes, serials
from orchestration.demo.columns import (
    DAY,
    choose,
    constant,
    dates,
    money,
    rows_of,
    timestamps,
    where,
)
from orchestration.demo.streams import Streams, pick
from orchestration.demo.timeline import Period, Window, moment_on, schedule
from orchestration.demo.vocabulary import COUNTRIES

_STATUSES = (*rates.POLICY_STATUS_SHARES,)
_ACTIVE = _STATUSES.index("active")
_CHANGES = (*rates.RENEWAL_OUTCOME_SHARES,)
_TERM = 365
_CLAIM_STATUSES = (*rates.CLAIM_STATUS_SHARES,)
_CLOSED_STATUSES = ("paid", "rejected", "closed")


@dataclass(frozen=True, eq=False)
class Policies:
    """One entry per policy. `holder` is a position in the policyholders; `renews` is days since
    1970.

    `changed` is the moment (seconds) of the policy's next change, `change` its kind: renewed,
    lapsed, cancelled.
    """

    table: pa.Table
    holder: np.ndarray
    line: np.ndarray
    status: np.ndarray
    premium: np.ndarray
    renews: np.ndarray
    seen: np.ndarray
    changed: np.ndarray
    change: np.ndarray

    @property
    def keys(self) -> pa.Array:
        """The policy numbers."""
        return self.table.column("policy_number").combine_chunks()

    def export(self, window: Window) -> pa.Table:
        """Policies first seen or changed in the window, as they are at its end."""
        shown = np.flatnonzero(window.holds(self.seen) | window.holds(self.changed))
        table = rows_of(self.table, shown)
        changed, change = self.changed[shown] <= window.until, self.change[shown]
        renewed = changed & (change == _CHANGES.index("renewed"))
        status = where(
            changed & ~renewed, choose(_CHANGES, change), choose(_STATUSES, self.status[shown])
        )
        renews = self.renews[shown] + np.where(renewed, _TERM, 0)
        return table.set_column(3, "status", status).set_column(5, "renews_on", dates(renews))


@dataclass(frozen=True, eq=False)
class Claims:
    """One entry per claim, with the moments (seconds) at which it is opened and closed."""

    table: pa.Table
    opened: np.ndarray
    closed: np.ndarray
    working_status: np.ndarray
    final_status: np.ndarray

    @property
    def keys(self) -> pa.Array:
        """The claim numbers."""
        return self.table.column("claim_number").combine_chunks()

    def export(self, window: Window) -> pa.Table:
        """Claims opened or closed in the window, as they are at its end."""
        shown = np.flatnonzero(window.holds(self.opened) | window.holds(self.closed))
        is_closed = self.closed[shown] <= window.until
        status = where(
            is_closed,
            choose(_CLOSED_STATUSES, self.final_status[shown]),
            choose(_CLAIM_STATUSES[:2], self.working_status[shown]),
        )
        closed_at = timestamps(np.where(is_closed, self.closed[shown], 0), is_closed)
        return (
            rows_of(self.table, shown)
            .set_column(2, "status", status)
            .set_column(4, "closed_at", closed_at)
        )


def policies(
    streams: Streams, customer_numbers: pa.Array, country: np.ndarray, period: Period
) -> Policies:
    """policy/policies: one to three per policyholder; `country` are positions in COUNTRIES."""
    draw, base = streams.stream, period.day == 0
    holder = np.repeat(
        np.arange(len(country)), 1 + pick(draw("policies"), rates.POLICIES_PER_HOLDER, len(country))
    )
    size, today = len(holder), period.end // DAY
    line = draw("line").integers(0, len(rates.PRODUCT_LINES), size)
    status = pick(draw("status"), rates.POLICY_STATUS_SHARES, size)
    first, last = rates.RENEWS_IN_DAYS
    renews = today + (
        draw("renews").integers(first, last + 1, size) if base else np.full(size, _TERM)
    )
    terms = (
        draw("terms").integers(1, rates.TERMS_AT_MOST + 1, size)
        if base
        else np.ones(size, dtype=np.int64)
    )
    if base:
        # However small the world: renewals due, and motor policies that wait for a home policy.
        few = np.arange(min(rates.CANDIDATES_AT_LEAST, len(country)))
        line[holder < len(few)] = rates.PRODUCT_LINES.index("motor")
        due = np.searchsorted(holder, few)
        renews[due], status[due] = today + 80, _ACTIVE
    # A policy can't start after the day of the export.
    terms = np.maximum(terms, -(-(renews - today) // _TERM))
    premium = rates.PREMIUM_MEDIAN * np.exp(draw("premium").normal(0, rates.PREMIUM_SIGMA, size))
    seen = np.full(size, period.end) if base else period.moments(draw("seen"), size, days=1)
    changed, change = _next_changes(streams, renews, status == _ACTIVE, period)
    auto_renew = draw("auto_renew").random(size) < rates.AUTO_RENEW_SHARE
    table = pa.table(
        {
            "policy_number": codes(
                streams.seed, "policy", serials(period.day, size), prefix="POL-", width=9
            ),
            "customer_number": customer_numbers.take(pa.array(holder)),
            "product_line": choose(rates.PRODUCT_LINES, line),
            "status": choose(_STATUSES, status),
            "started_on": dates(renews - terms * _TERM),
            "renews_on": dates(renews),
            "annual_premium": money(premium),
            "currency": choose([place.currency for place in COUNTRIES], country[holder]),
            "auto_renew": where(auto_renew, "true", "false"),
        }
    )
    return Policies(table, holder, line, status, premium, renews, seen, changed, change)


def claims(streams: Streams, of: Policies, host: np.ndarray, period: Period) -> Claims:
    """policy/claims: one per entry of `host` (positions in the policies `of`)."""
    draw, size = streams.stream, len(host)
    opened = period.moments(draw("opened"), size, days=rates.CLAIM_DAYS)
    status = pick(draw("status"), rates.CLAIM_STATUS_SHARES, size)
    open_for = draw("open for").exponential(rates.CLAIM_OPEN_MEAN_DAYS * DAY, size).astype(np.int64)
    share_of_age = draw("closed").random(size)
    is_closed = (status > 1) & (opened < period.end - DAY) & (period.day == 0)
    if period.day == 0:
        # However small the world: candidates of both claim updates.
        alive = rates.CANDIDATES_AT_LEAST
        opened[:alive], opened[alive : 2 * alive] = period.end - 4 * DAY, period.end - 9 * DAY
        is_closed[: 2 * alive] = False
    closed_before = opened + DAY + (share_of_age * (period.end - opened - DAY)).astype(np.int64)
    closed = np.where(is_closed, closed_before, period.end + 1 + open_for)
    amount = rates.CLAIM_AMOUNT_MEDIAN * np.exp(
        draw("amount").normal(0, rates.CLAIM_AMOUNT_SIGMA, size)
    )
    table = pa.table(
        {
            "claim_number": codes(
                streams.seed, "claim", serials(period.day, size), prefix="CLM-", width=8
            ),
            "policy_number": of.keys.take(pa.array(host)),
            "status": constant("", size),
            "opened_at": timestamps(opened),
            "closed_at": constant("", size),
            "amount": money(amount),
        }
    )
    final = draw("final status").integers(0, len(_CLOSED_STATUSES), size)
    return Claims(table, opened, closed, np.minimum(status, 1), final)


def _next_changes(
    streams: Streams, renews: np.ndarray, active: np.ndarray, period: Period
) -> tuple[np.ndarray, np.ndarray]:
    """When each active policy changes next, and how: its renewal is booked late, or it is cancelled
    before.
    """
    rng, size = streams.stream("renewal"), len(renews)
    change = pick(rng, rates.RENEWAL_OUTCOME_SHARES, size)
    late = rng.integers(0, rates.RENEWAL_BOOKED_WITHIN_DAYS, size)
    days = np.maximum(renews - period.end // DAY, 0) + 1 + late
    booked = moment_on(rng, np.where(active, days, 0), period.end)
    cancelling = streams.stream("cancellation")
    eligible = active & (period.day == 0)
    day = schedule(cancelling, eligible, rates.CANCELLED_SHARE, rates.CANCELLED_AT_LEAST)
    cancelled = moment_on(cancelling, day, period.end)
    is_cancelled = cancelled < booked
    return np.where(is_cancelled, cancelled, booked), np.where(
        is_cancelled, _CHANGES.index("cancelled"), change
    )
