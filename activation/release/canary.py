"""A canary: the persons of a range of hash buckets decide under a candidate, the rest as before.

A person's bucket under a candidate never changes, and the range starts at 0, so widening only ever
adds persons. The candidate's id salts it: another candidate meets other people.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, insert, select

from activation.decisions.buckets import BUCKETS, bucket, bucket_sql, threshold
from activation.release.errors import ReleaseError
from activation.release.pointer import active_pointer, require_said
from activation.store.tables import release_canary


@dataclass(frozen=True)
class Canary:
    """The candidate, and how many of the 10,000 buckets decide under it."""

    release_id: str
    buckets: int

    @property
    def salt(self) -> str:
        """What a person's bucket is reckoned under."""
        return f"canary.{self.release_id}"

    @property
    def percent(self) -> Decimal:
        """The share of persons, in percent."""
        return Decimal(self.buckets * 100) / BUCKETS

    def holds(self, person_id: str) -> bool:
        """Whether the person decides under the candidate."""
        return bucket(self.salt, person_id) < self.buckets

    def sql(self, person_id: str) -> str:
        """SQL of `holds`; `person_id` is the SQL of the column."""
        return f"{bucket_sql(self.salt, person_id)} < {self.buckets}"


@dataclass(frozen=True)
class CanaryChange:
    """One row of a canary's history; `buckets` 0 ended it."""

    release_id: str
    pointer_seq: int
    buckets: int
    actor: str
    note: str
    at: datetime


def changes(connection: Connection) -> tuple[CanaryChange, ...]:
    """Every start, widening and end, the oldest first."""
    rows = connection.execute(select(release_canary).order_by(release_canary.c.seq)).all()
    return tuple(
        CanaryChange(r.release_id, r.pointer_seq, r.buckets, r.actor, r.note, r.at) for r in rows
    )


def current(connection: Connection) -> Canary | None:
    """The canary that holds now: none after its end, nor after any activation or rollback."""
    every, pointer = changes(connection), active_pointer(connection)
    if not every or pointer is None:
        return None
    newest = every[-1]
    if newest.buckets == 0 or newest.pointer_seq != pointer.seq:
        return None
    return Canary(newest.release_id, newest.buckets)


def widen(
    connection: Connection,
    release_id: str,
    percent: Decimal,
    *,
    actor: str,
    note: str,
    at: datetime,
) -> Canary:
    """Start a canary, or widen the one that runs. Whether the candidate may decide is asked before.

    Raises ReleaseError for a share that is not above the present one or no share at all, a
    candidate that is active, or while another candidate has a canary.
    """
    require_said(actor, note)
    running, pointer = current(connection), active_pointer(connection)
    buckets = threshold(percent)
    if pointer is None:
        raise ReleaseError("no release is active to compare with. Fix: activate one first.")
    if pointer.release_id == release_id:
        raise ReleaseError(f"release {release_id} is active for everybody already.")
    if running and running.release_id != release_id:
        raise ReleaseError(
            f"release {running.release_id} has a canary at {running.percent} %. Fix: end it first "
            "(`assent release canary --end`)."
        )
    if not 0 < buckets <= BUCKETS:
        raise ReleaseError("a share is above 0 % (0.01 % at least) and at most 100 %.")
    if running and buckets <= running.buckets:
        raise ReleaseError(
            f"the canary is at {running.percent} % and can only be widened, so that nobody is "
            "moved back. Fix: give a larger share, or end it."
        )
    _write(connection, release_id, pointer.seq, buckets, actor, note, at)
    return Canary(release_id, buckets)


def end(connection: Connection, *, actor: str, note: str, at: datetime) -> Canary:
    """End the canary: everybody decides under the active release again.

    Returns the canary that was; raises ReleaseError when there is none.
    """
    require_said(actor, note)
    running, pointer = current(connection), active_pointer(connection)
    if running is None or pointer is None:
        raise ReleaseError("no canary is running.")
    _write(connection, running.release_id, pointer.seq, 0, actor, note, at)
    return running


def _write(
    connection: Connection,
    release_id: str,
    pointer_seq: int,
    buckets: int,
    actor: str,
    note: str,
    at: datetime,
) -> None:
    connection.execute(
        insert(release_canary).values(
            release_id=release_id,
            pointer_seq=pointer_seq,
            buckets=buckets,
            actor=actor,
            note=note,
            at=at,
        )
    )
