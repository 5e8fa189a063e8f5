"""Which rows to send, to change and to remove: desired rows against what was acknowledged."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from activation.connectors.protocol import Capabilities, Idempotency, Operation
from activation.syncs.item import Item
from activation.syncs.state import FORGOTTEN, STATE_SCHEMA

_MIRROR = f"""
-- grain: one row per key of desired or state
with wanted as (
    select * from desired where fault is null
),
faulty as (
    select distinct row_key from desired where fault is not null
),
held as (
    select * from state where row_hash is not null or uncertain
),
compared as (
    select
        coalesce(wanted.row_key, state.row_key) as row_key,
        coalesce(wanted.person_id, state.person_id) as person_id,
        coalesce(wanted.purpose, state.purpose) as purpose,
        coalesce(wanted.channel, state.channel) as channel,
        null::varchar as decision_id,
        wanted.node,
        wanted.row_hash,
        wanted.position,
        coalesce(wanted.address_hash, state.address_hash) as address_hash,
        coalesce(wanted.address, state.address_sent) as address_sent,
        case
            when wanted.row_key is null and held.row_key is null then 'nothing'
            when wanted.row_key is null and faulty.row_key is not null then 'nothing'
            when wanted.row_key is null then 'remove'
            when state.parked_hash in (wanted.row_hash, '{FORGOTTEN}') then 'parked'
            when held.row_key is null or held.row_hash is null then 'add'
            when held.row_hash = wanted.row_hash and not held.uncertain then 'unchanged'
            else 'update'
        end as op
    from wanted
    full outer join state on wanted.row_key = state.row_key
    left join held on state.row_key = held.row_key
    left join faulty on state.row_key = faulty.row_key
)
select * from compared order by op, row_key
"""

_APPEND = f"""
-- grain: one row per desired row without a fault
with wanted as (
    select * from desired where fault is null
),
compared as (
    select
        wanted.row_key,
        wanted.person_id,
        wanted.purpose,
        wanted.channel,
        wanted.decision_id,
        wanted.node,
        wanted.row_hash,
        wanted.position,
        wanted.address_hash,
        wanted.address as address_sent,
        case
            when state.row_hash is not null then 'unchanged'
            when state.parked_hash in (wanted.row_hash, '{FORGOTTEN}') then 'parked'
            when state.uncertain and $hold then 'held'
            else 'send'
        end as op
    from wanted
    left join state on wanted.row_key = state.row_key
)
select * from compared order by op, row_key
"""

_OPERATIONS = {operation.value for operation in Operation}


@dataclass(frozen=True)
class Plan:
    """Items by operation in a total order (row_key), and the rows that need none."""

    removals: Sequence[Item]
    changes: Sequence[Item]
    """Updates before additions, or sends."""
    unchanged: int
    parked: int
    in_doubt: int
    """Actions with an unknown outcome at a destination that can't tell duplicates."""
    withheld: Counter[str]


def desired_keys(duck: duckdb.DuckDBPyConnection) -> list[str]:
    """The keys of the desired rows that can be sent."""
    found = duck.execute("select row_key from desired where fault is null order by row_key")
    return [row[0] for row in found.fetchall()]


def make_plan(
    duck: duckdb.DuckDBPyConnection, state: pa.Table, *, mode: str, capabilities: Capabilities
) -> Plan:
    """Compare the relation `desired` of the workspace with `state` (see state.STATE_SCHEMA)."""
    duck.register("state", state.cast(STATE_SCHEMA))
    if mode == "mirror":
        compared = duck.execute(_MIRROR).to_arrow_table()
    else:
        hold = capabilities.idempotency is Idempotency.NONE
        compared = duck.execute(_APPEND, {"hold": hold}).to_arrow_table()
    duck.unregister("state")
    faults = duck.execute(
        "select fault, count(*) from desired where fault is not null group by fault order by fault"
    ).fetchall()
    kinds = Counter(compared["op"].to_pylist())
    items = [_item(row) for row in _rows_with_operation(compared).to_pylist()]
    order = (Operation.UPDATE, Operation.ADD, Operation.SEND)
    return Plan(
        removals=[item for item in items if item.operation is Operation.REMOVE],
        changes=[item for kind in order for item in items if item.operation is kind],
        unchanged=kinds["unchanged"],
        parked=kinds["parked"],
        in_doubt=kinds["held"],
        withheld=Counter(dict(faults)),
    )


def _rows_with_operation(compared: pa.Table) -> pa.Table:
    wanted = [op in _OPERATIONS for op in compared["op"].to_pylist()]
    return compared.filter(pa.array(wanted, pa.bool_()))


def _item(row: dict[str, Any]) -> Item:
    return Item(operation=Operation(row.pop("op")), **row)
