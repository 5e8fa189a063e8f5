"""Small batches to deliver."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa

from activation.connectors.protocol import Batch, Operation

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)


def action_batch(
    decisions: list[str], *, name: str = "20261120T060000Z-1", given_name: str = "Ada"
) -> Batch:
    """A batch of sends, with a column of each type that outbound models have."""
    count = len(decisions)
    return Batch(
        sync="demo_actions",
        destination="demo",
        object="action",
        operation=Operation.SEND,
        name=name,
        as_of=AS_OF,
        key=("decision_id",),
        delivery_ids=tuple(f"i_{decision}" for decision in decisions),
        rows=pa.table(
            {
                "decision_id": decisions,
                "address": ["+447700900123"] * count,
                "given_name": pa.array([given_name] * count, pa.string()),
                "renews_on": [date(2027, 1, 31)] * count,
                "send_after": pa.array([AS_OF] * count, pa.timestamp("us", "UTC")),
                "amount": [Decimal("12.50")] * count,
                "attempts": [3] * count,
                "is_active": [True] * count,
                "claim_number": pa.array([None] * count, pa.string()),
            }
        ),
    )


def member_batch(operation: Operation, members: dict[str, str], name: str = "b-1") -> Batch:
    """A batch of one audience: person -> address; a removal has the key alone."""
    columns = {
        "audience": ["cross_sell"] * len(members),
        "person_id": list(members),
    }
    if operation is not Operation.REMOVE:
        columns["address"] = list(members.values())
    return Batch(
        sync="demo_audiences",
        destination="demo",
        object="audience",
        operation=operation,
        name=name,
        as_of=AS_OF,
        key=("audience", "person_id"),
        delivery_ids=tuple(f"i_{name}_{person}" for person in members),
        rows=pa.table({key: pa.array(values, pa.string()) for key, values in columns.items()}),
    )
