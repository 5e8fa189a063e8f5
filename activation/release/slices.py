"""Who decides under which release in one run: everybody under the active one, but for a canary.

The slices of a run share no person and leave none out, so each candidate has exactly one decision.
A slice is cut from the decisions of everybody: whoever is not in the canary gets, to the byte, the
decision that a run without it gives. A volume over all persons holds for the run as a whole: the
later slice counts the acts of the earlier.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

from activation.decisions.buckets import BUCKETS
from activation.decisions.literals import boolean, text
from activation.release.canary import Canary, current
from activation.release.pointer import active_id

_POSITION = "assent_position"


@dataclass(frozen=True)
class Slice:
    """The persons of a canary, or all but those; without a canary everybody."""

    release_id: str
    canary: Canary | None
    is_canary: bool

    @property
    def percent(self) -> Decimal:
        """The share of persons, in percent."""
        share = self.canary.percent if self.canary else Decimal(0)
        return share if self.is_canary else 100 - share

    def holds(self, person_id: str) -> bool:
        """Whether the person decides in this slice."""
        return self.is_canary == (self.canary is not None and self.canary.holds(person_id))

    def of(self, connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> pa.Table:
        """Those of the decisions that are of this slice's persons, in their order."""
        if self.canary is None:
            return rows
        connection.register("assent_decided", rows.append_column(_POSITION, _positions(rows)))
        try:
            kept = connection.execute(
                f"select {_POSITION} from assent_decided "
                f"where ({self.canary.sql('person_id')}) = {boolean(self.is_canary)} "
                f"order by {_POSITION}"
            ).to_arrow_table()
        finally:
            connection.unregister("assent_decided")
        return rows.take(kept.column(_POSITION))


def _positions(rows: pa.Table) -> pa.Array:
    return pa.array(np.arange(rows.num_rows, dtype=np.int64))


def slices_of(connection: Connection, release_id: str) -> tuple[Slice, ...]:
    """The slices of a run under a release, in the order in which they decide.

    A canary beside another release than the active one is none of this run's.
    """
    canary = current(connection) if active_id(connection) == release_id else None
    if canary is None:
        return (Slice(release_id, None, is_canary=False),)
    candidate = Slice(canary.release_id, canary, is_canary=True)
    if canary.buckets == BUCKETS:
        return (candidate,)
    return (Slice(release_id, canary, is_canary=False), candidate)


def deciding_sql(slices: Sequence[Slice], person_id: str = "person_id") -> str:
    """SQL of the release that a person decides under in this run."""
    canary = slices[-1].canary
    if canary is None or len(slices) == 1:
        return text(slices[-1].release_id)
    rest, candidate = text(slices[0].release_id), text(canary.release_id)
    return f"case when {canary.sql(person_id)} then {candidate} else {rest} end"
