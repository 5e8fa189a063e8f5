"""The first step of an erasure: from here on nobody may send to the person, or load them again."""

from collections.abc import Sequence

from sqlalchemy import Connection

from activation.consent.chain import digest
from activation.consent.events import ConsentEvent
from activation.consent.ledger import append
from activation.consent.vocabulary import ANY, IDENTIFIER_TYPES
from activation.privacy.journal import Request
from activation.privacy.keyed import Keyed
from activation.privacy.suppression import add
from orchestration.privacy.landing_erasure import with_tails
from orchestration.privacy.plan import ErasurePlan

SOURCE = "erasure"
Pair = tuple[str, str]


def suppress(store: Connection, keyed: Keyed, request: Request, plan: ErasurePlan) -> int:
    """Remember the identifiers as keyed hashes, and tell the ledger; returns how many hashes.

    What kept rows need is restricted instead. The ledger's events name the identifiers until the
    step that redacts them: the gate at the moment of sending knows a person by nothing else.
    """
    count = add(
        store,
        keyed,
        with_tails(plan.suppress),
        erasure_id=request.erasure_id,
        erased_at=request.requested_at,
    )
    append(store, [_event(keyed, request, pair, "erased") for pair in in_ledger(plan.own)])
    append(store, [_event(keyed, request, p, "restricted") for p in in_ledger(plan.restrict)])
    return count


def in_ledger(pairs: Sequence[Pair]) -> list[Pair]:
    """Those of the pairs that a consent event may be given under."""
    return [(kind, value) for kind, value in pairs if kind in IDENTIFIER_TYPES]


def _event(keyed: Keyed, request: Request, pair: Pair, action: str) -> ConsentEvent:
    return ConsentEvent(
        event_id=digest(["erasure", request.erasure_id, action, keyed.hash(*pair)]),
        identifier_type=pair[0],
        identifier=pair[1],
        purpose=ANY,
        channel=ANY,
        action=action,
        source=SOURCE,
        evidence=f"erasure {request.erasure_id}",
        occurred_at=request.requested_at,
        recorded_at=request.requested_at,
    )
