"""The append-only record of context bundles that were refused."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select

from activation.store.tables import bundle_refusal


def record_refusals(
    connection: Connection, refusals: Sequence[Mapping[str, str]], *, as_of: datetime, release: str
) -> int:
    """Append the refusals (node, context, field, rule, reason) of a run at `as_of`; return how
    many are new. A run that is repeated records nothing twice.
    """
    recorded = connection.execute(
        select(bundle_refusal.c.node, bundle_refusal.c.field).where(
            bundle_refusal.c.as_of == as_of, bundle_refusal.c.release_id == release
        )
    )
    known = {(row.node, row.field) for row in recorded}
    fresh = [
        {"as_of": as_of, "release_id": release, **one}
        for one in refusals
        if (one["node"], one["field"]) not in known
    ]
    if fresh:
        connection.execute(insert(bundle_refusal), fresh)
    return len(fresh)
