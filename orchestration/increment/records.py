"""The first half of an increment: from staging to the clusters that rules make."""

from datetime import datetime

import duckdb

from orchestration.increment import state
from orchestration.increment.models import DATABASE, Models
from orchestration.increment.replace import replace_rows
from orchestration.increment.scope import WORK, copy, run
from orchestration.warehouse import warehouse_transaction

_INCREMENT = f"{DATABASE}.identity"

# In the order of their building; a key's status is completed before anything reads it.
LINKS = ("id_authoritative_links", "id_authorities", "id_traits")
AFTER_KEYS = (
    "id_candidate_links",
    "id_components",
    "id_violations",
    "id_ladder",
    "id_guarded",
    "id_rule_clusters",
    "id_comparables",
)
BY_KEY = ("id_key_status", "id_composite_keys", "id_composite_key_status")
CHANGED_ALONE = ("id_record_attributes", "id_keys")
MODELS = ("id_rules", *CHANGED_ALONE, *LINKS, *BY_KEY, *AFTER_KEYS)

# An authoritative key that a record outside of the scope carries has too many carriers to link any.
# All its digits are kept: under a release from before a key has 64 of them.
_OVERRIDES = """
create or replace table {database}.store.identity_override as
select * from store.identity_override
union all
select distinct
    'increment', 'block_value', outside.rule, replace(outside.key_hash::varchar, '-', ''),
    null::varchar, null::varchar
from identity.id_keys as outside
where outside.rule in (select rule from {increment}.id_rules where kind = 'authoritative')
    and outside.key_hash in (select key_hash from {increment}.id_keys)
    and outside.record_key not in (select record_key from {work}.scope)
    and outside.record_key not in (
        select record_key from store.identity_override where kind = 'detach'
    )
"""
# Keys that too many carry, judged anew: only the count and the anchor can differ.
_CROWDED = """
create or replace table {work}.crowded_key as
with carriers as (
    select rule, key_hash, record_key from {work}.old_carrier
    where record_key not in (select record_key from {work}.changed)
    union all
    select rule, key_hash, record_key from {increment}.id_keys
    where record_key in (select record_key from {work}.changed)
        and key_hash in (select key_hash from {work}.affected_key)
)
select
    rule,
    key_hash,
    min(record_key) filter (
        where record_key not in (
            select record_key from store.identity_override where kind = 'detach'
        )
    ) as anchor_key,
    count(*) as record_count,
    'blocked' as status
from carriers
where key_hash not in (select key_hash from {work}.alive_key)
group by rule, key_hash
"""
_SETTLED_KEYS = """
create or replace table {work}.settled_key as
select distinct key_hash from {increment}.id_keys
where key_hash not in (select key_hash from {work}.alive_key)
"""
_SETTLED_STATUS = """
insert into {increment}.id_key_status by name
select rule, key_hash, anchor_key, record_count, status from {work}.crowded_key
where key_hash in (select key_hash from {work}.settled_key)
union all
select rule, key_hash, anchor_key, record_count, status from identity.id_key_status
where key_hash in (select key_hash from {work}.settled_key)
    and key_hash not in (select key_hash from {work}.affected_key)
"""
# A composite completes one key, and can only differ where that one is affected.
_COMPOSITES_AFFECTED = """
select distinct composites.key_hash
from {composites} as composites
inner join {increment}.id_rules as rules on composites.rule = rules.rule
inner join {keys} as keys
    on composites.record_key = keys.record_key and rules.composite_of = keys.rule
where keys.key_hash in (select key_hash from {work}.affected_key)
"""
_COMPOSITE_STATUS = """
insert into {increment}.id_composite_key_status
select * from identity.id_composite_key_status
where key_hash in (select key_hash from {increment}.id_composite_keys)
    and key_hash not in (select key_hash from {work}.affected_composite)
"""


def solve(connection: duckdb.DuckDBPyConnection, models: Models) -> None:
    """Build every model of the first half over work.scope, in the database `increment`."""
    connection.execute(
        f"insert into {_INCREMENT}.id_record_attributes by name "
        "select * from identity.id_record_attributes "
        f"where record_key in (select record_key from {WORK}.scope) "
        f"and record_key not in (select record_key from {WORK}.changed)"
    )
    models.build(connection, "id_keys")
    run(connection, _OVERRIDES, database=DATABASE)
    for name in LINKS:
        models.build(connection, name)
    run(connection, _CROWDED)
    run(connection, _SETTLED_KEYS)
    models.build(connection, "id_key_status")
    connection.execute(
        f"delete from {_INCREMENT}.id_key_status "
        f"where key_hash in (select key_hash from {WORK}.settled_key)"
    )
    run(connection, _SETTLED_STATUS)
    _solve_composites(connection, models)
    for name in AFTER_KEYS:
        models.build(connection, name)


def _solve_composites(connection: duckdb.DuckDBPyConnection, models: Models) -> None:
    models.build(connection, "id_composite_keys")
    models.build(connection, "id_composite_key_status")
    connection.execute(
        f"create or replace table {WORK}.old_composite as "
        "select rule, key_hash, record_key from identity.id_composite_keys "
        f"where record_key in (select record_key from {WORK}.scope)"
    )
    affected = " union ".join(
        _COMPOSITES_AFFECTED.format(
            composites=composites, keys=keys, increment=_INCREMENT, work=WORK
        )
        for composites, keys in (
            (f"{WORK}.old_composite", f"{_INCREMENT}.id_keys"),
            (f"{WORK}.old_composite", f"{WORK}.old_or_new_key"),
            (f"{_INCREMENT}.id_composite_keys", f"{_INCREMENT}.id_keys"),
        )
    )
    connection.execute(f"create or replace table {WORK}.affected_composite as {affected}")
    connection.execute(
        f"delete from {_INCREMENT}.id_composite_key_status "
        f"where key_hash not in (select key_hash from {WORK}.affected_composite)"
    )
    run(connection, _COMPOSITE_STATUS)


def publish(connection: duckdb.DuckDBPyConnection, digest: str, as_of: datetime) -> None:
    """Put the rows of the scope in the place of those of the last run, in one transaction."""
    scope, changed = (
        f"select record_key from {WORK}.scope",
        f"select record_key from {WORK}.changed",
    )
    with warehouse_transaction(connection):
        for name in CHANGED_ALONE:
            replace_rows(connection, name, "record_key", changed)
        for name in (*LINKS, "id_composite_keys", *AFTER_KEYS):
            column = "component" if name == "id_violations" else "record_key"
            replace_rows(connection, name, column, scope)
        affected = f"select key_hash from {WORK}.affected_key"
        replace_rows(connection, "id_key_status", "key_hash", affected)
        run(
            connection,
            "insert into identity.id_key_status by name select * from {work}.crowded_key "
            "where key_hash not in (select key_hash from {increment}.id_key_status)",
        )
        composites = f"select key_hash from {WORK}.affected_composite"
        replace_rows(connection, "id_composite_key_status", "key_hash", composites)
        _write_state(connection, digest, as_of)


def _write_state(connection: duckdb.DuckDBPyConnection, digest: str, as_of: datetime) -> None:
    connection.execute(
        "update identity_state.run set digest = $digest, stage = $stage, as_of = $as_of, "
        f"is_increment = true, replaced = replaced + (select count(*) from {WORK}.scope)",
        {"digest": digest, "stage": state.RECORDS, "as_of": as_of},
    )
    for statement in (
        "delete from identity_state.scope",
        "insert into identity_state.scope select record_key from {work}.scope",
        "delete from identity_state.record where record_key in "
        "(select record_key from {work}.changed)",
        "insert into identity_state.record select * from {work}.content where record_key in "
        "(select record_key from {work}.changed)",
        "delete from identity_state.override",
        "insert into identity_state.override select * from store.identity_override",
    ):
        run(connection, statement)


def copy_billing(connection: duckdb.DuckDBPyConnection) -> None:
    """Staging of the policies and invoices of the increment's policyholders."""
    customers = "select record_id as customer_number from {0}.id_record_attributes where system = "
    connection.execute(
        f"create or replace table {WORK}.customer as {customers.format(_INCREMENT)} 'policy'"
    )
    copy(connection, "staging.stg_policy__policies", "customer_number", f"{WORK}.customer")
    policies = f"{DATABASE}.staging.stg_policy__policies"
    copy(connection, "staging.stg_billing__invoices", "policy_number", policies)
