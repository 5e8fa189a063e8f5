"""Carries planned items batch by batch: asks the ledger, writes the intent, delivers, settles."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC

import pyarrow as pa
from sqlalchemy import Engine

from activation.connectors.protocol import (
    STOPS_THE_SYNC,
    Batch,
    Connector,
    ErrorClass,
    Idempotency,
    Operation,
    RowOutcome,
)
from activation.decisions.reasons import NODE_HALTED
from activation.release import halts
from activation.store import transaction
from activation.syncs.gate import Gate
from activation.syncs.intents import Intent, Journal
from activation.syncs.item import Item
from activation.syncs.render import render
from activation.syncs.report import SyncReport
from activation.syncs.retry import RetryPolicy
from activation.syncs.spec import SyncError, SyncSpec

_WORTH_ANOTHER_ATTEMPT = frozenset(
    {ErrorClass.UNSENT, ErrorClass.TRANSIENT, ErrorClass.THROTTLED, ErrorClass.IN_DOUBT}
)


class Courier:
    """Delivers the items of one run. Counts everything in the report it is given.

    Consent and the halts of nodes are asked for each attempt, so a withdrawal or a halt during a
    back-off stops the next attempt.
    """

    def __init__(
        self,
        spec: SyncSpec,
        *,
        engine: Engine,
        connector: Connector,
        gate: Gate,
        journal: Journal,
        desired: pa.Table | None,
        retry: RetryPolicy,
        report: SyncReport,
    ) -> None:
        self._spec = spec
        self._engine = engine
        self._connector = connector
        self._gate = gate
        self._journal = journal
        self._desired = desired
        self._retry = retry
        self._report = report
        self._batch_number: int | None = None
        self._batches_in_vain = 0
        self._doubted: set[Item] = set()
        """Items of which an attempt had no outcome: they may have arrived, whatever came after."""
        self.unfinished: set[str] = set()
        """Row keys of items that the destination did not acknowledge."""

    def carry(self, items: Sequence[Item]) -> None:
        """Deliver the items, which share one operation, in batches of the connector's size."""
        if not items:
            return
        with self._engine.connect() as connection:
            items = self._journal.with_delivery_ids(connection, items)
        self._report.planned += len(items)
        size = self._connector.capabilities.max_rows
        for start in range(0, len(items), size):
            self._carry_batch(items[start : start + size])

    def _carry_batch(self, items: Sequence[Item]) -> None:
        """Deliver one batch's worth, with its further attempts and its halves."""
        waiting: list[tuple[Sequence[Item], int]] = [(items, 1)]
        while waiting:
            part, attempt = waiting.pop()
            if self._report.stopped:
                self._count(dict.fromkeys(part, ErrorClass.UNSENT))
                continue
            intents, batch = self._admit(part)
            if not intents:
                continue
            outcomes = self._deliver(intents, batch)
            with transaction(self._engine) as connection:
                self._journal.settle(connection, intents, outcomes)
            pairs = zip(intents, outcomes, strict=True)
            ends = {intent.item: outcome.error for intent, outcome in pairs}
            self._notice_stop(ends)
            self._doubted |= {item for item, end in ends.items() if end is ErrorClass.IN_DOUBT}
            again = self._again(ends)
            poisoned = [item for item, error in ends.items() if error is ErrorClass.BATCH_POISON]
            if again:
                progress = any(error is None for error in ends.values())
                next_attempt = 2 if progress else attempt + 1
                if self._wait(next_attempt, outcomes):
                    waiting.append((again, next_attempt))
                else:
                    again = []
            if poisoned:
                middle = len(poisoned) // 2
                waiting += [(poisoned[middle:], 1), (poisoned[:middle], 1)]
            open_still = {*again, *poisoned}
            self._count({item: end for item, end in ends.items() if item not in open_still})

    def _wait(self, attempt: int, outcomes: Sequence[RowOutcome]) -> bool:
        """Wait as policy and destination want; False if there is to be no further attempt."""
        asked_for = max((o.retry_after for o in outcomes if o.retry_after is not None), default=0.0)
        seconds = self._retry.wait_before(attempt, asked_for)
        if seconds is not None:
            self._retry.sleep(seconds)
        elif asked_for > self._retry.max_wait:
            self._report.stopped = str(ErrorClass.THROTTLED)
        return seconds is not None

    def _admit(self, items: Sequence[Item]) -> tuple[list[Intent], str]:
        """Ask the ledger and write the intents, in one transaction."""
        with transaction(self._engine) as connection:
            if self._batch_number is None:
                self._batch_number = self._journal.next_batch_number(connection)
            number = self._batch_number
            as_of = self._journal.as_of.astimezone(UTC)
            batch = f"{as_of:%Y%m%dT%H%M%SZ}-{number}"
            head = self._gate.refresh(connection)
            halted = halts.halted(connection)
            withheld = [
                (item, reason)
                for item in items
                if item.operation is not Operation.REMOVE
                and (reason := self._gate.reason(item) or _halt(item, halted))
            ]
            stopped = {item for item, _ in withheld}
            intents = self._journal.record(
                connection,
                [item for item in items if item not in stopped],
                batch=batch,
                number=number,
                ledger_seq=head,
            )
            self._journal.record_withheld(connection, withheld, head)
        for item, reason in withheld:
            if item in self._doubted:
                self._report.in_doubt += 1
            else:
                self._report.withheld[reason] += 1
        if intents:
            self._batch_number += 1
        return intents, batch

    def _deliver(self, intents: Sequence[Intent], batch: str) -> Sequence[RowOutcome]:
        items = [intent.item for intent in intents]
        keeps = self._connector.capabilities.removal_address
        ids = tuple(item.delivery_id for item in items)
        try:
            outcomes = self._connector.deliver(
                Batch(
                    sync=self._spec.name,
                    destination=self._spec.destination,
                    object=self._spec.object,
                    operation=items[0].operation,
                    name=batch,
                    as_of=self._journal.as_of,
                    key=self._spec.key,
                    delivery_ids=ids,
                    rows=render(self._spec, items, self._desired, keeps),
                )
            )
        except SyncError:
            raise
        except Exception as error:  # noqa: BLE001
            # The boundary: a library's error may quote the row. What was open is now in doubt.
            raise SyncError(
                f"{self._spec.name}: the {self._spec.connector} connector failed on batch {batch} "
                f"with {type(error).__name__}"
            ) from None
        if tuple(outcome.delivery_id for outcome in outcomes) != ids:
            raise SyncError(f"{self._spec.name}: the connector lost track of batch {batch}")
        if len(ids) == 1 and outcomes[0].error is ErrorClass.BATCH_POISON:
            return [replace(outcomes[0], error=ErrorClass.ROW_PERMANENT)]
        return outcomes

    def _notice_stop(self, ends: Mapping[Item, ErrorClass | None]) -> None:
        errors = set(ends.values())
        for error in ends.values():
            if error in STOPS_THE_SYNC:
                self._report.stopped = str(error)
        in_vain = errors <= _WORTH_ANOTHER_ATTEMPT
        self._batches_in_vain = self._batches_in_vain + 1 if in_vain else 0
        # Each attempt is a batch here, hence the product.
        if self._batches_in_vain >= self._retry.give_up_after * self._retry.attempts:
            self._report.stopped = self._report.stopped or "unreachable"

    def _again(self, ends: Mapping[Item, ErrorClass | None]) -> list[Item]:
        """The items worth another attempt: those never sent come first, so that one row can't keep
        all behind it waiting.
        """
        if self._report.stopped:
            return []
        classes = _WORTH_ANOTHER_ATTEMPT
        if self._connector.capabilities.idempotency is Idempotency.NONE:
            classes = classes - {ErrorClass.IN_DOUBT}
        unsent = [item for item, error in ends.items() if error is ErrorClass.UNSENT]
        failed = [i for i, e in ends.items() if e in classes and e is not ErrorClass.UNSENT]
        return unsent + failed

    def _count(self, ends: Mapping[Item, ErrorClass | None]) -> None:
        for item, error in ends.items():
            if error is ErrorClass.UNSENT and item in self._doubted:
                error = ErrorClass.IN_DOUBT
            if error is None and item.operation is Operation.REMOVE:
                self._report.removed += 1
            elif error is None:
                self._report.sent += 1
            elif error is ErrorClass.IN_DOUBT:
                self._report.in_doubt += 1
            elif error is ErrorClass.UNSENT:
                self._report.not_attempted += 1
            else:
                self._report.failures[str(error)] += 1
            if error is not None:
                self.unfinished.add(item.row_key)
                self._report.overdue_removals += item.required


def _halt(item: Item, halted: frozenset[str]) -> str | None:
    return NODE_HALTED if item.node in halted else None
