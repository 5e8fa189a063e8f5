"""The journal of erasures: what was asked, which steps are done, and the receipt at the end."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update

from activation.store import transaction
from activation.store.tables import erasure, erasure_step

Detail = dict[str, Any]
"""Counts of one step, as JSON."""


@dataclass(frozen=True)
class Request:
    """One erasure as asked for; the subject is named by a keyed hash alone."""

    erasure_id: str
    subject_hash: str
    reason: str
    actor: str
    requested_at: datetime


def open_request(connection: Connection, subject_hashes: set[str]) -> Request | None:
    """The erasure under way for a subject that is known by any of these hashes."""
    row = connection.execute(
        select(erasure)
        .where(erasure.c.state == "open", erasure.c.subject_hash.in_(sorted(subject_hashes)))
        .order_by(erasure.c.requested_at)
    ).first()
    if row is None:
        return None
    return Request(row.erasure_id, row.subject_hash, row.reason, row.actor, row.requested_at)


def receipt_of(connection: Connection, subject_hashes: set[str]) -> str | None:
    """The newest receipt for a subject that was erased before."""
    statement = (
        select(erasure.c.receipt)
        .where(erasure.c.state == "complete", erasure.c.subject_hash.in_(sorted(subject_hashes)))
        .order_by(erasure.c.requested_at.desc())
    )
    receipt: str | None = connection.execute(statement).scalars().first()
    return receipt


def begin(connection: Connection, request: Request) -> None:
    """Write down the request, before anything is removed."""
    connection.execute(
        insert(erasure).values(
            erasure_id=request.erasure_id,
            subject_hash=request.subject_hash,
            reason=request.reason,
            actor=request.actor,
            requested_at=request.requested_at,
            state="open",
        )
    )


def steps_done(engine: Engine, erasure_id: str) -> dict[str, Detail]:
    """What the finished steps did, by step."""
    with engine.connect() as connection:
        rows = connection.execute(
            select(erasure_step).where(erasure_step.c.erasure_id == erasure_id)
        ).all()
    return {row.step: json.loads(row.detail) for row in rows}


def finish_step(
    engine: Engine, erasure_id: str, step: str, detail: Mapping[str, Any], at: datetime
) -> None:
    """Note that a step is done; a step that is noted again replaces its note."""
    key = (erasure_step.c.erasure_id == erasure_id) & (erasure_step.c.step == step)
    with transaction(engine) as connection:
        connection.execute(delete(erasure_step).where(key))
        connection.execute(
            insert(erasure_step).values(
                erasure_id=erasure_id, step=step, done_at=at, detail=json.dumps(detail)
            )
        )


def reopen(engine: Engine, erasure_id: str, steps: Sequence[str]) -> None:
    """Let steps be done again: what they ought to have removed is still somewhere."""
    with transaction(engine) as connection:
        connection.execute(
            delete(erasure_step).where(
                erasure_step.c.erasure_id == erasure_id, erasure_step.c.step.in_(steps)
            )
        )


def complete(engine: Engine, erasure_id: str, receipt: str) -> None:
    """Close the erasure with its signed receipt."""
    with transaction(engine) as connection:
        connection.execute(
            update(erasure)
            .where(erasure.c.erasure_id == erasure_id)
            .values(state="complete", receipt=receipt)
        )
