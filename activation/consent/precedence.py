"""The precedence table of consent: may this person be contacted, for this, through this channel?

`evaluate` is the table in Python, for one person at the moment of sending; the dbt models
con_suppressions, con_state, con_opt_outs and con_permits are the same table in SQL, for everybody
at once. A differential test holds them equal: change both or neither.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from activation.consent.events import ConsentEvent
from activation.consent.notices import NOTICE_VERSION
from activation.consent.regimes import Rule
from activation.consent.suppression import (
    Address,
    ReachedEvent,
    is_older,
    newest,
    opt_out,
    own_grant_at,
    restriction,
    suppression,
)
from activation.consent.vocabulary import OPTED_OUT, OWED_BASES

# Which event wins among those of one instant.
RESTRICTIVENESS: Final = {"granted": 1, "denied": 2, "withdrawn": 3, "objected": 4}

_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What the table needs to know of a person besides the events.

    `ledger_recorded_at` is the instant up to which the ledger was read, None if it never was.
    """

    has_relationship: bool
    is_existing_customer: bool
    is_minor: bool
    addresses: frozenset[Address] = frozenset()
    ledger_recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer: permit or deny, the reason's code, the lawful basis, the deciding event's id."""

    verdict: Literal["permit", "deny"]
    reason: str
    basis: str | None = None
    evidence: str | None = None


def evaluate(
    facts: PersonFacts,
    events: Sequence[ReachedEvent],
    rule: Rule | None,
    as_of: datetime,
    *,
    purpose: str,
    channel: str,
    maximum_age: timedelta = timedelta(hours=24),
) -> Verdict:
    """Judge one person, purpose and channel at `as_of` (aware UTC); the first row that holds wins.

    `events` are those that reach the person through any identifier; what happened or was recorded
    after `as_of` is not known yet. `maximum_age` is how old the copy of the ledger may be.
    """
    known = [reached for reached in events if _is_known(reached.event, as_of)]
    basis = rule.basis if rule else None

    def deny(reason: str, event: ConsentEvent | None = None) -> Verdict:
        return Verdict("deny", reason, basis, event.event_id if event else None)

    if erased := newest(known, "erased"):
        return deny("erased", erased)
    if basis != "legal_obligation" and (restricted := restriction(known)):
        return deny("restricted", restricted)
    is_owed = basis in OWED_BASES
    if suppressed := suppression(known, facts.addresses, purpose, channel, is_owed=is_owed):
        return deny("suppressed", suppressed)
    if facts.ledger_recorded_at is None or facts.ledger_recorded_at < as_of - maximum_age:
        return deny("stale_consent")
    if rule is None:
        return deny("no_rule")
    if is_owed:
        return (
            Verdict("permit", rule.basis, basis) if facts.has_relationship else deny("no_contract")
        )

    state = latest(known, purpose, channel)
    if state and state.action != "granted":
        return deny(state.action, state)
    if rule.opt_out_signal and (signal := opt_out(known, purpose, channel)):
        return deny(OPTED_OUT, signal)
    if facts.is_minor:
        return deny("minor")
    weakness = _weakness(state, known, rule, as_of)
    if rule.special_category and weakness is not None:
        return deny("special_category", state)
    if rule.basis == "legitimate_interests":
        return Verdict("permit", "legitimate_interests", basis)
    if state is None and rule.soft_opt_in and facts.is_existing_customer:
        # The soft opt-in stands in for consent under the e-privacy rules; what the processing then
        # rests on is the interest in telling customers about similar products.
        return Verdict("permit", "soft_opt_in", "legitimate_interests")
    if weakness is not None:
        return deny(weakness, state)
    return Verdict("permit", "consent", basis, state.event_id if state else None)


def latest(known: Sequence[ReachedEvent], purpose: str, channel: str) -> ConsentEvent | None:
    """The event that states what the person wants: the last, at one instant the most restrictive.

    A grant counts only under a link that may carry permissions. A refusal, under any identifier,
    stands until a newer grant by the person themselves: not one that a system brought in.
    """
    covering = [
        reached.event
        for reached in known
        if reached.event.action in RESTRICTIVENESS
        and reached.event.covers(purpose, channel)
        and (reached.event.action != "granted" or reached.may_permit)
    ]
    if not covering:
        return None
    granted_at = own_grant_at(known, channel, purpose)
    refusals = [event for event in covering if event.action != "granted"]
    covering = [event for event in refusals if not is_older(event, granted_at)] or covering
    first = max(map(_rank, covering))
    # Between two grants of one instant the one that ends first, then the one on the older notice.
    return min(
        (event for event in covering if _rank(event) == first),
        key=lambda event: (event.expires_at or _LAST, event.notice_version or "", event.event_id),
    )


def _is_known(event: ConsentEvent, as_of: datetime) -> bool:
    return event.occurred_at <= as_of and event.recorded_at <= as_of


def _rank(event: ConsentEvent) -> tuple[datetime, int]:
    return event.occurred_at, RESTRICTIVENESS[event.action]


def _weakness(
    state: ConsentEvent | None, known: Sequence[ReachedEvent], rule: Rule, as_of: datetime
) -> str | None:
    """Why the state is no valid consent under the rule, or None when it is."""
    if state is None:
        return "no_consent"
    if rule.double_opt_in and not _is_confirmed(state, known):
        return "unconfirmed"
    version = state.notice_version
    if rule.minimum_notice is not None and (
        version is None or not NOTICE_VERSION.fullmatch(version) or version < rule.minimum_notice
    ):
        return "stale_notice"
    if state.expires_at is not None and state.expires_at <= as_of:
        return "expired"
    return None


def _is_confirmed(grant: ConsentEvent, known: Iterable[ReachedEvent]) -> bool:
    # A confirmation proves the grant before it; it grants nothing by itself, so a late click on an
    # old link undoes no withdrawal.
    return any(
        reached.may_permit
        and reached.event.action == "confirmed"
        and (reached.event.purpose, reached.event.channel) == (grant.purpose, grant.channel)
        and reached.event.occurred_at >= grant.occurred_at
        for reached in known
    )
