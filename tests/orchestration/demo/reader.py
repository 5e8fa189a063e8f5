"""A simple reader of landing zones that shares no code with the generator or the loader."""

import csv
import gzip
import io
import json
import re
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

Row = dict[str, str]
NAMING = ("crm/contacts", "policy/policyholders", "service/tickets", "product/accounts")

COLUMNS = {
    "crm/contacts": (
        "contact_id given_name family_name date_of_birth email phone street city postcode country "
        "preferred_language timezone created_at updated_at"
    ),
    "policy/policyholders": (
        "customer_number crm_contact_id given_name family_name date_of_birth email phone street "
        "city postcode country updated_at"
    ),
    "policy/policies": (
        "policy_number customer_number product_line status started_on renews_on annual_premium "
        "currency auto_renew"
    ),
    "policy/claims": "claim_number policy_number status opened_at closed_at amount",
    "billing/invoices": (
        "invoice_number policy_number billing_email amount currency issued_on due_on paid_on"
    ),
    "service/tickets": (
        "ticket_id requester_name requester_email requester_phone country topic severity "
        "opened_at resolved_at"
    ),
    "service/satisfaction": "ticket_id score comment responded_at",
    "product/accounts": "account_id login_email customer_number device_id country created_at",
    "product/milestones": "account_id milestone reached_at",
    "communications/messages": "message_id channel address template purpose sent_at",
    "communications/engagement": "message_id kind occurred_at",
    "events/login": "specversion id source type time datacontenttype data",
    "events/feature_used": "specversion id source type time datacontenttype data",
    "events/claim_milestone": "specversion id source type time datacontenttype data",
    "events/ticket_resolved": "specversion id source type time datacontenttype data",
    "consent/consent_events": (
        "event_id identifier_type identifier purpose channel action notice_version source "
        "jurisdiction occurred_at expires_at"
    ),
}
KEYS = {
    "crm/contacts": r"C[0-9A-Z]{8}",
    "policy/policyholders": r"\d{10}",
    "policy/policies": r"POL-[0-9A-Z]{9}",
    "policy/claims": r"CLM-[0-9A-Z]{8}",
    "billing/invoices": r"INV-[0-9A-Z]{10}",
    "service/tickets": r"T[0-9A-Z]{9}",
    "service/satisfaction": r"T[0-9A-Z]{9}",
    "product/accounts": r"A[0-9A-Z]{10}",
    "product/milestones": r"A[0-9A-Z]{10}",
    "communications/messages": r"M[0-9A-Z]{10}",
    "communications/engagement": r"M[0-9A-Z]{10}",
    "consent/consent_events": r"[0-9a-f]{24}",
}


def entity_of(file: Path, landing: Path) -> str:
    """system/entity of a file: its folder and what its stem begins with."""
    parts = file.relative_to(landing).parts
    return f"{parts[0]}/{re.split(r'[-.]', parts[1])[0]}"


def files_of(landing: Path, entity: str) -> list[Path]:
    """The entity's files, the undated first, then by name."""
    found = [f for f in landing.rglob("*") if f.is_file() and entity_of(f, landing) == entity]
    return sorted(found, key=lambda file: re.sub(r"\..*", "", file.relative_to(landing).as_posix()))


def text(file: Path) -> str:
    """The file's text, unpacked, with its line ends as they are."""
    content = file.read_bytes()
    return (gzip.decompress(content) if file.suffix == ".gz" else content).decode()


def sound_rows(file: Path, entity: str) -> list[dict[str, Any]]:
    """The rows that a careful loader accepts; columns nobody announced are left out."""
    if file.suffix == ".parquet":
        rows = pq.read_table(file).to_pylist()
        return [row | {"reached_at": row["reached_at"].isoformat()} for row in rows]
    return [row for row, fault in judged_rows(file, entity) if fault is None]


def faults_of(file: Path, entity: str) -> dict[str, int]:
    """How many rows of the file are wrong, by kind."""
    if file.suffix == ".parquet":
        return {}
    return dict(Counter(fault for _, fault in judged_rows(file, entity) if fault is not None))


def judged_rows(file: Path, entity: str) -> list[tuple[dict[str, Any], str | None]]:
    """Each row of a CSV or JSON Lines file, with what is wrong with it."""
    if ".jsonl" in file.name:
        return [_judged_json(line, entity) for line in text(file).splitlines()]
    header, *records = csv.reader(io.StringIO(text(file), newline=""))
    return [_judged_fields(header, fields, entity) for fields in records]


def _judged_fields(header: list[str], fields: list[str], entity: str) -> tuple[Row, str | None]:
    if len(fields) != len(header):
        return {}, "too_many_fields" if len(fields) > len(header) else "too_few_fields"
    row = dict(zip(header, fields, strict=True))
    announced = {name: row[name] for name in COLUMNS[entity].split()}
    return announced, _fault_of_fields(announced, entity)


def _fault_of_fields(row: Row, entity: str) -> str | None:
    for name, value in row.items():
        if value == "":
            if name == next(iter(row)):
                return "missing_key"
        elif name.endswith("_at") and not _parses(datetime.fromisoformat, value):
            return "unparseable_timestamp"
        elif (name.endswith("_on") or name == "date_of_birth") and not _parses(
            date.fromisoformat, value
        ):
            return "unparseable_date"
        elif name in {"amount", "annual_premium", "score"} and not _parses(float, value):
            return "wrong_type"
    return None


def _judged_json(line: str, entity: str) -> tuple[dict[str, Any], str | None]:
    try:
        pairs = json.loads(line, object_pairs_hook=list)
    except json.JSONDecodeError:
        return {}, "malformed_json"
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        return {}, "duplicate_json_key"
    row = json.loads(line)
    if set(names) != set(COLUMNS[entity].split()):
        return row, "missing_key"
    moment = row["time"] if "time" in row else row["occurred_at"]
    if not _parses(datetime.fromisoformat, moment):
        return row, "unparseable_timestamp"
    if "data" in row and not isinstance(row["data"], dict):
        return row, "wrong_type"
    if "type" in row and row["type"] != f"com.insurer.{entity.split('/')[1]}":
        return row, "unknown_event_type"
    if row.get("action") == "granted" and "*" in (row["purpose"], row["channel"]):
        return row, "wildcard_grant"
    return row, None


def person_of(truth: Path) -> dict[str, int]:
    """The person that each record of the truth names."""
    with truth.open(encoding="utf-8", newline="") as file:
        return {row["record_id"]: int(row["person"]) for row in csv.DictReader(file)}


def person_of_identifier(truth: Path, landing: Path) -> dict[str, int]:
    """The person behind contact ids, customer numbers, accounts, and the contacts' e-mails."""
    person = person_of(truth)
    for row in sound_rows(landing / "crm/contacts.csv", "crm/contacts"):
        person.setdefault(row["email"].strip().lower(), person[row["contact_id"]])
    person.pop("", None)
    return person


def named_in(truth: Path) -> list[tuple[str, str, str]]:
    """system, entity and record_id of each row of the truth."""
    with truth.open(encoding="utf-8", newline="") as file:
        return [(row["system"], row["entity"], row["record_id"]) for row in csv.DictReader(file)]


def naming_records(landing: Path) -> set[tuple[str, str, str]]:
    """system, entity and record_id of each sound record that names a person."""
    return {
        (*entity.split("/"), row[COLUMNS[entity].split()[0]])
        for entity in NAMING
        for row in all_rows(landing, entity)
    }


def by_key(file: Path, entity: str) -> dict[str, dict[str, Any]]:
    """The file's sound rows by their first column."""
    return {row[COLUMNS[entity].split()[0]]: row for row in sound_rows(file, entity)}


def all_rows(landing: Path, entity: str) -> list[dict[str, Any]]:
    """Every sound row of every file of the entity."""
    return [row for file in files_of(landing, entity) for row in sound_rows(file, entity)]


def _parses(parse: Any, value: str) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True
