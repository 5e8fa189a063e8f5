"""Which records a change can reach, from the tables of the last run and staging as it is now.

1. Touched: records that are new, changed or gone, and those that a changed override is about.
2. Records that say something else through a touched one: their authoritative links lead to it.
3. Affected keys: all that those carry or carried. Only their status and their links can differ.
4. All that carry an affected key, unless so many do that it joined nobody and joins nobody now; and
   the rest of the components (before the guard) that any of them was in.

A link that appears or goes has an affected key; one that stays lies inside an old component. So the
records of 4 are whole components of the new graph too, and nothing else can differ before scores.
Of a key that is not affected the last run's status still holds, and of one that too many carry only
the count differs.
"""

import duckdb

from activation.store.hash_key import key_digits_sql
from orchestration.increment.models import DATABASE, Models

WORK = f"{DATABASE}.work"
_INCREMENT = f"{DATABASE}.identity"

# Billing addresses are no record's own, but they belong to the person of a policyholder.
_BILLED = """
select policyholders.record_key, bit_xor(hash(addresses.billing_email)) as content
from (
    select distinct policies.customer_number, invoices.billing_email
    from staging.stg_billing__invoices as invoices
    inner join staging.stg_policy__policies as policies
        on invoices.policy_number = policies.policy_number
    where invoices.billing_email is not null
) as addresses
inner join staging.stg_policy__policyholders as policyholders
    on addresses.customer_number = policyholders.customer_number
group by policyholders.record_key
"""
_OVERRIDES_CHANGED = """
create or replace table {work}.override_changed as
(select * from store.identity_override except select * from identity_state.override)
union all
(select * from identity_state.override except select * from store.identity_override)
"""
_CHANGED = """
create or replace table {work}.changed as
select record_key from {work}.content
where content not in (select content from identity_state.record)
union
select record_key from identity_state.record
where content not in (select content from {work}.content)
"""
_TOUCHED = """
create or replace table {work}.touched as
select record_key from {work}.changed
union
select record_key from {work}.override_changed where record_key is not null
union
select other_record_key from {work}.override_changed where other_record_key is not null
union
select record_key from identity.id_keys where key_hash in ({decided})
union
select record_key from identity.id_composite_keys where key_hash in ({decided})
"""
_AUTHORITATIVE = f"select rule from {_INCREMENT}.id_rules where kind = 'authoritative'"
_DETACHED = "select record_key from store.identity_override where kind = 'detach'"
# Counted over what did not change: if these alone are too many, they were and they are.
_ALIVE = """
select keys.key_hash
from {keys} as keys
inner join {increment}.id_rules as rules on keys.rule = rules.rule
group by keys.key_hash
having
    count(*) filter (
        where keys.record_key not in (select record_key from {work}.touched)
        and keys.record_key not in ({detached})
    ) <= any_value(rules.max_records)
"""
_SAYING_OTHERWISE = """
create or replace table {work}.otherwise as
with linked as (
    select record_key from {work}.touched
    union
    select record_key from {work}.reference where key_hash in ({alive})
)
select record_key from linked
union
select record_key from identity.id_authorities
where component in (
    select component from identity.id_authorities where record_key in (select * from linked)
)
"""
# Who refers to what a touched record refers to, or referred to.
_REFERENCES = """
create or replace table {work}.reference as
with references_all as (
    select rule, key_hash, record_key from identity.id_keys where rule in ({authoritative})
)
select rule, key_hash, record_key from references_all
where key_hash in (
    select key_hash from references_all
    where record_key in (select record_key from {work}.touched)
    union all
    select key_hash from {work}.new_key
)
"""
# A key that both records of a never_link carry is in conflict however many carry it.
_PARTED_KEYS = """
create or replace table {work}.parted_key as
select one.key_hash
from (
    select * from store.identity_override
    union
    select * from identity_state.override
) as overrides
inner join {work}.old_or_new_key as one on overrides.record_key = one.record_key
inner join {work}.old_or_new_key as other
    on overrides.other_record_key = other.record_key and one.key_hash = other.key_hash
where overrides.kind = 'never_link'
"""
_REACHED = """
create or replace table {work}.scope as
with carriers as (
    select record_key from {work}.otherwise
    union
    select record_key from {work}.carrier
    where key_hash in (select key_hash from {work}.alive_key)
    union
    select record_key from {work}.device_carrier
    union
    select other_record_key from store.identity_override
    where record_key in (select record_key from {work}.touched)
    union
    select record_key from store.identity_override
    where other_record_key in (select record_key from {work}.touched)
)
select record_key from carriers where record_key is not null
union
select record_key from identity.id_rule_clusters
where raw_component in (
    select raw_component from identity.id_rule_clusters
    where record_key in (select record_key from carriers)
)
"""
# What they said in the last run; those that a never_link is about may be elsewhere.
_OLD_ATTRIBUTES = """
create or replace table {work}.old_attributes as
select * from identity.id_record_attributes
where record_key in (
    select record_key from {work}.otherwise
    union all
    select unnest([record_key, other_record_key]) from store.identity_override
    where kind = 'never_link'
    union all
    select unnest([record_key, other_record_key]) from identity_state.override
    where kind = 'never_link'
)
"""
# One device is its owner's, and shared from the second record on.
_DEVICE_CARRIERS = """
create or replace table {work}.device_carrier as
with devices as (
    select device_id from {work}.old_attributes
    where record_key in (select record_key from {work}.touched)
    union
    select device_id from {increment}.id_record_attributes
),
carriers as (
    select record_key, device_id from identity.id_record_attributes
    where device_id in (select device_id from devices)
    and record_key not in (select record_key from {work}.touched)
)
select any_value(record_key) as record_key from carriers group by device_id having count(*) = 1
"""


def find_changed(connection: duckdb.DuckDBPyConnection, models: Models) -> tuple[int, int]:
    """Write work.content, changed and touched; return how many records changed, and how many there
    are or were."""
    write_content(connection, models)
    run(connection, _OVERRIDES_CHANGED)
    run(connection, _CHANGED)
    run(connection, _TOUCHED, decided=_decided_keys(connection))
    row = connection.execute(
        f"select (select count(*) from {WORK}.touched), (select count(*) from {WORK}.content)"
    ).fetchone()
    changed, records = row or (0, 0)
    return changed, records


def _decided_keys(connection: duckdb.DuckDBPyConnection) -> str:
    """The keys that a changed override is about: uuids, or texts under a release from before."""
    decided = f"from {WORK}.override_changed where key_hash is not null"
    kind = connection.execute("select typeof(key_hash) from identity.id_keys limit 1").fetchone()
    if kind == ("UUID",):
        return f"select {key_digits_sql('key_hash')}::uuid {decided}"
    return f"select key_hash {decided}"


def write_content(connection: duckdb.DuckDBPyConnection, models: Models) -> None:
    """work.content: one row per record (record_key, content), a hash of all that staging says of
    it but when it was loaded, and of where the person's invoices go."""
    stacked = " union all ".join(
        f"select record_key, hash(*columns(c -> c <> 'loaded_at')) as content from staging.{table}"
        for table in models.staging_of_records
    )
    connection.execute(
        f"create or replace table {WORK}.content as "
        "select records.record_key, hash(records.content, billed.content) as content "
        f"from ({stacked}) as records left join ({_BILLED}) as billed using (record_key)"
    )


def find_scope(connection: duckdb.DuckDBPyConnection, models: Models) -> int:
    """Write work.scope and what led to it, from work.touched; return how many records it names.

    Leaves in `increment` the rules, staging of the changed records and their new attributes.
    """
    connection.execute(
        f"create or replace table {_INCREMENT}.id_rules as select * from identity.id_rules"
    )
    for table in models.staging_of_records:
        copy(connection, f"staging.{table}", "record_key", f"{WORK}.changed")
    models.build(connection, "id_record_attributes")
    _keys(connection, models, "new_key", f"{_INCREMENT}.id_record_attributes")
    run(connection, _REFERENCES, authoritative=_AUTHORITATIVE)
    run(connection, _SAYING_OTHERWISE, alive=_alive(f"{WORK}.reference"))
    _find_affected_keys(connection, models)
    run(connection, _DEVICE_CARRIERS)
    run(connection, _REACHED)
    ((count,),) = connection.execute(f"select count(*) from {WORK}.scope").fetchall()
    return int(count)


def _find_affected_keys(connection: duckdb.DuckDBPyConnection, models: Models) -> None:
    """work.affected_key, its carriers old and new, and which of them may have joined or join."""
    run(connection, _OLD_ATTRIBUTES)
    _keys(connection, models, "old_key", f"{WORK}.old_attributes")
    connection.execute(
        f"create or replace table {WORK}.old_or_new_key as "
        f"select * from {WORK}.old_key union select * from {WORK}.new_key"
    )
    connection.execute(
        f"create or replace table {WORK}.affected_key as "
        f"select distinct rule, key_hash from {WORK}.old_or_new_key "
        f"where record_key in (select record_key from {WORK}.otherwise) "
        f"and rule not in ({_AUTHORITATIVE})"
    )
    connection.execute(
        f"create or replace table {WORK}.old_carrier as "
        "select rule, key_hash, record_key from identity.id_keys "
        f"where key_hash in (select key_hash from {WORK}.affected_key)"
    )
    # Old and new together; which of them is which only the records of the change can tell.
    connection.execute(
        f"create or replace table {WORK}.carrier as select * from {WORK}.old_carrier union "
        f"select * from {WORK}.new_key "
        f"where key_hash in (select key_hash from {WORK}.affected_key)"
    )
    run(connection, _PARTED_KEYS)
    connection.execute(
        f"create or replace table {WORK}.alive_key as "
        f"{_alive(f'{WORK}.carrier')} union "
        f"select key_hash from {WORK}.parted_key "
        f"where key_hash in (select key_hash from {WORK}.affected_key)"
    )


def _keys(
    connection: duckdb.DuckDBPyConnection, models: Models, table: str, attributes: str
) -> None:
    connection.execute(
        f"create or replace table {WORK}.{table} as "
        f"select rule, key_hash, record_key from ({models.keys_over(attributes)})"
    )


def _alive(keys: str) -> str:
    return _ALIVE.format(keys=keys, increment=_INCREMENT, work=WORK, detached=_DETACHED)


def copy(connection: duckdb.DuckDBPyConnection, table: str, column: str, chosen: str) -> None:
    """Copy the rows of schema.table whose `column` stands in `chosen` into `increment`."""
    connection.execute(
        f"create or replace table {DATABASE}.{table} as select * from {table} "
        f"where {column} in (select {column} from {chosen})"
    )


def run(connection: duckdb.DuckDBPyConnection, statement: str, **names: str) -> None:
    """Execute a statement that names the schemas `work` and `increment`."""
    connection.execute(statement.format(work=WORK, increment=_INCREMENT, **names))
