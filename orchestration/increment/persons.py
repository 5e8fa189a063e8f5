"""The second half of an increment: persons, their ids and what is known of them, after the scores.

The records that the rules solved anew, and those that a score joins or joined to them.
"""

from collections import defaultdict
from collections.abc import Iterable

import duckdb
import pyarrow as pa

from activation.store.hash_key import key_hash_sql
from orchestration.increment import review
from orchestration.increment.models import DATABASE, Models
from orchestration.increment.records import copy_billing
from orchestration.increment.replace import replace_rows
from orchestration.increment.scope import WORK, copy, run

_INCREMENT = f"{DATABASE}.identity"

BUILT = (
    "id_contact_components",
    "id_joined",
    "id_joined_violations",
    "id_probable_links",
    "id_links",
    "id_clusters",
    "id_assignments",
    "id_records",
    "id_changes",
    "id_identifiers",
    "id_persons",
    "id_person_identifiers",
)
MODELS = (*BUILT, review.MODEL)

BY_RECORD = (
    "id_contact_components",
    "id_joined",
    "id_links",
    "id_clusters",
    "id_records",
    "id_identifiers",
)
BY_COMPONENT = ("id_joined_violations", "id_assignments")
BY_PERSON = ("id_persons", "id_person_identifiers")

_READ_BY_RECORD = (
    "id_record_attributes",
    "id_traits",
    "id_rule_clusters",
    "id_candidate_links",
    "id_guarded",
)
# A join that the guard undid may stand now: it counts as changed.
_PROPOSALS_CHANGED = """
with old as (
    select
        component, other_component, record_key, other_record_key, match_weight, probability,
        evidence, doubt, case when outcome = 'joined' then 'join' else outcome end as verdict
    from identity.id_probable_links
),

new as (
    select
        component, other_component, record_key, other_record_key, match_weight, probability,
        evidence, doubt, verdict
    from identity.id_proposals
)

select component, other_component
from ((select * from old except select * from new) union all
    (select * from new except select * from old))
"""
_JOINS = """
select record_key, component from identity.id_joined
union
select other_component, component from identity.id_proposals where verdict = 'join'
"""
# A record that only a score brings here may lack the rest of its component, which did not change.
_CONTACTS_ELSEWHERE = """
delete from {increment}.id_contact_components
where record_key not in (select record_key from {work}.rule_scope)
"""
_CONTACTS_KEPT = """
insert into {increment}.id_contact_components by name
select * from identity.id_contact_components
where record_key in (select record_key from {work}.scope)
    and record_key not in (select record_key from {work}.rule_scope)
"""
# Another record has the device too, one that is not in the scope.
_DEVICES = f"""
insert into {{database}}.store.identity_override
select distinct 'increment', 'keep_shared', 'device_id',
    {key_hash_sql("device_id", "outside.device_id")}, null::varchar, null::varchar
from identity.id_record_attributes as outside
where outside.device_id in (select device_id from {{increment}}.id_record_attributes)
    and outside.record_key not in (select record_key from {{work}}.scope)
"""


def find_scope(connection: duckdb.DuckDBPyConnection) -> int:
    """Write work.scope: the records of the first half, and all whose clusters a score joins, or
    joined, to theirs or whose scores changed. Returns how many records it names."""
    connection.execute(
        f"create or replace table {WORK}.rule_scope as select record_key from identity_state.scope"
    )
    joins = connection.execute(_JOINS).fetchall()
    changed = connection.execute(_PROPOSALS_CHANGED).fetchall()
    ends = {end for pair in (*joins, *changed) for end in pair}
    connection.register("ends", _components(ends))
    started = connection.execute(
        f"select component from ends where component in (select record_key from {WORK}.rule_scope)"
    ).fetchall()
    connection.unregister("ends")
    seeds = {component for (component,) in started} | {end for one in changed for end in one}
    connection.register("reached", _components(reached(joins, seeds)))
    connection.execute(
        f"create or replace table {WORK}.scope as select record_key from {WORK}.rule_scope "
        "union select record_key from identity.id_rule_clusters "
        "where component in (select component from reached)"
    )
    connection.unregister("reached")
    ((count,),) = connection.execute(f"select count(*) from {WORK}.scope").fetchall()
    return int(count)


def reached(joins: Iterable[tuple[str, str]], seeds: Iterable[str]) -> set[str]:
    """The seeds and all that joins lead to from them, over any number of steps."""
    neighbours = defaultdict(list)
    for one, other in joins:
        neighbours[one].append(other)
        neighbours[other].append(one)
    found = set(seeds)
    open_ends = list(found)
    while open_ends:
        for neighbour in neighbours[open_ends.pop()]:
            if neighbour not in found:
                found.add(neighbour)
                open_ends.append(neighbour)
    return found


def solve(connection: duckdb.DuckDBPyConnection, models: Models) -> None:
    """Build every model of the second half over work.scope, in the database `increment`."""
    _copy_sources(connection, models)
    models.build(connection, "id_contact_components")
    run(connection, _CONTACTS_ELSEWHERE)
    run(connection, _CONTACTS_KEPT)
    for name in BUILT[1:]:
        models.build(connection, name)
    review.solve(connection, models)


def _copy_sources(connection: duckdb.DuckDBPyConnection, models: Models) -> None:
    scope = f"{WORK}.scope"
    connection.execute(f"create table {_INCREMENT}.id_rules as select * from identity.id_rules")
    for name in _READ_BY_RECORD:
        copy(connection, f"identity.{name}", "record_key", scope)
    models.build(connection, "id_keys")
    copy(connection, "identity.id_key_status", "key_hash", f"{_INCREMENT}.id_keys")
    copy_billing(connection)
    connection.execute(
        f"create table {_INCREMENT}.id_proposals as select * from identity.id_proposals "
        f"where component in (select record_key from {scope}) "
        f"or other_component in (select record_key from {scope})"
    )
    copy(connection, "store.identity_map", "record_key", scope)
    # A person may have been created with a record that is another's now.
    connection.execute(
        f"create table {DATABASE}.store.identity_change as select * from store.identity_change "
        f"where record_key in (select record_key from {scope}) "
        f"or new_person_id in (select person_id from {DATABASE}.store.identity_map)"
    )
    connection.execute(
        f"create table {DATABASE}.store.identity_override as select * from store.identity_override"
    )
    run(connection, _DEVICES, database=DATABASE)


def publish(connection: duckdb.DuckDBPyConnection) -> None:
    """Put the rows of the scope in the place of those of the last run.

    The caller's transaction holds it, with the stage that follows."""
    scope = f"select record_key from {WORK}.scope"
    # What was new in the last run is not new in this one.
    connection.execute("update identity.id_assignments set is_new = false where is_new")
    for name in BY_RECORD:
        replace_rows(connection, name, "record_key", scope)
    for name in BY_COMPONENT:
        replace_rows(connection, name, "component", scope)
    for name in BY_PERSON:
        replace_rows(connection, name, "person_id", f"select person_id from {WORK}.person")
    review.publish(connection)
    run(
        connection,
        "delete from identity.id_probable_links where component in (select record_key from "
        "{work}.scope) or other_component in (select record_key from {work}.scope)",
    )
    run(
        connection,
        "insert into identity.id_probable_links by name "
        "select * from {increment}.id_probable_links",
    )
    run(
        connection,
        "insert into identity.id_changes by name select * from {increment}.id_changes where "
        f"change_id not in (select change_id from {DATABASE}.store.identity_change)",
    )


def write_persons(connection: duckdb.DuckDBPyConnection) -> None:
    """work.person: the persons of the scope, as they were and as they are."""
    run(
        connection,
        "create or replace table {work}.person as select person_id from identity.id_records "
        "where record_key in (select record_key from {work}.scope) "
        "union select person_id from {increment}.id_records",
    )


def _components(names: Iterable[str]) -> pa.Table:
    return pa.table({"component": pa.array(sorted(names), pa.string())})
