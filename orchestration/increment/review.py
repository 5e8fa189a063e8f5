"""The list for review in an increment: the matters of the scope, whole, in the place of the old.

A matter may reach out of the scope. Of a pair, the other record's keys are read as well, since a
key in conflict that both carry is the matter then. Of a component before the guard, every record
is. A key in conflict that more records carry than are here has not changed, and its matter stays.
"""

import duckdb

from activation.store.hash_key import key_digits_sql
from orchestration.increment.models import DATABASE, Models
from orchestration.increment.replace import replace_rows
from orchestration.increment.scope import WORK, copy, run

MODEL = "id_review"

# Records of which a pair, or a person's word about two records, is read here.
_BEYOND = """
create or replace table {work}.beyond as
select record_key from (
    select unnest([record_key, other_record_key]) as record_key
    from {increment}.id_probable_links
    union
    select unnest([record_key, other_record_key])
    from store.identity_override where kind = 'never_link'
)
where record_key not in (select record_key from {work}.scope)
"""
_READ = """
create or replace table {work}.review_record as
select record_key from {work}.scope union all select record_key from {work}.beyond
"""
_CONTRADICTIONS = """
create or replace table {increment}.id_guarded as
select * from identity.id_guarded where raw_component in (
    select raw_component from identity.id_guarded
    where record_key in (select record_key from {work}.scope)
)
"""
_UNCHANGED = """
create or replace table {work}.unchanged_matter as
select 'k_' || left({digits}, 12) as matter_id
from (
    select rule, key_hash from {increment}.id_keys
    union all
    select rule, key_hash from {increment}.id_composite_keys
) as keys
inner join (
    select rule, key_hash, record_count, status from {increment}.id_key_status
    union all
    select rule, key_hash, record_count, status from {increment}.id_composite_key_status
) as judged on keys.rule = judged.rule and keys.key_hash = judged.key_hash
where judged.status = 'conflict'
group by keys.rule, keys.key_hash
having count(*) < any_value(judged.record_count)
"""
# Those of the scope as they were and as they are.
_MATTERS = """
create or replace table {work}.matter as
with old_matters as (
    select
        matter_id,
        kind,
        first_record in (select record_key from {work}.scope) as is_first_here,
        last_record in (select record_key from {work}.scope) as is_last_here
    from identity.id_review
)
select matter_id from (
    select matter_id from old_matters
    where is_first_here and is_last_here
        or kind = 'probable' and (is_first_here or is_last_here)
    union
    select matter_id from {increment}.id_review
)
where matter_id not in (select matter_id from {work}.unchanged_matter)
"""


def solve(connection: duckdb.DuckDBPyConnection, models: Models) -> None:
    """Build the list over work.scope, after all that it reads, and name the matters that differ."""
    run(connection, _BEYOND)
    run(connection, _READ)
    _add_keys(connection, models)
    run(connection, _CONTRADICTIONS)
    copy(connection, "identity.id_composite_keys", "record_key", f"{WORK}.review_record")
    copy(
        connection,
        "identity.id_composite_key_status",
        "key_hash",
        f"{DATABASE}.identity.id_composite_keys",
    )
    models.build(connection, MODEL)
    run(connection, _UNCHANGED, digits=key_digits_sql("keys.key_hash"))
    run(connection, _MATTERS)


def _add_keys(connection: duckdb.DuckDBPyConnection, models: Models) -> None:
    ((beyond,),) = connection.execute(f"select count(*) from {WORK}.beyond").fetchall()
    if not beyond:
        return
    connection.execute(
        f"create or replace table {WORK}.attributes_beyond as "
        "select * from identity.id_record_attributes "
        f"where record_key in (select record_key from {WORK}.beyond)"
    )
    connection.execute(
        f"insert into {DATABASE}.identity.id_keys by name "
        f"select * from ({models.keys_over(f'{WORK}.attributes_beyond')})"
    )


def publish(connection: duckdb.DuckDBPyConnection) -> None:
    """Put the matters of the scope in the place of those of the last run."""
    replace_rows(connection, MODEL, "matter_id", f"select matter_id from {WORK}.matter")
