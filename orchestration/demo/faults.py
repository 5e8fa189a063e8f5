"""Rows that landing must refuse, declared as data and added to otherwise sound files.

Each is a copy of a sound row under another key, so that the sound row stays as it is.
"""

import csv
import io
import json
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from orchestration.demo.rates import FAULT_SHARE, FAULTS_AT_LEAST
from orchestration.demo.streams import Streams

_DATA = "data"


class Fault(NamedTuple):
    """A kind of fault of a file, and for faults of one field the field and its text."""

    file: str
    kind: str
    field: str = ""
    text: str = ""


FAULTS = (
    Fault("crm/contacts.csv", "too_many_fields"),
    Fault("crm/contacts.csv", "too_few_fields"),
    Fault("crm/contacts.csv", "missing_key", "contact_id", ""),
    Fault("crm/contacts.csv", "unparseable_date", "date_of_birth", "2026-13-45"),
    Fault("policy/policyholders.csv", "unparseable_timestamp", "updated_at", "last Tuesday"),
    Fault("policy/policies.csv", "unparseable_date", "renews_on", "2026-13-45"),
    Fault("policy/policies.csv", "wrong_type", "annual_premium", "n/a"),
    Fault("policy/claims.csv", "wrong_type", "amount", "n/a"),
    Fault("billing/invoices.csv", "wrong_type", "amount", "n/a"),
    Fault("billing/invoices.csv", "too_few_fields"),
    Fault("service/tickets.csv", "unparseable_timestamp", "opened_at", "yesterday, 10:15"),
    Fault("service/satisfaction.csv", "wrong_type", "score", "good"),
    Fault("product/milestones.csv", "missing_key", "account_id", ""),
    Fault(
        "communications/engagement.csv",
        "unparseable_timestamp",
        "occurred_at",
        "2026-11-31T25:61:00+00:00",
    ),
    Fault("events/login.jsonl", "malformed_json"),
    Fault("events/login.jsonl", "duplicate_json_key", "id"),
    Fault("events/login.jsonl", "unknown_event_type", "type", "com.insurer.page_viewed"),
    Fault("events/login.jsonl", "missing_key", "id"),
    Fault(
        "events/feature_used.jsonl", "unparseable_timestamp", "time", "2026-13-45T00:00:00+00:00"
    ),
    Fault("events/claim_milestone.jsonl", "wrong_type", _DATA, "none"),
    Fault("events/ticket_resolved.jsonl", "malformed_json"),
    Fault("consent/consent_events.jsonl", "malformed_json"),
    Fault("consent/consent_events.jsonl", "duplicate_json_key", "action"),
    Fault("consent/consent_events.jsonl", "missing_key", "event_id"),
    Fault("consent/consent_events.jsonl", "wildcard_grant"),
)


def with_faults(
    streams: Streams, file: str, table: pa.Table, lines: pa.Array
) -> tuple[pa.Array, dict[str, int]]:
    """The file's lines with the faults declared for it among them, and how many there are of each
    kind.
    """
    counts: dict[str, int] = {}
    faulty: list[str] = []
    for fault in FAULTS:
        if fault.file != file or not len(lines):
            continue
        count = max(FAULTS_AT_LEAST, round(FAULT_SHARE * len(lines)))
        rows = streams.stream(file, fault.kind, "rows").integers(0, len(lines), count)
        sound = lines.take(pa.array(rows)).to_pylist()
        keys = (
            table.column(1 if "specversion" in table.column_names else 0)
            .take(pa.array(rows))
            .to_pylist()
        )
        make = _faulty_json if file.endswith(".jsonl") else _faulty_csv
        faulty += [
            make(line, _other_key(key), fault, table.column_names)
            for line, key in zip(sound, keys, strict=True)
        ]
        counts[fault.kind] = count
    if not faulty:
        return lines, counts
    places = np.sort(streams.stream(file, "places").integers(0, len(lines) + 1, len(faulty)))
    order = np.insert(np.arange(len(lines)), places, len(lines) + np.arange(len(faulty)))
    return pa.concat_arrays([lines, pa.array(faulty, pa.string())]).take(pa.array(order)), counts


def _other_key(key: str) -> str:
    """A key like this one, which no sound row has: the codes of sound rows are spread, these end
    alike.
    """
    return key[:-3] + ("000" if not key.endswith("000") else "001")


def _faulty_csv(line: str, key: str, fault: Fault, columns: list[str]) -> str:
    fields = next(csv.reader(io.StringIO(line, newline="")))
    fields[0] = key
    if fault.kind == "too_many_fields":
        fields.append("surplus")
    elif fault.kind == "too_few_fields":
        fields = fields[:-2]
    else:
        fields[columns.index(fault.field)] = fault.text
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="").writerow(fields)
    return buffer.getvalue()


def _faulty_json(line: str, key: str, fault: Fault, columns: list[str]) -> str:
    row = json.loads(line)
    row["id" if "id" in columns else "event_id"] = key
    if fault.kind == "missing_key":
        del row[fault.field]
    elif fault.kind == "wildcard_grant":
        row.update(action="granted", purpose="*", channel="*")
    elif fault.text:
        row[fault.field] = fault.text
    text = json.dumps(row, ensure_ascii=False)
    if fault.kind == "malformed_json":
        return text[: len(text) // 2]
    if fault.kind == "duplicate_json_key":
        return text[:-1] + f', "{fault.field}": {json.dumps(row[fault.field])}}}'
    return text
