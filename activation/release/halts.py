"""Halting a journey node without a release: it takes effect at the next decision and the next send.

A halt outlives releases and rollbacks: whoever stopped a message has to let it go on again.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, insert, select

from activation.consent.ledger import lock_head
from activation.release.errors import ReleaseError
from activation.release.pointer import require_said
from activation.store.tables import node_halt


@dataclass(frozen=True)
class HaltChange:
    """One halt or resumption of a node."""

    node: str
    state: Literal["halted", "resumed"]
    reason: str
    actor: str
    at: datetime


def changes(connection: Connection) -> tuple[HaltChange, ...]:
    """Every halt and resumption, the oldest first."""
    rows = connection.execute(select(node_halt).order_by(node_halt.c.seq)).all()
    return tuple(HaltChange(r.node, r.state, r.reason, r.actor, r.at) for r in rows)


def halted(connection: Connection) -> frozenset[str]:
    """The nodes that are halted now."""
    newest = select(func.max(node_halt.c.seq)).group_by(node_halt.c.node)
    return frozenset(
        connection.execute(
            select(node_halt.c.node).where(
                node_halt.c.seq.in_(newest.scalar_subquery()), node_halt.c.state == "halted"
            )
        ).scalars()
    )


def halt(connection: Connection, node: str, *, reason: str, actor: str, at: datetime) -> None:
    """Halt a node. Raises ReleaseError when it is halted already."""
    require_said(actor, reason)
    # Intents are written while this is held in share: none is recorded after the halt commits.
    lock_head(connection)
    if node in halted(connection):
        raise ReleaseError(f"{node} is halted already.")
    _write(connection, node, "halted", reason, actor, at)


def resume(connection: Connection, node: str, *, reason: str, actor: str, at: datetime) -> None:
    """Let a halted node decide and send again. Raises ReleaseError when it is not halted."""
    require_said(actor, reason)
    if node not in halted(connection):
        raise ReleaseError(f"{node} is not halted.")
    _write(connection, node, "resumed", reason, actor, at)


def _write(
    connection: Connection, node: str, state: str, reason: str, actor: str, at: datetime
) -> None:
    connection.execute(
        insert(node_halt).values(node=node, state=state, reason=reason, actor=actor, at=at)
    )
