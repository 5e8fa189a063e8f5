"""Turns what landed into ledger events: consent exports, and what people did with messages.

An unsubscribe is a withdrawal of marketing on the message's channel for the message's address; a
bounce or a complaint suppresses that address. Engagement is attributed on the run on which its
message is known, however late that is.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine

from activation.consent.chain import digest
from activation.consent.events import ConsentEvent, InvalidEvent
from activation.consent.identifiers import normalise
from activation.consent.landing_sql import CONSENT_EVENTS_SQL, ENGAGEMENT_SQL, LEDGER_COPY_SQL
from activation.consent.ledger import Watermark, append, known_event_ids, watermark
from activation.consent.notices import load_notices, with_known_notice
from activation.consent.vocabulary import ADDRESS_TYPE, ANY, RESTRICTIVE_ACTIONS
from activation.store import transaction
from activation.store.metadata import instant_text

ENGAGEMENT_SOURCE = "engagement"
UNKNOWN_SOURCE = "unknown"


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that could not be recorded: its id, the field at fault and the fix."""

    event_id: str
    field: str
    fix: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did: new events, events known already, and those it refused, with reasons.

    `refused` comes back on every run until the export is mended: a withdrawal under an identifier
    that nobody can read needs a person's attention.
    """

    appended: int
    repeated: int
    refused: tuple[Refused, ...]
    watermark: Watermark


def import_from_warehouse(
    warehouse: duckdb.DuckDBPyConnection,
    engine: Engine,
    *,
    recorded_at: datetime,
    notices: Set[str] | None = None,
) -> ImportReport:
    """Record every landed event that store.consent_event, the last copy, does not hold yet.

    `notices` are the versions that a grant may name; None stands for those of notices.yml.

    Reads landing.consent_consent_events, landing.communications_messages and
    landing.communications_engagement; makes an empty store.consent_event where there is none.
    """
    warehouse.execute(LEDGER_COPY_SQL)
    consent_events = warehouse.execute(CONSENT_EVENTS_SQL).to_arrow_table()
    engagement = warehouse.execute(ENGAGEMENT_SQL).to_arrow_table()
    return import_events(
        engine,
        consent_events,
        engagement,
        recorded_at=recorded_at,
        notices=load_notices().versions if notices is None else notices,
    )


def import_events(
    engine: Engine,
    consent_events: pa.Table,
    engagement: pa.Table,
    *,
    recorded_at: datetime,
    notices: Set[str],
) -> ImportReport:
    """Record the events of two tables, oldest first, in one transaction.

    `consent_events` has the columns of landing.consent_consent_events and `is_correction`: whether
    the ledger holds the event_id with other content. `engagement` has message_id, kind,
    occurred_at, channel and address. Both may hold events that the ledger knows: they count as
    repeated.
    """
    refused: list[Refused] = []
    identifiers: dict[tuple[str, str, str | None], str | None] = {}
    events: list[ConsentEvent] = []
    drafts = [*_from_consent_events(consent_events), *_from_engagement(engagement)]
    with engine.connect() as connection:
        ids = [draft["event_id"] for draft in drafts] if watermark(connection).seq else []
        known = known_event_ids(connection, ids)
    for draft in drafts:
        if draft["event_id"] in known and "refusal" not in draft:
            continue
        key = (draft["identifier_type"], draft["identifier"], draft["jurisdiction"])
        try:
            if key not in identifiers:
                identifiers[key] = _normalised(draft)
            event = _checked(draft, identifiers[key], recorded_at)
            events.append(with_known_notice(event, notices))
        except InvalidEvent as error:
            refused.append(Refused(error.event_id, error.field, error.fix))
    # The order of files must not show in the chain.
    events.sort(key=attrgetter("occurred_at", "event_id"))
    with transaction(engine) as connection:
        result = append(connection, events)
    repeated = len(drafts) - len(refused) - result.appended
    return ImportReport(result.appended, repeated, tuple(refused), result.watermark)


def engagement_event_id(message_id: str, kind: str, occurred_at: datetime) -> str:
    """The id of the event that an engagement gives rise to: the same on every import."""
    return digest(["engagement", message_id, kind, instant_text(occurred_at)])


def _from_consent_events(table: pa.Table) -> Iterator[dict[str, Any]]:
    columns = {name: _without_blanks(table[name]) for name in _CONSENT_FIELDS}
    columns["source"] = pc.fill_null(columns["source"], UNKNOWN_SOURCE)
    given = pa.table(columns | {"evidence": pa.nulls(len(table), pa.string())})
    for draft, is_correction in zip(_rows(given), table["is_correction"].to_pylist(), strict=True):
        yield _correction(draft) if is_correction else draft


def _without_blanks(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_string(column.type):
        return column
    return pc.if_else(pc.equal(column, ""), None, column)


_CONSENT_FIELDS = (
    "event_id",
    "identifier_type",
    "identifier",
    "purpose",
    "channel",
    "action",
    "notice_version",
    "source",
    "jurisdiction",
    "occurred_at",
    "expires_at",
)


def _correction(draft: dict[str, Any]) -> dict[str, Any]:
    # What was recorded stays recorded. A correction that restricts is one more event; one that
    # permits is refused, since an export must not take a person's refusal back.
    original = draft["event_id"]
    if draft["action"] not in RESTRICTIVE_ACTIONS:
        return {
            **draft,
            "refusal": ("event_id", "was recorded otherwise; give the change a new id"),
        }
    content = [
        instant_text(value) if isinstance(value, datetime) else value for value in draft.values()
    ]
    return {
        **draft,
        "event_id": digest(["correction", *content]),
        "evidence": f"corrects {original}",
    }


def _from_engagement(table: pa.Table) -> Iterator[dict[str, Any]]:
    for row in _rows(table):
        is_withdrawal = row["kind"] == "unsubscribed"
        yield {
            "event_id": engagement_event_id(row["message_id"], row["kind"], row["occurred_at"]),
            "identifier_type": ADDRESS_TYPE.get(row["channel"]),
            "identifier": row["address"],
            "purpose": "marketing" if is_withdrawal else ANY,
            "channel": row["channel"],
            "action": "withdrawn" if is_withdrawal else "suppressed",
            "notice_version": None,
            "source": ENGAGEMENT_SOURCE,
            "jurisdiction": None,
            "evidence": engagement_evidence(row["message_id"], row["kind"]),
            "occurred_at": row["occurred_at"],
            "expires_at": None,
        }


def engagement_evidence(message_id: str, kind: str) -> str:
    """What a derived event names as its proof."""
    return f"engagement {message_id} {kind}"


def _normalised(draft: Mapping[str, Any]) -> str | None:
    identifier_type, identifier = draft["identifier_type"], draft["identifier"]
    if identifier_type is None or identifier is None:
        return None
    try:
        return normalise(identifier_type, identifier, draft["jurisdiction"])
    except ValueError:
        return None


def _checked(
    draft: Mapping[str, Any], identifier: str | None, recorded_at: datetime
) -> ConsentEvent:
    if "refusal" in draft:
        raise InvalidEvent(draft["event_id"], *draft["refusal"])
    if identifier is None:
        fix = f"is no readable {draft['identifier_type'] or 'address of an identifier'}"
        raise InvalidEvent(draft["event_id"], "identifier", fix)
    return ConsentEvent(**{**draft, "identifier": identifier, "recorded_at": recorded_at})


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    names = table.column_names
    for values in zip(*(column.to_pylist() for column in table.columns), strict=True):
        yield dict(zip(names, values))  # noqa: B905 - as many as the columns, 200,000 times
