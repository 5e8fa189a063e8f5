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
from sqlalchemy import ColumnElement, Connection, and_, false, func, or_

from activation.store import identity_overrides
from activation.store.hash_key import key_digits_sql, key_hash_sql
from activation.store.identity_overrides import Override
from activation.store.tables import identity_override
from orchestration.warehouse import has_table

_DIGITS = key_digits_sql("key_hash")
_DEVICE_DIGITS = key_digits_sql(key_hash_sql("device_id", "identifier"))
# Keys are looked up before anything is made of them: a warehouse has millions.
_CARRIED = f"""
    with every_key as (
        select record_key, rule, key_hash from identity.id_keys
        union all
        select record_key, rule, key_hash from identity.id_composite_keys
    ),
    device as (
        select record_key, identifier, status from identity.id_identifiers
        where identifier_type = 'device_id'
    ),
    my_key as (select key_hash from every_key where list_contains($mine, record_key)),
    my_device as (select identifier from device where list_contains($mine, record_key)),
    carried as (
        select record_key, rule, {_DIGITS} as key_hash from every_key
        where key_hash in (select key_hash from my_key)
        union all
        select record_key, 'device_id', {_DEVICE_DIGITS} from device
        where identifier in (select identifier from my_device)
    )
"""
_WEAK = f"""
    select rule, {_DIGITS} as key_hash, status from identity.id_key_status
    where status <> 'ok' and key_hash in (select key_hash from my_key)
    union all
    select rule, {_DIGITS} as key_hash, status from identity.id_composite_key_status
    where status <> 'ok' and key_hash in (select key_hash from my_key)
    union all
    select distinct 'device_id', {_DEVICE_DIGITS}, status from device
    where status = 'shared' and identifier in (select identifier from my_device)
"""


@dataclass(frozen=True)
class Holding:
    """`keys` are (rule, 32 digits of the key, status) that the person and others carry and that
    joined nobody; `apart` are pairs of other people's records that only a contradiction with the
    person's records kept apart; `forgotten` are (rule, digits) kept before, which nobody carries
    any more."""

    keys: tuple[tuple[str, str, str], ...] = ()
    apart: tuple[tuple[str, str], ...] = ()
    forgotten: tuple[tuple[str, str], ...] = ()


def find_holding(connection: duckdb.DuckDBPyConnection, records: Sequence[str]) -> Holding:
    """What has to be kept when the records of one person (their record keys) go."""
    if not has_table(connection, "identity", "id_key_status"):
        return Holding()
    mine = {"mine": list(records)}
    weak = connection.execute(
        f"{_CARRIED}, weak as ({_WEAK}), both_sides as ("
        "select rule, key_hash from carried group by all "
        "having bool_or(list_contains($mine, record_key)) "
        "and not bool_and(list_contains($mine, record_key))) "
        "select distinct rule, key_hash, status from weak "
        "inner join both_sides using (rule, key_hash) order by all",
        mine,
    ).fetchall()
    forgotten = connection.execute(
        f"{_CARRIED} select distinct carried.rule, carried.key_hash from carried "
        "inner join store.identity_override as overrides on carried.rule = overrides.rule "
        f"and carried.key_hash = {key_digits_sql('overrides.key_hash')} "
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
    digits = func.substr(table.key_hash, 1, 32)
    return or_(
        false(),
        *(
            and_(table.kind == "keep_shared", table.rule == rule, digits == key)
            for rule, key in holding.forgotten
        ),
    )
