"""What every connector promises the sync engine, and what it may ask of it.

A connector carries one batch of rows to one destination and says, row by row, what became of it.
It decides nothing: who may receive what was settled, and written down, before it is called.
Details that it returns are codes (an HTTP status, an SQLSTATE), never text that the destination
wrote, because such text repeats the values that were sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import pyarrow as pa


class Operation(StrEnum):
    """What a batch does at the destination. `send` delivers an action, the others keep a set."""

    SEND = "send"
    ADD = "add"
    UPDATE = "update"
    REMOVE = "remove"


class ErrorClass(StrEnum):
    """Why a row was not acknowledged, in the terms that decide what happens next.

    transient: not processed as far as is known; worth another attempt in this run.
    throttled: refused for its rate and not processed; wait for `retry_after` first.
    auth, config: nothing gets through until a person acts; the sync stops.
    row_permanent: this row will never be taken as it is; parked until its content changes.
    row_retryable: this row was refused for now; tried again on the next run.
    forgotten: the destination erased this person and refuses the row for good.
    batch_poison: some row of the batch spoils all of it; the batch is halved to find which.
    in_doubt: the request left and no answer came; it may have been processed.
    unsent: the connector gave the batch up before it came to this row.
    """

    TRANSIENT = "transient"
    THROTTLED = "throttled"
    AUTH = "auth"
    CONFIG = "config"
    ROW_PERMANENT = "row_permanent"
    ROW_RETRYABLE = "row_retryable"
    FORGOTTEN = "forgotten"
    BATCH_POISON = "batch_poison"
    IN_DOUBT = "in_doubt"
    UNSENT = "unsent"


STOPS_THE_SYNC = frozenset({ErrorClass.AUTH, ErrorClass.CONFIG})
"""Classes after which no further batch is tried in this run."""

MAY_HAVE_ARRIVED = frozenset({ErrorClass.TRANSIENT, ErrorClass.IN_DOUBT})
"""Classes that don't rule out that the destination took the row. `transient` is among them: a
proxy answers 503 also when its upstream broke off after taking the request."""


class Idempotency(StrEnum):
    """What makes the same delivery harmless when it is made twice."""

    KEY = "key"
    """The receiver drops a second delivery under the same delivery id."""
    NATURAL = "natural"
    """Delivering the same rows again leaves the destination as it was."""
    NONE = "none"
    """Nothing does: a delivery in doubt is held for a person, never made again."""


class RemovalAddress(StrEnum):
    """What a removal needs besides the key, and therefore what the store keeps per row sent."""

    NONE = "none"
    HASH = "hash"
    """SHA-256 of the address as it was sent, in hexadecimal."""
    PLAIN = "plain"
    """The address itself. Only for destinations that know a member by nothing else."""


@dataclass(frozen=True)
class Capabilities:
    """What the engine must know to plan batches, retries and removals."""

    operations: frozenset[Operation]
    max_rows: int
    idempotency: Idempotency
    can_confirm: bool
    """Whether `confirm` can tell delivered from undelivered after a crash."""
    removal_address: RemovalAddress


@dataclass(frozen=True)
class Batch:
    """One request's worth of rows of one operation.

    `rows` has one row per delivery, in the order of `delivery_ids`, and exactly the allow-listed
    fields (for a removal: the key, and what `Capabilities.removal_address` asks for).
    """

    sync: str
    destination: str
    object: str
    operation: Operation
    name: str
    """Unique per destination and object, deterministic: `<as_of, compact>-<number>`."""
    as_of: datetime
    key: tuple[str, ...]
    delivery_ids: tuple[str, ...]
    rows: pa.Table = field(repr=False)


@dataclass(frozen=True)
class RowOutcome:
    """What became of one delivery: accepted if `error` is None."""

    delivery_id: str
    error: ErrorClass | None = None
    detail: str | None = None
    retry_after: float | None = None
    """Seconds the destination asked to be left alone."""


class ConnectorError(Exception):
    """The connector can't be used as configured. The text holds no value and no secret."""


class Connector(Protocol):
    """A way to one destination. Not thread-safe; one sync at a time uses it."""

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def calls(self) -> int:
        """Requests (files: batches written) made so far, to show that no change means no call."""
        ...

    def deliver(self, batch: Batch) -> Sequence[RowOutcome]:
        """Carry the batch, and return one outcome per delivery id, in the batch's order.

        Failures of the destination are outcomes. An exception means a fault of the connector
        itself; the engine then treats the whole batch as in doubt.
        """
        ...

    def confirm(self, object_name: str, batches: Mapping[str, Sequence[str]]) -> Mapping[str, bool]:
        """Delivery id -> whether it arrived, for batches (name -> ids) with an unknown outcome.

        Ids that can't be told are left out.
        """
        ...

    def close(self) -> None: ...


def all_with(batch: Batch, error: ErrorClass | None, detail: str | None = None) -> list[RowOutcome]:
    """The same outcome for every delivery of the batch."""
    return [RowOutcome(delivery_id, error, detail) for delivery_id in batch.delivery_ids]
