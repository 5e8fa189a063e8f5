"""Keys, hashes and faults of the rows that a destination ought to hold or to get."""

from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa

from activation.syncs.spec import SyncError, SyncSpec
from activation.syncs.workspace import quoted, text_list

_FINGERPRINT = """
-- grain: one row per desired row
create or replace temp table desired as
with source as (
    select * from desired_source
),
keyed as (
    select
        position,
        to_json([{key}])::varchar as row_key,
        person_id::varchar as person_id,
        {decision_id} as decision_id,
        {purpose} as purpose,
        {channel} as channel,
        {node} as node,
        substr(sha256($secret || sha256($secret || {content})), 1, 32) as row_hash,
        {address} as address,
        ({key_missing}) or person_id is null as is_key_missing,
        {is_address_missing} as is_address_missing,
        {is_early} as is_early,
        {is_late} as is_late
    from source
),
counted as (
    select
        *,
        count(*) over (partition by row_key) as key_count
    from keyed
),
judged as (
    select
        position,
        row_key,
        person_id,
        decision_id,
        purpose,
        channel,
        node,
        row_hash,
        address,
        sha256(address) as address_hash,
        case
            when is_key_missing then 'invalid_key'
            when key_count > 1 then 'duplicate_key'
            when len(list_filter(string_split(purpose, ','), lambda p: not
                list_contains({purposes}, p))) > 0 then 'purpose_not_allowed'
            when is_address_missing then 'no_address'
            when is_late then 'expired'
            when is_early then 'not_due'
            when person_id not in (select person_id from identifier) then 'unknown_person'
        end as fault
    from counted
)
select * from judged
"""


@dataclass(frozen=True)
class Desired:
    """The rows as they came, and the relation `desired` in the workspace that describes them.

    `desired` has one row per row: position, row_key, person_id, decision_id, purpose, channel, node
    (the journey node it came from, null where the rows do not say), row_hash (keyed, 128 bits,
    hexadecimal), address, address_hash, fault (why the row can't be sent, else null).
    """

    rows: pa.Table


def describe(
    duck: duckdb.DuckDBPyConnection,
    spec: SyncSpec,
    rows: pa.Table,
    *,
    as_of: datetime,
    hash_key: bytes,
) -> Desired:
    """Build `desired` in the workspace.

    The hash covers names and values of the allow-listed fields, keyed with `hash_key`, so the store
    tells nothing about values that could be guessed. Raises SyncError naming a missing column.
    """
    present = set(rows.column_names)
    wanted = {*spec.fields, "person_id"} | ({"decision_id"} if spec.mode == "append" else set())
    if missing := sorted(wanted - present):
        raise SyncError(
            f"{spec.name}: {spec.relation} has no column {', '.join(missing)}: add it to the model "
            "or take it out of config.meta.sync.fields"
        )
    instant = f"timestamptz '{as_of.isoformat()}'"
    positioned = rows.append_column("position", pa.array(np.arange(rows.num_rows, dtype=np.int64)))
    duck.register("desired_source", positioned)
    sends_address = "address" in spec.fields
    statement = _FINGERPRINT.format(
        key=", ".join(f"{quoted(name)}::varchar" for name in spec.key),
        key_missing=" or ".join(f"{quoted(name)} is null" for name in spec.key),
        content=_content(spec),
        decision_id="decision_id::varchar" if "decision_id" in present else "null::varchar",
        purpose=_or_else(present, "purpose", ",".join(spec.purpose)),
        channel=_or_else(present, "channel", "*"),
        node=_node(present),
        purposes=text_list(spec.purpose),
        address="address::varchar" if sends_address else "null::varchar",
        is_address_missing="address is null" if sends_address else "false",
        is_early=f"coalesce(send_after > {instant}, false)" if "send_after" in present else "false",
        is_late=f"coalesce(valid_until <= {instant}, false)"
        if "valid_until" in present
        else "false",
    )
    duck.execute(statement, {"secret": hash_key.hex()})
    duck.unregister("desired_source")
    return Desired(rows)


def _content(spec: SyncSpec) -> str:
    """Canonical JSON of the fields as text, in an order that the declaration can't change."""
    members = ", ".join(f"{quoted(name)}: {quoted(name)}::varchar" for name in sorted(spec.fields))
    return f"to_json({{{members}}})::varchar"


def _node(present: set[str]) -> str:
    """An audience bears the name of its node."""
    named = [name for name in ("node", "audience") if name in present]
    return f"{quoted(named[0])}::varchar" if named else "null::varchar"


def _or_else(present: set[str], column: str, default: str) -> str:
    literal = "'" + default.replace("'", "''") + "'"
    return f"coalesce({quoted(column)}::varchar, {literal})" if column in present else literal
