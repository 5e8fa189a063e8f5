"""Verdicts of people about held decisions, recorded for good; of a candidate the newest counts."""

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, insert

from activation.store.tables import approval

Verdict = Literal["granted", "refused"]


def record_verdict(
    connection: Connection,
    candidate: tuple[str, str, str],
    verdict: Verdict,
    *,
    actor: str,
    at: datetime,
) -> None:
    """Append a verdict about one candidate (node, subject_id, person_id), in a writing transaction.

    Raises ValueError for an actor who is nobody: a verdict is somebody's.
    """
    if not actor.strip():
        raise ValueError("a verdict needs an actor: say who decides")
    node, subject_id, person_id = candidate
    connection.execute(
        insert(approval).values(
            node=node,
            subject_id=subject_id,
            person_id=person_id,
            verdict=verdict,
            actor=actor.strip(),
            at=at,
        )
    )
