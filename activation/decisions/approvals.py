"""Approvals as the store has them now, for `decide`."""

import pyarrow as pa
from sqlalchemy import Connection, func, select

from activation.decisions.deciding import APPROVAL_SCHEMA
from activation.store.reader import Reader
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


def verdict(reader: Reader, node: str, subject_id: str, person_id: str) -> str | None:
    """The newest verdict about one candidate, granted or refused; None when there is none."""
    given = (node, subject_id, person_id)
    newest = reader.exec_driver_sql(_newest(reader.dialect.name), given)
    return str(newest[0][0]) if newest else None


def _newest(dialect: str) -> str:
    mark = "?" if dialect == "sqlite" else "%s"
    return (
        f"select verdict from {approval.name} where node = {mark} and subject_id = {mark} "
        f"and person_id = {mark} order by seq desc limit 1"
    )
