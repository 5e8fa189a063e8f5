"""The receipt of an erasure: what was removed where, signed, without a value of the person."""

import json
import os
from pathlib import Path
from typing import Any

from activation.log.durable import PRIVATE, make_directory, publish_bytes
from activation.log.keys import load_or_create_key
from orchestration.decision_log import LOG_ORIGIN
from orchestration.environment import Home

FORMAT = "assent.erasure/1"


def receipts_directory(home: Home) -> Path:
    return home.path / "receipts"


def sign(home: Home, document: dict[str, Any]) -> str:
    """The receipt as a C2SP signed note: its text is one line of JSON, its key the log's."""
    key = load_or_create_key(home.keys, origin=LOG_ORIGIN, entropy=os.urandom)
    return key.sign(json.dumps({"format": FORMAT, **document}, sort_keys=True) + "\n")


def write(home: Home, erasure_id: str, note: str) -> tuple[Path, Path]:
    """Write the signed note and a readable copy; returns both paths."""
    folder = receipts_directory(home)
    make_directory(folder, 0o700)
    signed, readable = folder / f"{erasure_id}.note", folder / f"{erasure_id}.md"
    publish_bytes(signed, note.encode(), mode=PRIVATE, replace=True)
    publish_bytes(readable, in_words(document_of(note)).encode(), mode=PRIVATE, replace=True)
    return signed, readable


def document_of(note: str) -> dict[str, Any]:
    """What a receipt says. The signature is not checked here; PublicKey.open does that."""
    document: dict[str, Any] = json.loads(note.split("\n", 1)[0])
    return document


def in_words(document: dict[str, Any]) -> str:
    """The receipt for a person to read (Markdown)."""
    lines = [
        f"# Receipt of erasure {document['erasure_id']}",
        "",
        f"Asked for at {document['requested_at']} by {document['actor']}: {document['reason']}.",
        f"Completed at {document['completed_at']}.",
        f"Subject, as a keyed hash: `{document['subject_hash']}`.",
        "",
        "| where | what went | count |",
        "|---|---|---|",
    ]
    steps = document["steps"]
    lines += [f"| {one} | rows | {n} |" for one, n in steps["landing"]["rows"].items()]
    lines += [
        f"| landing.quarantine | rows | {steps['landing']['quarantine']} |",
        f"| export files in the home | files rewritten | {steps['landing']['files']} |",
        f"| decision log | openings | {steps['log']['openings']} |",
        f"| consent ledger | identifiers | {steps['store']['consent_event']} |",
        *(
            f"| store.{table} | rows | {count} |"
            for table, count in steps["store"].items()
            if table != "consent_event"
        ),
        "",
        "| destination | processor | held | removals acknowledged | note |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {one['target']} | {one['processor']} | {one['held']} | {one['acknowledged']} "
        f"| {one['note']} |"
        for one in steps["destinations"]["answers"]
    ]
    for relation, kept in document["kept"].items():
        lines += [
            "",
            f"Kept and restricted: {kept['rows']} rows of {relation}: {kept['obligation']}.",
        ]
    scanned = steps["scan"]
    lines += [
        "",
        f"Kept as proof: {document['decisions_kept']} rows of the decision log, which name person "
        "and subject ids alone; the log still verifies.",
        f"Identifiers shared with others, which stay theirs: {document['shared_identifiers']}; "
        f"{steps['identity']['kept_weak']} overrides of identity (hashes) keep what was shared "
        "from joining anybody now. "
        f"Records that are only probably the person's, left for review: "
        f"{document['uncertain_records']}.",
        f"Searched afterwards: {scanned['files']} files, {scanned['bytes']} bytes; found in "
        f"{len(scanned['found'])} places.",
        f"{document['suppressed']} identifiers stay suppressed as keyed hashes.",
        *(f"- remains in {place}: {hits}" for place, hits in scanned["found"]),
        "",
        *document["outside"],
        "",
    ]
    return "\n".join(lines)
