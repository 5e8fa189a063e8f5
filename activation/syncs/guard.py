"""Holds back a run that would change implausibly much, or whose gate is closed."""

from collections.abc import Sequence
from dataclasses import dataclass

from activation.syncs.item import Item
from activation.syncs.spec import SyncSpec

LABEL_REFUSED = "label_refused"
"""Why a row waits when the labels of the fields forbid that they leave."""


@dataclass(frozen=True)
class Guards:
    """The limits of one run. `closed_gates` names the gates that are not open for this data,
    `refusals` says why the labels of what would leave forbid it.

    Removals that a person asked for pass whatever the guards say. Refusals hold back every row
    that would be added, changed or sent, and no removal: to remove less is never safer.
    """

    max_rows: int | None = None
    max_delete_share: float = 0.5
    delete_floor: int = 20
    closed_gates: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, spec: SyncSpec, closed_gates: Sequence[str] = (), refusals: Sequence[str] = ()
    ) -> "Guards":
        """The limits that the sync declares."""
        declared = spec.guards
        return cls(
            declared.max_rows,
            declared.max_delete_share,
            declared.delete_floor,
            tuple(closed_gates),
            tuple(refusals),
        )

    def verdict(
        self, *, removals: Sequence[Item], changes: Sequence[Item], held: int
    ) -> str | None:
        """Why everything but the required removals must wait; None if nothing must.

        `removals` are those that the model caused, `held` is how many rows the destination holds.
        """
        if self.closed_gates:
            return "gate_closed"
        if self.max_rows is not None and len(changes) > self.max_rows:
            return "max_rows"
        deletes = len(removals)
        if deletes > self.delete_floor and deletes > self.max_delete_share * held:
            return "max_delete_share"
        return None
