"""Removes one person from a destination: whatever it acknowledged, whichever the mode of the sync.

An ordinary removal concerns sets alone, since a message can't be taken back. An erasure also asks
for the rows of actions to be deleted, by the key under which they were sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from sqlalchemy import Connection, Engine, delete, select

from activation.connectors.protocol import Connector, Operation
from activation.store.tables import sync_intent, sync_outcome, sync_state
from activation.store.tables_sync import sync_withheld
from activation.syncs.courier import Courier
from activation.syncs.gate import Gate
from activation.syncs.intents import Journal
from activation.syncs.lease import lease
from activation.syncs.reconcile import reconcile
from activation.syncs.report import SyncReport
from activation.syncs.retry import RetryPolicy
from activation.syncs.spec import SyncSpec
from activation.syncs.state import held_rows_of
from activation.syncs.workspace import workspace

_NOBODY = pa.table(
    {name: pa.array([], pa.string()) for name in ("person_id", "identifier_type", "identifier")}
)


@dataclass(frozen=True)
class DestinationReceipt:
    """What one destination answered: rows it held, removals it acknowledged, and what is open.

    `can_delete` is false where the connector has no removal; then its operator must be asked.
    """

    target: str
    processor: str
    held: int
    acknowledged: int
    can_delete: bool
    stopped: str | None = None

    @property
    def is_complete(self) -> bool:
        return self.acknowledged == self.held or not self.can_delete


def erase_at_destination(
    spec: SyncSpec,
    *,
    person_ids: Sequence[str],
    engine: Engine,
    connector: Connector,
    as_of: datetime,
    run_id: str,
    retry: RetryPolicy | None = None,
) -> DestinationReceipt:
    """Ask the destination to remove every row that it acknowledged of these persons.

    Idempotent: a row whose removal was acknowledged is no longer held. Raises SyncBusyError.
    """
    can_delete = Operation.REMOVE in connector.capabilities.operations
    report = SyncReport(spec.name, run_id)
    journal = Journal(spec.target, run_id, as_of, connector.capabilities.removal_address)
    with lease(engine, spec.target), workspace(_NOBODY) as duck:
        reconcile(engine, connector, journal, spec.object)
        with engine.connect() as connection:
            held = held_rows_of(connection, spec.target, person_ids, [])
        if can_delete:
            courier = Courier(
                spec,
                engine=engine,
                connector=connector,
                gate=Gate(duck, 0),
                journal=journal,
                desired=None,
                retry=retry or RetryPolicy(),
                report=report,
            )
            courier.carry(held)
    return DestinationReceipt(
        spec.target, spec.processor, len(held), report.removed, can_delete, report.stopped
    )


def forget_person(connection: Connection, person_ids: Sequence[str]) -> dict[str, int]:
    """Delete what the store keeps of sends to these persons. Needs a permit, and all removals done.

    Returns rows by table.
    """
    intents = select(sync_intent.c.seq).where(sync_intent.c.person_id.in_(person_ids))
    gone = {
        "sync_outcome": connection.execute(
            delete(sync_outcome).where(sync_outcome.c.intent_seq.in_(intents))
        ).rowcount
    }
    for table in (sync_intent, sync_withheld, sync_state):
        gone[table.name] = connection.execute(
            delete(table).where(table.c.person_id.in_(person_ids))
        ).rowcount
    return gone
