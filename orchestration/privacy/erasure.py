"""Erases one person everywhere (GDPR Article 17), step by step, and writes the receipt.

Each step can be repeated without harm and is noted when it is done, so the next call completes what
a crash cut short. Suppression comes first: from then on nobody can send to, or load, the person.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, delete, or_

from activation.consent.chain import digest
from activation.consent.redaction import redact
from activation.log.durable import remove
from activation.privacy import journal
from activation.privacy.journal import Request
from activation.privacy.keyed import Keyed
from activation.privacy.permit import permitted
from activation.privacy.settings import Exemption
from activation.store import opened_store, transaction
from activation.store.tables import approval, identity_change, identity_map, identity_override
from activation.syncs.erasing import forget_person
from orchestration.decision_log import open_log
from orchestration.environment import Home
from orchestration.landing.erased import ErasedRows
from orchestration.privacy import receipt
from orchestration.privacy.compaction import compact_store, compact_warehouse
from orchestration.privacy.derived import forget_unused_numbers, rebuild
from orchestration.privacy.destinations import erase_everywhere, erase_outbox
from orchestration.privacy.holding import about_them_alone, hold
from orchestration.privacy.landing_erasure import (
    Landing,
    erase_files,
    erase_quarantine,
    erase_rows,
    erase_truth,
    suppressed_of,
)
from orchestration.privacy.landing_files import pattern_of
from orchestration.privacy.plan import ErasurePlan, keep, kept, make_plan, plan_file
from orchestration.privacy.scan import scan, words
from orchestration.privacy.subject import Subject, SubjectError, find_subject
from orchestration.privacy.suppressing import in_ledger, suppress
from orchestration.secret_keys import ERASURE_KEY_FILE, identity_hash_key, secret_key
from orchestration.warehouse import open_warehouse, warehouse_transaction

OUTSIDE = (
    "Not ours to reach: backups, exports kept outside the home, and what destinations passed on.",
)


class ErasureIncomplete(RuntimeError):
    """A step could not be completed; the message says which, and the same command resumes it."""


@dataclass(frozen=True)
class ErasureOutcome:
    """The receipt's document and where it was written; `repeated`: it was done before."""

    document: Mapping[str, Any]
    files: tuple[Path, ...]
    repeated: bool = False


@dataclass(frozen=True)
class _Erasure:
    home: Home
    engine: Engine
    keyed: Keyed
    request: Request
    plan: ErasurePlan
    exemptions: Sequence[Exemption]
    as_of: datetime


def dry_run(
    home: Home, given: str, exemptions: Sequence[Exemption], as_of: datetime
) -> ErasurePlan:
    """What an erasure would remove. Raises SubjectError."""
    keyed = Keyed(secret_key(home, ERASURE_KEY_FILE))
    with open_warehouse(home.warehouse) as connection:
        subject = find_subject(connection, given)
        return make_plan(Landing.of(connection), subject, keyed, exemptions, as_of)


def erase(
    home: Home,
    given: str,
    *,
    reason: str,
    actor: str,
    exemptions: Sequence[Exemption],
    as_of: datetime,
) -> ErasureOutcome:
    """Erase the person that `given` means, or resume, or show the receipt of what was done before.

    Raises SubjectError for nobody or several, ErasureIncomplete where a destination did not answer
    or identifiers remain somewhere.
    """
    keyed = Keyed(secret_key(home, ERASURE_KEY_FILE))
    with opened_store(home.store_url) as engine:
        request = _find_or_begin(home, engine, keyed, given, reason, actor, exemptions, as_of)
        if isinstance(request, str):
            return ErasureOutcome(receipt.document_of(request), (), repeated=True)
        plan = kept(home, request.erasure_id)
        return _carry_out(_Erasure(home, engine, keyed, request, plan, exemptions, as_of))


def _find_or_begin(
    home: Home,
    engine: Engine,
    keyed: Keyed,
    given: str,
    reason: str,
    actor: str,
    exemptions: Sequence[Exemption],
    as_of: datetime,
) -> Request | str:
    with engine.connect() as connection:
        under_way = journal.open_request(connection, {keyed.hash("subject", given.strip())})
        if under_way is not None:
            return under_way
        earlier = journal.receipt_of(connection, {keyed.hash("subject", given.strip())})
    try:
        with open_warehouse(home.warehouse) as connection:
            subject = find_subject(connection, given)
            plan = make_plan(Landing.of(connection), subject, keyed, exemptions, as_of)
    except SubjectError:
        if earlier is not None:
            return earlier
        raise
    request = _request(keyed, subject, given, reason, actor, as_of)
    keep(home, request.erasure_id, plan)
    with transaction(engine) as store:
        journal.begin(store, request)
    return request


def _request(
    keyed: Keyed,
    subject: Subject,
    given: str,
    reason: str,
    actor: str,
    as_of: datetime,
) -> Request:
    asked = keyed.hash("subject", given.strip())
    erasure_id = "e_" + digest(["erasure", subject.person_id, as_of.isoformat(), asked])[:24]
    return Request(erasure_id, asked, reason, actor, as_of)


def _carry_out(erasure: _Erasure) -> ErasureOutcome:
    steps: dict[str, Callable[[_Erasure], Mapping[str, Any]]] = {
        "suppress": _suppress,
        "destinations": _destinations,
        "log": _log,
        "landing": _landing,
        "identity": _identity,
        "store": _store,
        "rebuild": _rebuild,
        "outbox": _outbox,
    }
    identifier = erasure.request.erasure_id
    done = journal.steps_done(erasure.engine, identifier)
    for name, step in steps.items():
        if name not in done:
            detail = step(erasure)
            journal.finish_step(erasure.engine, identifier, name, detail, erasure.as_of)
    return _conclude(erasure)


def _suppress(erasure: _Erasure) -> Mapping[str, Any]:
    """Nobody may send to them or load them from now on."""
    with transaction(erasure.engine) as store:
        return {"identifiers": suppress(store, erasure.keyed, erasure.request, erasure.plan)}


def _destinations(erasure: _Erasure) -> Mapping[str, Any]:
    answers = erase_everywhere(erasure.home, erasure.engine, erasure.plan.person_ids, erasure.as_of)
    open_ones = [one["target"] for one in answers if not one["complete"]]
    if open_ones:
        raise ErasureIncomplete(
            f"not acknowledged yet: {', '.join(open_ones)}; the person is suppressed meanwhile. "
            "Mend the destination, and run the same command again"
        )
    return {"answers": answers}


def _log(erasure: _Erasure) -> Mapping[str, Any]:
    if not (erasure.home.decision_log / "checkpoints").is_dir():
        return {"openings": 0}
    return {"openings": open_log(erasure.home, writing=True).erase(erasure.plan.person_ids)}


def _landing(erasure: _Erasure) -> Mapping[str, Any]:
    plan = erasure.plan
    pattern = pattern_of(plan.values)
    with open_warehouse(erasure.home.warehouse) as connection:
        landing = Landing.of(connection)
        erased = ErasedRows(connection, suppressed_of(erasure.keyed, plan.pairs))
        with warehouse_transaction(connection):
            erase_rows(landing, erased, erasure.exemptions, erasure.request.requested_at)
            quarantined = erase_quarantine(connection, words(pattern) if pattern else None)
        files = erase_files(erasure.home, landing, plan.lines, plan.values)
        forget_unused_numbers(connection)
    files += erase_truth(erasure.home, plan.values)
    return {"rows": plan.rows, "quarantine": quarantined, "files": files}


def _identity(erasure: _Erasure) -> Mapping[str, Any]:
    """What joined nobody while the person was there joins nobody without them."""
    request = erasure.request
    with transaction(erasure.engine) as store:
        kept_weak = hold(
            store,
            erasure.plan.holding,
            identity_hash_key(erasure.home).key_id,
            author=request.erasure_id,
            at=request.requested_at,
        )
    return {"kept_weak": kept_weak}


def _store(erasure: _Erasure) -> Mapping[str, Any]:
    plan = erasure.plan
    keys, persons = plan.record_keys, plan.person_ids
    conditions = {
        identity_map: identity_map.c.record_key.in_(keys),
        identity_change: identity_change.c.record_key.in_(keys),
        identity_override: or_(
            identity_override.c.record_key.in_(keys),
            identity_override.c.other_record_key.in_(keys),
            about_them_alone(plan.holding),
        ),
        approval: approval.c.person_id.in_(persons),
    }
    with transaction(erasure.engine) as store, permitted(store, erasure.request.erasure_id):
        gone = {"consent_event": redact(store, in_ledger(plan.own))}
        for table, condition in conditions.items():
            gone[table.name] = store.execute(delete(table).where(condition)).rowcount
        gone |= forget_person(store, persons)
    return gone


def _rebuild(erasure: _Erasure) -> Mapping[str, Any]:
    return {"selectors": rebuild(erasure.home, erasure.as_of)}


def _outbox(erasure: _Erasure) -> Mapping[str, Any]:
    return {"rows": erase_outbox(erasure.home, erasure.plan.person_ids, erasure.plan.values)}


def _conclude(erasure: _Erasure) -> ErasureOutcome:
    """Compact, search what is left, sign, and let the plan go."""
    home, plan, request = erasure.home, erasure.plan, erasure.request
    compact_warehouse(home.warehouse)
    compact_store(erasure.engine)
    found = scan(home, plan.values, plan.in_proof, leave_out=plan_file(home, request.erasure_id))
    detail = {"files": found.files, "bytes": found.bytes, "found": [list(f) for f in found.found]}
    journal.finish_step(erasure.engine, request.erasure_id, "scan", detail, erasure.as_of)
    document = {
        "erasure_id": request.erasure_id,
        "subject_hash": request.subject_hash,
        "reason": request.reason,
        "actor": request.actor,
        "requested_at": request.requested_at.isoformat(),
        "completed_at": erasure.as_of.isoformat(),
        "steps": journal.steps_done(erasure.engine, request.erasure_id),
        "kept": plan.kept,
        "shared_identifiers": plan.shared,
        "uncertain_records": plan.uncertain_records,
        "decisions_kept": _decisions_of(home, plan.person_ids),
        "suppressed": len(plan.suppress),
        "outside": list(OUTSIDE),
    }
    note = receipt.sign(home, document)
    files = receipt.write(home, request.erasure_id, note)
    if found.found:
        journal.reopen(erasure.engine, request.erasure_id, ("landing", "rebuild", "outbox"))
        places = "; ".join(f"{place}: {hits}" for place, hits in found.found)
        raise ErasureIncomplete(f"identifiers remain in {places}. The receipt says so: {files[1]}")
    journal.complete(erasure.engine, request.erasure_id, note)
    remove(plan_file(home, request.erasure_id))
    return ErasureOutcome(receipt.document_of(note), files)


def _decisions_of(home: Home, person_ids: Sequence[str]) -> int:
    with open_warehouse(home.warehouse) as connection:
        row = connection.execute(
            "select count(*) from activation.decision_log where list_contains($ids, person_id)",
            {"ids": list(person_ids)},
        ).fetchone()
    return int(row[0]) if row else 0
