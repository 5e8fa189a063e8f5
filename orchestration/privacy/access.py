"""What a person gets when they ask what is known about them (GDPR Articles 15 and 20).

Only what is surely theirs is shown: records of assurance A and B, and what hangs on them. A record
that is merely probably theirs may be somebody else's, so it is counted and not shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
from sqlalchemy import Connection, select

from activation.consent.identifiers import normalise
from activation.consent.lookup import history
from activation.consent.vocabulary import IDENTIFIER_TYPES
from activation.privacy.keyed import Keyed
from activation.store import opened_store
from activation.store.tables import sync_state
from expectations.policy.graph import Relation
from orchestration.cli_explain import told
from orchestration.decision_log import open_log
from orchestration.environment import Home
from orchestration.landing.erased import ErasedRows
from orchestration.privacy.closure import record_ids
from orchestration.privacy.destinations import specs
from orchestration.privacy.landing_erasure import Landing, suppressed_of
from orchestration.privacy.subject import SURE, Record, Subject, find_subject
from orchestration.secret_keys import ERASURE_KEY_FILE, secret_key
from orchestration.warehouse import open_warehouse, quote

FORMAT = "assent.access/1"
RIGHTS = (
    "to have wrong data corrected (Article 16)",
    "to have data erased (Article 17), unless a law obliges us to keep it",
    "to have processing restricted (Article 18)",
    "to receive the data you gave us in a form that machines read (Article 20): access.json",
    "to object to processing, and to marketing at any time (Article 21)",
    "not to be subject to a solely automated decision with serious effect (Article 22)",
    "to complain to a supervisory authority (Article 77)",
)
NOT_THEIRS = "(not shown: not known as yours)"
PROFILING = (
    "Rules, written in advance and kept as signed releases, choose which message a situation calls "
    "for: a policy near its renewal, a claim under way, an account not set up, a bad experience. "
    "They use the fields that each decision below names, and nothing else. No score is computed."
)


@dataclass(frozen=True)
class AccessPackage:
    """The package as a document of plain values; `withheld_records` are probable, not certain."""

    document: dict[str, Any]
    withheld_records: int


def assemble(home: Home, given: str, as_of: datetime) -> AccessPackage:
    """Everything that is surely about the person whom `given` means. Raises SubjectError."""
    keyed = Keyed(secret_key(home, ERASURE_KEY_FILE))
    with open_warehouse(home.warehouse) as connection:
        subject = find_subject(connection, given)
        sure = subject.records_with(SURE)
        landing = Landing.of(connection)
        known = _sure_identifiers(connection, subject)
        own = [pair for pair in known if pair in subject.own]
        systems = _records(landing, own, known, sure, keyed)
    with opened_store(home.store_url) as engine, engine.connect() as store:
        consent, recipients = _consent(store, own), _recipients(store, home, subject)
    withheld = len(subject.records) - len(sure)
    document = {
        "format": FORMAT,
        "as_of": as_of.isoformat(),
        "person_id": subject.person_id,
        "known_as": [_known_as(record) for record in sure],
        "records_not_shown": {
            "count": withheld,
            "why": "they are only probably yours; prove the address or number they carry",
        },
        "systems": systems,
        "recipients": recipients,
        "consent": consent,
        "decisions": _decisions(home, subject),
        "profiling": PROFILING,
        "rights": list(RIGHTS),
    }
    return AccessPackage(document, withheld)


def _known_as(record: Record) -> dict[str, str]:
    link = {"A": "by its number", "B": "by an address that is yours alone"}
    return {"record": record.record_key, "linked": link[record.assurance]}


def _records(
    landing: Landing,
    own: Sequence[tuple[str, str]],
    known: Sequence[tuple[str, str]],
    sure: tuple[Record, ...],
    keyed: Keyed,
) -> dict[str, Any]:
    """The rows of each system, with what their labels say of every column.

    A row is shown if a sure record's number leads to it, never for an address alone: of a shared
    or mistyped address nobody can say whose row it is.
    """
    addresses = [one for one in own if one[0] in ("email", "phone")]
    pairs = record_ids(
        landing.connection,
        landing.contracts,
        landing.relations,
        sure,
        addresses,
        landing.matchers,
    )
    # The own addresses also name consent events; message rows come by their ids.
    consent = {"consent_consent_events"}
    found: dict[str, Any] = {}
    for table, relation in landing.relations.items():
        names = [*pairs, *addresses] if table in consent else pairs
        erased = ErasedRows(landing.connection, suppressed_of(keyed, names))
        rows = landing.marked(erased, table, None)
        if rows is not None:
            theirs = frozenset(value for _, value in known)
            described = _described(landing, relation, rows, theirs)
            found.setdefault(_system(relation), {})[table] = described
    return found


def _system(relation: Relation) -> str:
    return relation.table.split("_", 1)[0]


def _described(
    landing: Landing, relation: Relation, rows: str, theirs: frozenset[str]
) -> dict[str, Any]:
    matcher = landing.matchers[relation.table]
    contacts = {*matcher.emails, *matcher.phones}
    fields = [one for one in relation.fields if not one.column.name.startswith("_")]
    names = ", ".join(quote(one.column.name) for one in fields)
    table = f"landing.{quote(relation.table)}"
    result = landing.connection.execute(
        f"select distinct {names} from {table} where rowid in ({rows}) order by all"
    ).fetchall()
    return {
        "columns": {
            one.column.name: {
                "categories": sorted(one.label.categories),
                "purposes": sorted(one.label.purposes or ()),
                "kept_for_days": one.label.retention_days,
                "source": sorted(one.label.origin),
            }
            for one in fields
        },
        "rows": [
            _shown(dict(zip([f.column.name for f in fields], row, strict=True)), contacts, theirs)
            for row in result
        ],
    }


def _shown(row: dict[str, Any], contacts: set[str], theirs: frozenset[str]) -> dict[str, Any]:
    """A row's values; an address in it that is not known as theirs is somebody else's data."""
    country = row.get("country")
    return {
        name: NOT_THEIRS
        if name in contacts and value is not None and not _spellings(value, country) & theirs
        else _plain(value)
        for name, value in row.items()
    }


def _spellings(value: str, country: str | None) -> set[str | None]:
    return {value, normalise("email", value), normalise("phone", value, country)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _sure_identifiers(
    connection: duckdb.DuckDBPyConnection, subject: Subject
) -> list[tuple[str, str]]:
    """The identifiers that a sure record of the person carries: through the address of a record
    that is only probably theirs, they would read what another person said."""
    rows = connection.execute(
        "select distinct identifier_type, identifier from identity.id_person_identifiers "
        "where person_id = ? and assurance in ('A', 'B') and not is_restriction_only",
        [subject.person_id],
    ).fetchall()
    return sorted((kind, value) for kind, value in rows)


def _consent(store: Connection, own: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Every statement under a sure identifier that is the person's alone, the oldest first."""
    pairs = [pair for pair in own if pair[0] in IDENTIFIER_TYPES]
    if not pairs:
        return []
    return [
        {
            "said": event.action,
            "purpose": event.purpose,
            "channel": event.channel,
            "under": event.identifier_type,
            "at": event.occurred_at.isoformat(),
            "recorded_at": event.recorded_at.isoformat(),
            "notice": event.notice_version,
            "source": event.source,
            "until": event.expires_at.isoformat() if event.expires_at else None,
        }
        for event in history(store, pairs)
    ]


def _recipients(store: Connection, home: Home, subject: Subject) -> list[dict[str, Any]]:
    """Where data was sent, when it was last acknowledged, and which fields go there."""
    known = {spec.target: spec for spec in specs(home)}
    rows = store.execute(
        select(sync_state.c.sync, sync_state.c.purpose, sync_state.c.channel, sync_state.c.acked_at)
        .where(sync_state.c.person_id.in_(subject.person_ids), sync_state.c.acked_at.is_not(None))
        .order_by(sync_state.c.acked_at, sync_state.c.sync)
    )
    return [
        {
            "recipient": known[row.sync].processor if row.sync in known else row.sync,
            "region": known[row.sync].region if row.sync in known else None,
            "fields": list(known[row.sync].fields) if row.sync in known else [],
            "purpose": row.purpose,
            "channel": row.channel,
            "at": row.acked_at.isoformat(),
        }
        for row in rows
    ]


def _decisions(home: Home, subject: Subject) -> list[dict[str, Any]]:
    """Every decision about the person, with its reason in plain words."""
    if not (home.decision_log / "checkpoints").is_dir():
        return []
    log = open_log(home, writing=False)
    with open_warehouse(home.warehouse) as connection:
        rows = _logged(connection, subject)
    return [
        {"decision": decision_id, "at": at.isoformat(), "in_words": told(home, log, decision_id)}
        for decision_id, at in rows
    ]


def _logged(connection: duckdb.DuckDBPyConnection, subject: Subject) -> list[tuple[str, datetime]]:
    return connection.execute(
        "select decision_id, as_of from activation.decision_log "
        "where list_contains($ids, person_id) order by as_of, decision_id",
        {"ids": list(subject.person_ids)},
    ).fetchall()
