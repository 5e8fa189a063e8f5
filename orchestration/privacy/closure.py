"""Everything in landing that hangs on a person: their records, and what is about those records.

A policy belongs to whom its subject key names, a claim to whom its policy belongs, and so on, as
the labels say it (`subject_key`). A message belongs to whoever owns the address it went to.
"""

from collections.abc import Mapping, Sequence

import duckdb

from activation.consent.identifiers import normalise
from expectations.policy.graph import Relation
from orchestration.landing.contract import EntityContract
from orchestration.landing.erased import Matcher, email_sql
from orchestration.privacy.subject import Record
from orchestration.warehouse import has_table, quote

_KEYS = "closure_key"
Pair = tuple[str, str]
"""(kind, value) of a record id: ("policy_number", ...)."""


def record_ids(
    connection: duckdb.DuckDBPyConnection,
    contracts: Sequence[EntityContract],
    relations: Mapping[str, Relation],
    records: Sequence[Record],
    own: Sequence[Pair],
    matchers: Mapping[str, Matcher],
) -> list[Pair]:
    """The (kind, value) pairs of every record that is the person's, by the current rows."""
    by_entity = {(one.system, one.entity): one for one in contracts}
    keys: list[Pair] = []
    for record in records:
        contract = by_entity.get((record.system, record.entity))
        if contract is not None:
            keys.append((contract.key[0], record.record_id))
    connection.execute(f"create or replace temp table {_KEYS} (kind varchar, value varchar)")
    _insert(connection, keys)
    kinds = {key for one in relations.values() for key in one.subject_key}
    tables = [
        one
        for one in contracts
        if one.key[0] in kinds
        and one.table in relations
        and has_table(connection, "landing", one.table)
    ]
    _by_address(connection, tables, relations, own, matchers)
    before = -1
    while before != (now := _count(connection)):
        before = now
        for contract in tables:
            _follow(connection, contract, relations[contract.table])
    rows = connection.execute(f"select kind, value from {_KEYS} order by all").fetchall()
    return [(kind, value) for kind, value in rows]


def _follow(
    connection: duckdb.DuckDBPyConnection, contract: EntityContract, relation: Relation
) -> None:
    """Rows whose subject is the person are theirs, and with them whatever names their key."""
    key = contract.key[0]
    for subject in relation.subject_key:
        if subject != key:
            _add(
                connection,
                key,
                f"select {quote(key)} from ({_current(contract)}) where {quote(subject)} in "
                f"(select value from {_KEYS} where kind = '{subject}')",
            )


def _by_address(
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[EntityContract],
    relations: Mapping[str, Relation],
    own: Sequence[Pair],
    matchers: Mapping[str, Matcher],
) -> None:
    """Tables that are about nothing but themselves (a message): rows under an own address."""
    addresses = [value for kind, value in own if kind in ("email", "phone")]
    for contract in tables:
        matcher, key = matchers[contract.table], contract.key[0]
        if relations[contract.table].subject_key != (key,) or not addresses:
            continue
        for column in {*matcher.emails, *matcher.phones}:
            text = f"cast({quote(column)} as varchar)"
            _add(
                connection,
                key,
                f"select {quote(key)} from ({_current(contract)}) where "
                f"list_contains($own, {email_sql(text)}) or list_contains($own, {text})",
                {"own": addresses},
            )


def _current(contract: EntityContract) -> str:
    """The current version of each key, as `latest_record` of the models takes it."""
    version = f"{quote(contract.version)} desc nulls last, " if contract.version else ""
    return (
        f"select * from landing.{quote(contract.table)} qualify row_number() over ("
        f"partition by {', '.join(map(quote, contract.key))} "
        f"order by {version}_file_rank desc, _line desc, _digest desc) = 1"
    )


def _add(
    connection: duckdb.DuckDBPyConnection,
    kind: str,
    query: str,
    parameters: dict[str, object] | None = None,
) -> None:
    connection.execute(
        f"insert into {_KEYS} select distinct '{kind}', found.value from ({query}) as found(value) "
        f"where found.value is not null and not exists (select 1 from {_KEYS} as known "
        f"where known.kind = '{kind}' and known.value = found.value)",
        parameters,
    )


def _insert(connection: duckdb.DuckDBPyConnection, pairs: Sequence[Pair]) -> None:
    if pairs:
        connection.executemany(f"insert into {_KEYS} values (?, ?)", [list(one) for one in pairs])


def _count(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute(f"select count(*) from {_KEYS}").fetchone()
    return int(row[0]) if row else 0


def spellings(
    connection: duckdb.DuckDBPyConnection,
    lines: Mapping[str, str],
    matchers: Mapping[str, Matcher],
    own: Sequence[Pair],
) -> list[str]:
    """How the person's own addresses are written in the rows that `lines` selects, by table."""
    owned = {value for kind, value in own if kind in ("email", "phone")}
    found: set[str] = set()
    for table, condition in lines.items():
        matcher = matchers[table]
        for column in dict.fromkeys([*matcher.emails, *matcher.phones]):
            country = "country" if _has_country(connection, table) else "null"
            rows = connection.execute(
                f"select distinct {quote(column)}, {country} from landing.{quote(table)} "
                f"where {quote(column)} is not null and rowid in ({condition})"
            ).fetchall()
            for raw, where in rows:
                if {normalise("email", raw), normalise("phone", raw, where)} & owned:
                    found.add(raw)
    return sorted(found)


def _has_country(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    row = connection.execute(
        "select 1 from information_schema.columns where table_schema = 'landing' "
        "and table_name = ? and column_name = 'country'",
        [table],
    ).fetchone()
    return row is not None
