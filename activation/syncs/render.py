"""Turns planned items into the rows that a connector carries."""

import json
from collections.abc import Sequence

import pyarrow as pa

from activation.connectors.protocol import Operation, RemovalAddress
from activation.syncs.item import Item
from activation.syncs.spec import SyncError, SyncSpec


def render(
    spec: SyncSpec, items: Sequence[Item], desired: pa.Table | None, keeps: RemovalAddress
) -> pa.Table:
    """One row per item, in order, with exactly the allow-listed fields of the current model.

    A removal has no source row any more: it has the key, as text, and what the connector needs to
    find the member: `address_sha256` or `address`.
    """
    if items[0].operation is Operation.REMOVE:
        return _removals(spec, items, keeps)
    if desired is None:
        raise SyncError(f"{spec.name}: only removals can be sent without the desired rows")
    positions = pa.array([item.position for item in items], pa.int64())
    return desired.select(list(spec.fields)).take(positions)


def _removals(spec: SyncSpec, items: Sequence[Item], keeps: RemovalAddress) -> pa.Table:
    keys = [json.loads(item.row_key) for item in items]
    columns = {
        name: pa.array([key[part] for key in keys], pa.string())
        for part, name in enumerate(spec.key)
    }
    if keeps is RemovalAddress.HASH:
        columns["address_sha256"] = pa.array([item.address_hash for item in items], pa.string())
    elif keeps is RemovalAddress.PLAIN:
        columns["address"] = pa.array([item.address_sent for item in items], pa.string())
    return pa.table(columns)
