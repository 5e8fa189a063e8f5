"""Everything that comes into being together: the base world, or what one day adds to it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.demo.billing import Invoices, invoices
from orchestration.demo.codes import SERIALS_PER_DAY
from orchestration.demo.columns import where
from orchestration.demo.communications import communications
from orchestration.demo.consent import Choices, Identifiers, choices, consent_events
from orchestration.demo.policy import Policies, claims, policies
from orchestration.demo.product import (
    Accounts,
    accounts,
    app_events,
    claim_milestones,
    milestones,
    tickets_resolved,
)
from orchestration.demo.registers import Register, contacts, first_key_of, policyholders
from orchestration.demo.service import satisfaction, tickets
from orchestration.demo.streams import Streams
from orchestration.demo.timeline import Period, Window


class Exporter(Protocol):
    """Anything that can show its rows of a window, as text columns in the specification's order."""

    def export(self, window: Window) -> pa.Table:
        """The rows that are new or changed in the window, as they are at its end."""
        ...


class Naming(Protocol):
    """Records that name a person."""

    def named(self, window: Window) -> tuple[pa.Array, np.ndarray]:
        """Record ids first seen in the window, and the persons they truly name."""
        ...


@dataclass(frozen=True, eq=False)
class Hosts:
    """Who gets a new row: positions in the generation's people, once per row."""

    contacts: np.ndarray
    policyholders: np.ndarray
    accounts: np.ndarray
    tickets: np.ndarray
    messages: np.ndarray
    consent: np.ndarray


@dataclass(frozen=True, eq=False)
class Generation:
    """The base world (day 0), or one day. `exporters` and `naming` are keyed by system/entity.

    `known.people` are the persons of the base world and of this day. Claims, app events and further
    consent events are added after it is made, since they may be about an earlier generation.
    """

    streams: Streams
    period: Period
    known: Identifiers
    contacts: Register
    policyholders: Register
    policies: Policies
    invoices: Invoices
    accounts: Accounts
    choices: Choices
    exporters: dict[str, tuple[Exporter, ...]]
    naming: dict[str, Naming]

    def add_claims(self, of: Policies, host: np.ndarray) -> None:
        """Claims on these policies (one per entry of `host`), with their milestones."""
        made = claims(self.streams.under("claims"), of, host, self.period)
        events = claim_milestones(self.streams.under("claim events"), made, self.period)
        self._add("policy/claims", made)
        self._add("events/claim_milestone", events)

    def add_app_events(self, of: Accounts, host: np.ndarray, name: str) -> None:
        """Logins and uses of features of these accounts, one per entry of `host`."""
        streams = self.streams.under("app", name)
        for kind, occurrences in app_events(streams, of, host, self.period).items():
            self._add(f"events/{kind}", occurrences)

    def add_consent(self, made: Choices, name: str) -> None:
        """Further consent events."""
        events = consent_events(self.streams.under("consent", name), self.known, made)
        self._add("consent/consent_events", events)

    def _add(self, entity: str, exporter: Exporter) -> None:
        self.exporters[entity] = (*self.exporters.get(entity, ()), exporter)


def generation(streams: Streams, period: Period, known: Identifiers, hosts: Hosts) -> Generation:
    """The new records of these persons and all that follows from them.

    `known` has the people, and the identifiers they have already.
    """
    under, people = streams.under, known.people
    size = len(people)
    crm = contacts(under("contacts"), people, hosts.contacts, period)
    contact_of = _either(known.contact_of, first_key_of(crm.keys, crm.host, size))
    holders = policyholders(under("policyholders"), people, hosts.policyholders, contact_of, period)
    customer_of = _either(known.customer_of, first_key_of(holders.keys, holders.host, size))
    insured = policies(under("policies"), holders.keys, people.country[holders.host], period)
    emails = holders.table.column("email").combine_chunks()
    serial = period.day * SERIALS_PER_DAY
    billed = invoices(under("invoices"), insured, emails, period, serial)
    opened = accounts(under("accounts"), people, hosts.accounts, customer_of, period)
    account_of = _either(known.account_of, first_key_of(opened.keys, hosts.accounts, size))
    known = Identifiers(people, contact_of, customer_of, account_of)
    desk = tickets(under("tickets"), people, hosts.tickets, period)
    sent = communications(under("communications"), people, hosts.messages, period)
    chosen = choices(under("choices"), known, hosts.consent, period)
    exporters: dict[str, tuple[Exporter, ...]] = {
        "crm/contacts": (crm,),
        "policy/policyholders": (holders,),
        "policy/policies": (insured,),
        "billing/invoices": (billed,),
        "service/tickets": (desk,),
        "service/satisfaction": (satisfaction(under("satisfaction"), desk, period),),
        "product/accounts": (opened,),
        "product/milestones": (milestones(under("milestones"), opened, period),),
        "communications/messages": (sent.messages,),
        "communications/engagement": (sent.engagement,),
        "events/ticket_resolved": (tickets_resolved(under("ticket events"), desk),),
        "consent/consent_events": (consent_events(under("consent events"), known, chosen),),
    }
    naming: dict[str, Naming] = {
        "crm/contacts": crm,
        "policy/policyholders": holders,
        "service/tickets": desk,
        "product/accounts": opened,
    }
    return Generation(
        streams, period, known, crm, holders, insured, billed, opened, chosen, exporters, naming
    )


def _either(first: pa.Array, second: pa.Array) -> pa.Array:
    return where(pc.not_equal(first, "").to_numpy(zero_copy_only=False), first, second)
