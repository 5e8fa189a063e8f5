"""Lets one transaction of the store erase from tables that are append-only for everybody else."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, delete, insert

from activation.store.tables import privacy_permit


@contextmanager
def permitted(connection: Connection, erasure_id: str) -> Iterator[None]:
    """Inside the block the triggers pass what store.append_only.ERASABLE names.

    `connection` must be a writing transaction: the permit is never committed, so no other
    transaction can see it. What was done under it belongs into erasure_step.
    """
    connection.execute(insert(privacy_permit).values(erasure_id=erasure_id))
    yield
    connection.execute(delete(privacy_permit))
