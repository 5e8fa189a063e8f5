"""What an erasure will remove, found before anything is removed, so that a crash can't lose it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from activation.log.durable import PRIVATE, make_directory, publish_bytes
from activation.privacy.keyed import Keyed
from activation.privacy.settings import Exemption
from orchestration.environment import Home
from orchestration.landing.erased import ErasedRows
from orchestration.privacy.closure import record_ids, spellings
from orchestration.privacy.holding import Holding, find_holding
from orchestration.privacy.landing_erasure import Landing, kept_rows, suppressed_of
from orchestration.privacy.subject import DETERMINED, Subject
from orchestration.warehouse import quote

Pair = tuple[str, str]
CONTACTS = ("email", "phone")
#: Numbers that the ledger's chained evidence names ("engagement <message> unsubscribed"): with the
#: message's row gone they lead to nobody, and the chain could not be kept without them.
REFERENCES = ("message_id",)


@dataclass(frozen=True)
class ErasurePlan:
    """Personal, and kept only until the last step.

    `pairs` are all (kind, value) that name the person, `suppress` those that must not come back
    (all but what kept rows need), `own` the identifiers of the consent ledger. `lines` are record
    numbers by content digest, `values` what the files are searched for, `in_proof` those of them
    that the decision log names as subjects, `holding` what stays weak for others.
    """

    person_ids: tuple[str, ...]
    record_keys: tuple[str, ...]
    own: tuple[Pair, ...]
    pairs: tuple[Pair, ...]
    suppress: tuple[Pair, ...]
    restrict: tuple[Pair, ...]
    lines: dict[str, list[int]]
    values: tuple[str, ...]
    in_proof: tuple[str, ...]
    rows: dict[str, int]
    kept: dict[str, dict[str, Any]]
    shared: int
    uncertain_records: int
    holding: Holding


def make_plan(
    landing: Landing,
    subject: Subject,
    keyed: Keyed,
    exemptions: Sequence[Exemption],
    as_of: datetime,
) -> ErasurePlan:
    """Find everything that names the person. Changes nothing."""
    records = subject.records_with(DETERMINED)
    ids = record_ids(
        landing.connection,
        landing.contracts,
        landing.relations,
        records,
        subject.own,
        landing.matchers,
    )
    contacts = [(kind, value) for kind, value in subject.own if kind in CONTACTS]
    pairs = [*ids, *contacts]
    erased = ErasedRows(landing.connection, suppressed_of(keyed, pairs))
    chosen, kept, needed = _rows(landing, erased, exemptions, as_of)
    written = spellings(landing.connection, chosen, landing.matchers, subject.own)
    suppress = [one for one in pairs if one not in needed]
    own = [one for one in subject.own if one in suppress or one[0] not in dict(ids)]
    values = sorted({*(v for kind, v in suppress if kind not in REFERENCES), *written})
    record_keys = tuple(one.record_key for one in records)
    return ErasurePlan(
        person_ids=subject.person_ids,
        record_keys=record_keys,
        own=tuple(own),
        pairs=tuple(pairs),
        suppress=tuple(suppress),
        restrict=tuple(sorted(needed & set(subject.own))),
        lines=_lines(landing.connection, chosen),
        values=tuple(values),
        in_proof=tuple(sorted(value for kind, value in ids if kind not in CONTACTS)),
        rows={f"landing.{table}": _count(landing.connection, q) for table, q in chosen.items()},
        kept=kept,
        shared=len(subject.shared),
        uncertain_records=len(subject.records) - len(records),
        holding=find_holding(landing.connection, record_keys),
    )


def _rows(
    landing: Landing, erased: ErasedRows, exemptions: Sequence[Exemption], as_of: datetime
) -> tuple[dict[str, str], dict[str, dict[str, Any]], set[Pair]]:
    """Rowids to delete by table, what is kept and why, and the ids that kept rows need."""
    chosen: dict[str, str] = {}
    kept: dict[str, dict[str, Any]] = {}
    needed: set[Pair] = set()
    for table, relation in landing.relations.items():
        exempt = kept_rows(relation, exemptions, as_of)
        if exempt is not None:
            condition, exemption = exempt
            rows = landing.marked(erased, table, f"not ({condition})")
            if rows and (count := _count(landing.connection, rows)):
                needed |= _ids_in(landing, table, rows)
                kept[relation.name] = {"rows": count, "obligation": exemption.obligation}
        rows = landing.marked(erased, table, exempt[0] if exempt else None)
        if rows is not None:
            chosen[table] = rows
    return chosen, kept, needed


def _ids_in(landing: Landing, table: str, rows: str) -> set[Pair]:
    found: set[Pair] = set()
    for column, kind in landing.matchers[table].ids:
        values = landing.connection.execute(
            f"select distinct {quote(column)} from landing.{quote(table)} where rowid in ({rows}) "
            f"and {quote(column)} is not null"
        ).fetchall()
        found |= {(kind, str(value)) for (value,) in values}
    return found


def _lines(connection: duckdb.DuckDBPyConnection, chosen: dict[str, str]) -> dict[str, list[int]]:
    lines: dict[str, list[int]] = {}
    for table, rows in chosen.items():
        for digest, numbers in connection.execute(
            f"select _digest, list(_line order by _line) from landing.{quote(table)} "
            f"where rowid in ({rows}) group by _digest order by _digest"
        ).fetchall():
            lines.setdefault(digest, []).extend(numbers)
    return lines


def _count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    row = connection.execute(f"select count(*) from ({rows})").fetchone()
    return int(row[0]) if row else 0


def plan_file(home: Home, erasure_id: str) -> Path:
    """Where the plan lies until the last step: outside the store, whose file would keep it."""
    return home.path / "erasures" / f"{erasure_id}.json"


def keep(home: Home, erasure_id: str, plan: ErasurePlan) -> None:
    """Write the plan, readable by its owner alone."""
    path = plan_file(home, erasure_id)
    make_directory(path.parent, 0o700)
    publish_bytes(path, json.dumps(asdict(plan)).encode(), mode=PRIVATE, replace=True)


def kept(home: Home, erasure_id: str) -> ErasurePlan:
    """The plan of an erasure under way."""
    data = json.loads(plan_file(home, erasure_id).read_bytes())
    pairs = {name: tuple((k, v) for k, v in data[name]) for name in _PAIRS}
    texts = {name: tuple(data[name]) for name in _TEXTS}
    held = {name: tuple(map(tuple, rows)) for name, rows in data["holding"].items()}
    return ErasurePlan(**{**data, **pairs, **texts, "holding": Holding(**held)})


_PAIRS = ("own", "pairs", "suppress", "restrict")
_TEXTS = ("person_ids", "record_keys", "values", "in_proof")
