"""The whole demo world in memory: the base world, what each day adds, and exports of both."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.demo import rates
from orchestration.demo.billing import Invoices
from orchestration.demo.columns import DAY, constant
from orchestration.demo.consent import (
    Identifiers,
    granted_here_withdrawn_there,
    later_marketing_withdrawals,
    later_withdrawals,
)
from orchestration.demo.generation import Generation, Hosts, generation
from orchestration.demo.people import people
from orchestration.demo.policy import Policies
from orchestration.demo.registers import Register
from orchestration.demo.service import ticket_hosts
from orchestration.demo.streams import Streams, repeated
from orchestration.demo.timeline import Occurrences, Period, Window


@dataclass(frozen=True, eq=False)
class World:
    """The base world and its days, in order; `as_of` is seconds since 1970."""

    size: int
    seed: int
    as_of: int
    generations: tuple[Generation, ...]

    @property
    def contacts(self) -> Register:
        """The base world's CRM contacts."""
        return self.generations[0].contacts

    @property
    def invoices(self) -> Invoices:
        """The base world's invoices."""
        return self.generations[0].invoices

    def window(self, day: int) -> Window:
        """What is exported on a day: everything up to `as_of` on day 0, then 24 hours each."""
        until = self.as_of + day * DAY
        return Window(None if day == 0 else until - DAY, until)

    def export(self, entity: str, window: Window) -> pa.Table:
        """The entity's rows of the window, of all generations."""
        exporters = [e for g in self.generations for e in g.exporters[entity]]
        return pa.concat_tables([one.export(window) for one in exporters]).combine_chunks()

    def latecomers(self, entity: str, window: Window) -> pa.Table:
        """The entity's rows that happened a day before the window and arrive in it."""
        exporters = [e for g in self.generations for e in g.exporters[entity]]
        late = [one.latecomers(window) for one in exporters if isinstance(one, Occurrences)]
        return pa.concat_tables(late).combine_chunks()

    def truth(self, window: Window) -> pa.Table:
        """system, entity, record_id, person of each record that is first seen in the window."""
        tables = []
        for name, naming in ((n, x) for g in self.generations for n, x in g.naming.items()):
            system, entity = name.split("/")
            ids, persons = naming.named(window)
            columns = {
                "system": constant(system, len(ids)),
                "entity": constant(entity, len(ids)),
                "record_id": ids,
                "person": pa.array(persons).cast(pa.string()),
            }
            tables.append(pa.table(columns))
        return pa.concat_tables(tables).combine_chunks()


def world(size: int, seed: int, as_of: int, days: int) -> World:
    """The demo world of `size` persons at `as_of` (seconds since 1970) and `days` days after it."""
    streams = Streams(seed)
    base = _base(streams, size, as_of)
    later = [_day(streams, base, size, as_of, day) for day in range(1, days + 1)]
    return World(size, seed, as_of, (base, *later))


def _base(streams: Streams, size: int, as_of: int) -> Generation:
    period, draw = Period(0, None, as_of), streams.stream
    everyone = people(streams.under("people"), 1, size, as_of)
    duplicate = draw("duplicate contacts").random(size) < rates.DUPLICATE_CONTACT_SHARE
    nobody = constant("", size)
    hosts = Hosts(
        contacts=np.repeat(np.arange(size), everyone.in_crm * (1 + duplicate)),
        policyholders=np.flatnonzero(everyone.in_policy),
        accounts=np.flatnonzero(everyone.in_product),
        tickets=ticket_hosts(streams.under("service"), everyone.in_service),
        messages=repeated(draw("messages"), rates.MESSAGES_SHARES, size),
        consent=repeated(draw("consent"), rates.CONSENT_SHARES, size),
    )
    base = generation(streams, period, Identifiers(everyone, nobody, nobody, nobody), hosts)
    insured = len(base.policies.holder)
    at_least = min(2 * rates.CANDIDATES_AT_LEAST, insured)
    claimed = max(round(rates.CLAIMS_PER_POLICY * insured), at_least)
    base.add_claims(base.policies, np.sort(draw("claims").permutation(insured)[:claimed]))
    times = draw("app events").integers(0, rates.APP_EVENTS_AT_MOST + 1, len(hosts.accounts))
    base.add_app_events(base.accounts, np.repeat(np.arange(len(times)), times), "base")
    _add_changes_of_mind(streams.under("consent"), base)
    return base


def _add_changes_of_mind(streams: Streams, base: Generation) -> None:
    """Withdrawals under another identifier than the grant's, in the base world and later."""
    known, period = base.known, base.period
    grants, withdrawals = granted_here_withdrawn_there(
        streams.under("granted and withdrawn"), known, period
    )
    later = later_withdrawals(streams.under("later"), known, base.choices, period)
    cross_sell = _cross_sell(base.policies, base.policyholders)
    marketing = later_marketing_withdrawals(
        streams.under("later marketing"), known, cross_sell, period
    )
    base.add_consent(grants, "grants")
    base.add_consent(withdrawals, "withdrawals")
    base.add_consent(later, "later")
    base.add_consent(marketing, "later marketing")


def _day(streams: Streams, base: Generation, size: int, as_of: int, day: int) -> Generation:
    """New persons, new records of known persons, and what all of them did on that day."""
    streams = streams.under(f"day {day}")
    end = as_of + day * DAY
    period, draw = Period(day, end - DAY, end), streams.stream
    count = max(rates.NEW_PEOPLE_AT_LEAST, round(rates.NEW_PEOPLE_SHARE * size))
    new = people(streams.under("people"), size + (day - 1) * count + 1, count, end)
    known = _with_strangers(base.known, Identifiers(new, *[constant("", count)] * 3))
    everyone, arrived = len(known.people), size + np.arange(count)

    def some(name: str, of: int, expected: float, at_least: int) -> np.ndarray:
        """Positions drawn with replacement, ascending; none of nothing."""
        drawn = max(at_least, round(expected)) if of else 0
        return np.sort(draw(name).integers(0, max(of, 1), drawn))

    no_account = pc.equal(base.known.account_of, "").to_numpy(zero_copy_only=False)
    candidates, returning = np.flatnonzero(no_account), rates.KNOWN_PERSON_NEW_RECORD_SHARE * size
    per_ticket = size * rates.IN_SERVICE * (1 + rates.TWO_TICKETS_SHARE)
    per_message, per_choice = (
        size * _mean(shares) for shares in (rates.MESSAGES_SHARES, rates.CONSENT_SHARES)
    )
    hosts = Hosts(
        contacts=np.concatenate([some("contacts", size, returning, 1), arrived[new.in_crm]]),
        policyholders=arrived[new.in_policy],
        accounts=np.concatenate(
            [candidates[some("accounts", len(candidates), returning, 1)], arrived[new.in_product]]
        ),
        tickets=some("tickets", everyone, per_ticket / rates.TICKET_DAYS, 3),
        messages=some("messages", everyone, per_message / rates.MESSAGE_DAYS, 5),
        consent=np.concatenate(
            [some("consent", size, per_choice / rates.CONSENT_DAYS, 3), arrived]
        ),
    )
    made = generation(streams, period, known, hosts)
    insured, open_accounts = len(base.policies.holder), len(base.accounts.created)
    claimed = rates.CLAIMS_PER_POLICY * insured / rates.CLAIM_DAYS
    made.add_claims(base.policies, some("claims", insured, claimed, 2))
    # An account is half of ACCOUNT_DAYS old on average, and has half of APP_EVENTS_AT_MOST events.
    active = rates.APP_EVENTS_AT_MOST * open_accounts / rates.ACCOUNT_DAYS
    made.add_app_events(base.accounts, some("app", open_accounts, active, 4), "known")
    made.add_app_events(made.accounts, np.arange(len(made.accounts.created)), "new")
    return made


def _with_strangers(known: Identifiers, new: Identifiers) -> Identifiers:
    return Identifiers(
        known.people.and_(new.people),
        pa.concat_arrays([known.contact_of, new.contact_of]),
        pa.concat_arrays([known.customer_of, new.customer_of]),
        pa.concat_arrays([known.account_of, new.account_of]),
    )


def _cross_sell(of: Policies, holders: Register) -> np.ndarray:
    """Positions of the persons with an active motor policy and no active home policy."""
    active = of.status == [*rates.POLICY_STATUS_SHARES].index("active")
    motor, home = (
        active & (of.line == rates.PRODUCT_LINES.index(line)) for line in ("motor", "home")
    )
    return holders.host[np.setdiff1d(of.holder[motor], of.holder[home])]


def _mean(shares: Mapping[int, float]) -> float:
    return sum(times * share for times, share in shares.items()) / sum(shares.values())
