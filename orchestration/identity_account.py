"""Why records are one person, and why others are not: read from the identity tables as they stand.

Nothing here is decided again: each sentence follows from a row that the run wrote.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb


class UnknownIdentity(ValueError):
    """Neither a record nor a person of this name is in the warehouse."""


@dataclass(frozen=True)
class Membership:
    """A record of the person, how well it hangs on to them, and its strongest rule."""

    record_key: str
    assurance: str
    strongest_rule: str


@dataclass(frozen=True)
class Link:
    """Two records that a rule joins, or a score: then with its evidence in words."""

    record_key: str
    other_record_key: str
    rule: str
    kind: str
    key_columns: tuple[str, ...]
    assurance: str
    probability: float | None
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Likeness:
    """A record of the person that scores well with one of another, and why it was not joined."""

    record_key: str
    other_record_key: str
    outcome: str
    doubt: str | None
    probability: float
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """A key that a record of the person shares with records of others, and joins nobody."""

    record_key: str
    rule: str
    key_columns: tuple[str, ...]
    status: str
    carriers: int
    strangers: tuple[str, ...]


@dataclass(frozen=True)
class Guarded:
    """The component that the person was cut out of: how it contradicted itself, what was kept."""

    reason: str
    kept_tier: int
    raw_records: int


@dataclass(frozen=True)
class Change:
    """A record came to a person or left them; old is None for a new record, new for a gone one."""

    record_key: str
    old_person_id: str | None
    new_person_id: str | None
    cause: str
    changed_at: datetime


@dataclass(frozen=True)
class Account:
    """All that identity says of one person."""

    person_id: str
    records: tuple[Membership, ...]
    links: tuple[Link, ...]
    refused: tuple[Refused, ...]
    likenesses: tuple[Likeness, ...]
    guarded: tuple[Guarded, ...]
    history: tuple[Change, ...]


_PERSON = (
    "select distinct person_id from identity.id_records where person_id = $1 or record_key = $1"
)
_RECORDS = """
select record_key, assurance, strongest_rule
from identity.id_records where person_id = $1 order by assurance, record_key
"""
_LINKS = """
select links.record_key, links.anchor_key, links.rule, rules.kind, rules.key_columns,
    links.assurance, scores.probability, coalesce(scores.evidence, [])
from identity.id_links as links
inner join identity.id_records as records using (record_key)
inner join identity.id_rules as rules on links.rule = rules.rule
left join identity.id_probable_links as scores
    on rules.kind = 'probable' and links.record_key = scores.other_record_key
    and links.anchor_key = scores.record_key
where records.person_id = $1
order by links.tier, links.record_key, links.anchor_key
"""
_REFUSED = """
with keys as (
    select * from identity.id_keys union all select * from identity.id_composite_keys
),
judged as (
    select * from identity.id_key_status union all select * from identity.id_composite_key_status
),
own as (
    select keys.record_key, keys.rule, keys.key_hash, judged.status, judged.record_count
    from keys
    inner join judged using (rule, key_hash)
    inner join identity.id_records as records using (record_key)
    where records.person_id = $1 and judged.status <> 'ok'
)
select min(own.record_key), own.rule, any_value(rules.key_columns), any_value(own.status),
    any_value(own.record_count),
    list(distinct keys.record_key order by keys.record_key)
        filter (where others.person_id <> $1)
from own
inner join keys using (rule, key_hash)
inner join identity.id_records as others on keys.record_key = others.record_key
inner join identity.id_rules as rules on own.rule = rules.rule
group by own.rule, own.key_hash
having count(*) filter (where others.person_id <> $1) > 0
order by 2, 1
"""
_LIKENESSES = """
with pairs as (
    select record_key, other_record_key, * exclude (record_key, other_record_key)
    from identity.id_probable_links
    union all
    select other_record_key, record_key, * exclude (record_key, other_record_key)
    from identity.id_probable_links
)
select pairs.record_key, pairs.other_record_key, pairs.outcome, pairs.doubt, pairs.probability,
    pairs.evidence
from pairs
inner join identity.id_records as records using (record_key)
where records.person_id = $1 and pairs.outcome <> 'joined'
order by pairs.probability desc, pairs.record_key, pairs.other_record_key
"""
_GUARDED = """
select guarded.reason, min(guarded.kept_tier),
    (select count(*) from identity.id_guarded as whole
     where whole.raw_component = guarded.raw_component)
from identity.id_guarded as guarded
inner join identity.id_records as records using (record_key)
where records.person_id = $1
group by guarded.raw_component, guarded.reason
order by guarded.raw_component
"""
_HISTORY = """
select record_key, old_person_id, new_person_id, cause, changed_at
from identity.id_changes
where old_person_id = $1 or new_person_id = $1
    or record_key in (select record_key from identity.id_records where person_id = $1)
order by changed_at, record_key
"""


def read_account(connection: duckdb.DuckDBPyConnection, which: str) -> Account:
    """The account of a person, by person_id or by the key of a record of theirs.

    Raises UnknownIdentity when the warehouse knows neither.
    """
    found = connection.execute(_PERSON, [which]).fetchone()
    if found is None:
        raise UnknownIdentity(
            f"{which} is neither a person nor a record of the last run; a record is written "
            "<system>.<entity>:<id>, such as crm.contacts:C1"
        )
    person = str(found[0])

    def rows(sql: str) -> list[tuple[Any, ...]]:
        return connection.execute(sql, [person]).fetchall()

    return Account(
        person_id=person,
        records=tuple(Membership(*row) for row in rows(_RECORDS)),
        links=tuple(
            Link(one, other, rule, kind, _columns(columns), level, probability, tuple(evidence))
            for one, other, rule, kind, columns, level, probability, evidence in rows(_LINKS)
        ),
        refused=tuple(
            Refused(record_key, rule, _columns(columns), status, carriers, tuple(strangers))
            for record_key, rule, columns, status, carriers, strangers in rows(_REFUSED)
        ),
        likenesses=tuple(
            Likeness(one, other, outcome, doubt, probability, tuple(evidence))
            for one, other, outcome, doubt, probability, evidence in rows(_LIKENESSES)
        ),
        guarded=tuple(Guarded(*row) for row in rows(_GUARDED)),
        history=tuple(Change(*row) for row in rows(_HISTORY)),
    )


def _columns(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(", ")) if text else ()
