"""Approvals as the store has them now, for `decide`."""

import pyarrow as pa
from sqlalchemy import Connection, func, select

from activation.decisions.deciding import APPROVAL_SCHEMA
from activation.store.tables import approval


def current_approvals(connection: Connection) -> pa.Table:
    """One row per node, subject and person: the newest verdict, granted or refused."""
    newest = (
        select(func.max(approval.c.seq))
        .group_by(approval.c.node, approval.c.subject_id, approval.c.person_id)
        .scalar_subquery()
    )
    columns = [approval.c[name] for name in APPROVAL_SCHEMA.names]
    rows = connection.execute(select(*columns).where(approval.c.seq.in_(newest))).mappings()
    return pa.Table.from_pylist([dict(row) for row in rows], APPROVAL_SCHEMA)


def verdict(connection: Connection, node: str, subject_id: str, person_id: str) -> str | None:
    """The newest verdict about one candidate, granted or refused; None when there is none."""
    newest = connection.execute(
        select(approval.c.verdict)
        .where(
            approval.c.node == node,
            approval.c.subject_id == subject_id,
            approval.c.person_id == person_id,
        )
        .order_by(approval.c.seq.desc())
        .limit(1)
    ).scalar()
    return None if newest is None else str(newest)
