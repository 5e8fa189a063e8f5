"""A destination in memory that follows the protocol, fails to order, and remembers everything.

For properties over thousands of short runs; the servers in the other tests are real.
"""

from collections.abc import Mapping, Sequence

from activation.connectors.protocol import (
    Batch,
    Capabilities,
    ErrorClass,
    Idempotency,
    Operation,
    RemovalAddress,
    RowOutcome,
    all_with,
)


class Killed(BaseException):
    """Stands for the death of the process: nothing catches it."""


class MemoryDestination:
    """Keeps `members` (key -> content) and `taken` (delivery id -> row), each id once.

    `script` says what happens to the next rows: ok; 503 (refused); lost (taken, no answer); never
    (not taken, no answer); bad (refused for good); killed (taken, then the process dies);
    poison (spoils its batch). When it runs out, all is ok.
    """

    def __init__(
        self,
        *,
        max_rows: int = 2,
        idempotency: Idempotency = Idempotency.KEY,
        removal_address: RemovalAddress = RemovalAddress.HASH,
    ) -> None:
        self.capabilities = Capabilities(
            operations=frozenset(Operation),
            max_rows=max_rows,
            idempotency=idempotency,
            can_confirm=False,
            removal_address=removal_address,
        )
        self.calls = 0
        self.script: list[str] = []
        self.poisonous: set[str] = set()
        self.members: dict[tuple[object, ...], dict[str, object]] = {}
        self.taken: dict[str, dict[str, object]] = {}
        self.arrivals: list[tuple[Operation, dict[str, object]]] = []

    def deliver(self, batch: Batch) -> Sequence[RowOutcome]:
        self.calls += 1
        rows = batch.rows.to_pylist()
        if self.poisonous & {str(row.get("person_id")) for row in rows}:
            return all_with(batch, ErrorClass.BATCH_POISON)
        return [
            self._one(batch, delivery_id, row)
            for delivery_id, row in zip(batch.delivery_ids, rows, strict=True)
        ]

    def confirm(self, object_name: str, batches: Mapping[str, Sequence[str]]) -> Mapping[str, bool]:
        return {}

    def close(self) -> None:
        pass

    def _one(self, batch: Batch, delivery_id: str, row: dict[str, object]) -> RowOutcome:
        mode = self.script.pop(0) if self.script else "ok"
        if mode in ("ok", "lost", "killed"):
            self._take(batch, delivery_id, row)
        if mode == "killed":
            raise Killed
        errors = {
            "503": ErrorClass.TRANSIENT,
            "lost": ErrorClass.IN_DOUBT,
            "never": ErrorClass.IN_DOUBT,
            "bad": ErrorClass.ROW_PERMANENT,
        }
        return RowOutcome(delivery_id, errors.get(mode))

    def _take(self, batch: Batch, delivery_id: str, row: dict[str, object]) -> None:
        self.arrivals.append((batch.operation, row))
        if delivery_id in self.taken:
            return
        self.taken[delivery_id] = row
        key = tuple(row[name] for name in batch.key)
        if batch.operation is Operation.REMOVE:
            self.members.pop(key, None)
        else:
            self.members[key] = row
