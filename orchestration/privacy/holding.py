"""What an erased person had in common with others stays what it was for them.

Identity is judged over the records that are there. Without a household's second person, their
telephone would look like the first one's own: records that hung on by weak evidence would rise, and
a grant that the erased person gave under it would permit the other. So what was weak while the
person was there is kept as weak, as overrides over hashes that name nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

import duckdb
from sqlalchemy import ColumnElement, Connection, and_, false, or_

from activation.store import identity_overrides
from activation.store.hash_key import key_hash_sql
from activation.store.identity_overrides import Override
from activation.store.tables import identity_override
from orchestration.warehouse import has_table

_DEVICE_HASH = key_hash_sql("device_id", "identifier")
_CARRIED = f"""
    select record_key, rule, key_hash from identity.id_keys
    union all
    select record_key, rule, key_hash from identity.id_composite_keys
    union all
    select record_key, 'device_id', {_DEVICE_HASH}
    from identity.id_identifiers
    where identifier_type = 'device_id'
"""
_WEAK = f"""
    select rule, key_hash, status from identity.id_key_status where status <> 'ok'
    union all
    select rule, key_hash, status from identity.id_composite_key_status where status <> 'ok'
    union all
    select distinct
        'device_id', {_DEVICE_HASH}, status
    from identity.id_identifiers
    where identifier_type = 'device_id' and status = 'shared'
"""


@dataclass(frozen=True)
class Holding:
    """`keys` are (rule, key hash, status) that the person and others carry and that joined nobody;
    `apart` are pairs of other people's records that only a contradiction with the person's records
    kept apart; `forgotten` are (rule, key hash) kept before, which nobody carries any more."""

    keys: tuple[tuple[str, str, str], ...] = ()
    apart: tuple[tuple[str, str], ...] = ()
    forgotten: tuple[tuple[str, str], ...] = ()


def find_holding(connection: duckdb.DuckDBPyConnection, records: Sequence[str]) -> Holding:
    """What has to be kept when the records of one person (their record keys) go."""
    if not has_table(connection, "identity", "id_key_status"):
        return Holding()
    mine = {"mine": list(records)}
    weak = connection.execute(
        f"with carried as ({_CARRIED}), weak as ({_WEAK}), both_sides as ("
        "select rule, key_hash from carried group by all "
        "having bool_or(list_contains($mine, record_key)) "
        "and not bool_and(list_contains($mine, record_key))) "
        "select distinct rule, key_hash, status from weak "
        "inner join both_sides using (rule, key_hash) order by all",
        mine,
    ).fetchall()
    forgotten = connection.execute(
        f"with carried as ({_CARRIED}) select distinct rule, key_hash from carried "
        "inner join store.identity_override as overrides using (rule, key_hash) "
        "where overrides.kind = 'keep_shared' "
        "group by all having bool_and(list_contains($mine, carried.record_key)) order by all",
        mine,
    ).fetchall()
    return Holding(
        tuple((rule, key, status) for rule, key, status in weak),
        tuple(_kept_apart(connection, records)),
        tuple((rule, key) for rule, key in forgotten),
    )


def _kept_apart(
    connection: duckdb.DuckDBPyConnection, records: Sequence[str]
) -> list[tuple[str, str]]:
    """One pair of records for each two other persons that a guarded component was parted into."""
    rows = connection.execute(
        "select raw_component, list(least order by least) from ("
        "select raw_component, component, min(record_key) as least from identity.id_guarded "
        "where raw_component in (select raw_component from identity.id_guarded "
        "where list_contains($mine, record_key)) and not list_contains($mine, record_key) "
        "group by all) group by all order by all",
        {"mine": list(records)},
    ).fetchall()
    return [pair for _, least in rows for pair in combinations(least, 2)]


def hold(store: Connection, holding: Holding, key_id: str, *, author: str, at: datetime) -> int:
    """Record what has to be kept, in a writing transaction; returns how many overrides are new.

    `key_id` tells the key that the holding's values were hashed with. What stands already, or
    contradicts a person's decision, is left as it is.
    """
    said = {"author": author, "reason": "in common with somebody who was erased"}
    overrides: list[Override] = [
        identity_overrides.keep_weak(rule, key, key_id, blocked=status == "blocked", at=at, **said)
        for rule, key, status in holding.keys
    ]
    overrides += [
        identity_overrides.pair("never_link", records, at=at, **said) for records in holding.apart
    ]
    return identity_overrides.record_where_new(store, overrides)


def about_them_alone(holding: Holding) -> ColumnElement[bool]:
    """The overrides that were about the erased person alone, as a condition."""
    table = identity_override.c
    return or_(
        false(),
        *(
            and_(table.kind == "keep_shared", table.rule == rule, table.key_hash == key)
            for rule, key in holding.forgotten
        ),
    )
