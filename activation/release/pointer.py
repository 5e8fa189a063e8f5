"""Which release is active: the newest row of an append-only table, so going back is one insert."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, insert, select

from activation.release.errors import ReleaseError
from activation.store.tables_release import release_pointer

Kind = Literal["activate", "rollback"]


@dataclass(frozen=True)
class Pointer:
    """One activation or rollback."""

    seq: int
    release_id: str
    kind: Kind
    actor: str
    note: str
    at: datetime


def pointers(connection: Connection) -> tuple[Pointer, ...]:
    """Every activation and rollback, the oldest first."""
    rows = connection.execute(select(release_pointer).order_by(release_pointer.c.seq)).all()
    return tuple(
        Pointer(
            row.seq,
            row.release_id,
            "rollback" if row.kind == "rollback" else "activate",
            row.actor,
            row.note or "",
            row.activated_at,
        )
        for row in rows
    )


def active_pointer(connection: Connection) -> Pointer | None:
    """The newest one; None before the first."""
    every = pointers(connection)
    return every[-1] if every else None


def active_id(connection: Connection) -> str | None:
    """The id of the active release; None before the first activation."""
    pointer = active_pointer(connection)
    return pointer.release_id if pointer else None


def point(
    connection: Connection, release_id: str, *, kind: Kind, actor: str, note: str, at: datetime
) -> None:
    """Make a release the active one. Whether it may be is `activate`'s and `rollback`'s to ask.

    Raises ReleaseError when it is active already, or nobody or no reason is named.
    """
    require_said(actor, note)
    if active_id(connection) == release_id:
        raise ReleaseError(f"release {release_id} is active already.")
    connection.execute(
        insert(release_pointer).values(
            release_id=release_id, kind=kind, actor=actor, note=note, activated_at=at
        )
    )


def former(connection: Connection) -> list[str]:
    """The releases to go back to, the nearest last: an activation adds, a rollback takes off."""
    stack: list[str] = []
    for pointer in pointers(connection):
        if pointer.kind == "rollback" and pointer.release_id in stack:
            del stack[len(stack) - stack[::-1].index(pointer.release_id) :]
        else:
            stack.append(pointer.release_id)
    return stack[:-1]


def rollback(
    connection: Connection,
    *,
    to: str | None,
    is_intact: Callable[[str], object],
    actor: str,
    note: str,
    at: datetime,
) -> str:
    """Go back to the release before the active one, or to one that was active earlier.

    One row is inserted and nothing is compiled. `is_intact` opens the release and raises when it is
    not what was signed. Returns its id; raises ReleaseError when there is nothing to go back to.
    """
    require_said(actor, note)
    back = former(connection)
    if to is None and not back:
        raise ReleaseError("no release was active before this one. Fix: activate another one.")
    target = back[-1] if to is None else to
    if target not in {pointer.release_id for pointer in pointers(connection)}:
        raise ReleaseError(
            f"release {target} was never active, so it was never checked. Fix: activate it."
        )
    is_intact(target)
    point(connection, target, kind="rollback", actor=actor, note=note, at=at)
    return target


def require_said(actor: str, note: str) -> None:
    """Raise ReleaseError unless somebody is named and a reason is given."""
    if not actor.strip() or not note.strip():
        raise ReleaseError("say who does it and why. Fix: give --actor and a note that says why.")
