"""Settles what a killed run left open: intents that were written and have no outcome."""

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import Engine

from activation.connectors.protocol import Connector, ErrorClass, RowOutcome
from activation.store import transaction
from activation.syncs.intents import Journal
from activation.syncs.spec import SyncError


def reconcile(engine: Engine, connector: Connector, journal: Journal, object_name: str) -> int:
    """Give every open intent an outcome, and return how many turned out to be delivered.

    A connector that can confirm says which arrived. What it can't tell stays in doubt: the state
    says `uncertain`, so a mirrored row is sent or removed again, and an action is made again under
    the same delivery id if consent still allows and the destination can tell duplicates.
    """
    with engine.connect() as connection:
        left = journal.open_intents(connection)
    if not left:
        return 0
    batches: dict[str, list[str]] = defaultdict(list)
    for batch, intent in left:
        batches[batch].append(intent.item.delivery_id)
    confirmed = _ask(connector, object_name, batches)
    outcomes = [_outcome(intent.item.delivery_id, confirmed) for _, intent in left]
    with transaction(engine) as connection:
        journal.settle(connection, [intent for _, intent in left], outcomes)
    return sum(outcome.error is None for outcome in outcomes)


def _ask(
    connector: Connector, object_name: str, batches: Mapping[str, list[str]]
) -> Mapping[str, bool]:
    if not connector.capabilities.can_confirm:
        return {}
    try:
        return connector.confirm(object_name, batches)
    except Exception as error:  # noqa: BLE001
        # The boundary: a library's error may quote what was sent.
        raise SyncError(
            f"the connector could not confirm earlier batches of {object_name}: "
            f"{type(error).__name__}"
        ) from None


def _outcome(delivery_id: str, confirmed: Mapping[str, bool]) -> RowOutcome:
    arrived = confirmed.get(delivery_id)
    if arrived is None:
        return RowOutcome(delivery_id, ErrorClass.IN_DOUBT, "no outcome was recorded")
    if arrived:
        return RowOutcome(delivery_id, detail="confirmed later")
    return RowOutcome(delivery_id, ErrorClass.UNSENT, "did not arrive")
