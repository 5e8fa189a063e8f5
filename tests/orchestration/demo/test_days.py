"""The days after the base world: what is new, changed, late, repeated and withdrawn."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from orchestration.demo import write_day, write_world
from tests.orchestration.demo.reader import (
    COLUMNS,
    all_rows,
    by_key,
    entity_of,
    faults_of,
    named_in,
    naming_records,
    person_of,
    person_of_identifier,
    sound_rows,
)
from tests.orchestration.demo.worlds import AS_OF, DAYS, PEOPLE, SEED, Written, digests

DATES = ("2026-11-21", "2026-11-22", "2026-11-23")


def rows_of(later: Written, day: int, entity: str) -> list[dict[str, str]]:
    file = next(later.landing.glob(f"{entity}-{DATES[day - 1]}.*"))
    return sound_rows(file, entity)


def test_a_day_adds_files_and_leaves_the_others_as_they_were(base: Written, later: Written) -> None:
    after = digests(later.landing)
    assert later.digests == base.digests
    assert {name: after[name] for name in base.digests} == base.digests
    added = after.keys() - base.digests.keys()
    assert added == {one.file for day in later.days for one in day.files}
    assert all(any(date in name for date in DATES) for name in added)


def test_days_written_at_once_equal_days_written_one_by_one(later: Written, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    summary = write_world(landing, people=PEOPLE, seed=SEED, as_of=AS_OF, days=DAYS)
    assert digests(landing) == digests(later.landing)
    assert summary.truth.read_bytes() == later.truth.read_bytes()
    assert summary.named == later.summary.named + sum(day.named for day in later.days)


def test_a_day_written_again_changes_nothing(later: Written) -> None:
    before, truth = digests(later.landing), later.truth.read_bytes()
    write_day(later.landing, people=PEOPLE, seed=SEED, as_of=AS_OF, day=2)
    assert digests(later.landing) == before
    assert later.truth.read_bytes() == truth


def test_a_day_needs_its_base_world(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="write the base world first"):
        write_day(tmp_path / "none", people=50, seed=1, as_of=AS_OF, day=1)
    with pytest.raises(ValueError, match="day must be 1 or more"):
        write_day(tmp_path / "none", people=50, seed=1, as_of=AS_OF, day=0)


def test_nothing_of_a_day_happens_after_it(later: Written) -> None:
    for day, date in enumerate(DATES, start=1):
        for file in later.landing.rglob(f"*{date}*"):
            entity = entity_of(file, later.landing)
            assert not faults_of(file, entity) or "redelivered" in file.name
            for row in sound_rows(file, entity):
                moments = [
                    value
                    for name, value in row.items()
                    if name == "time" or (name.endswith("_at") and name != "expires_at")
                ]
                limit = AS_OF + timedelta(days=day)
                assert all(datetime.fromisoformat(moment) <= limit for moment in moments if moment)


@pytest.mark.parametrize("day", [1, 2, 3])
def test_a_day_has_new_people_and_new_records_of_known_people(later: Written, day: int) -> None:
    person = person_of(later.truth)
    known = {
        row["contact_id"] for row in sound_rows(later.landing / "crm/contacts.csv", "crm/contacts")
    }
    new = [
        person[row["contact_id"]]
        for row in rows_of(later, day, "crm/contacts")
        if row["contact_id"] not in known
    ]
    assert any(number > PEOPLE for number in new)
    tickets = {person[row["ticket_id"]] for row in rows_of(later, day, "service/tickets")}
    assert any(number <= PEOPLE for number in tickets)


@pytest.mark.parametrize("entity", ["crm/contacts", "policy/policyholders"])
def test_a_corrected_record_has_a_newer_updated_at_and_says_something_else(
    later: Written, entity: str
) -> None:
    key = COLUMNS[entity].split()[0]
    before = by_key(later.landing / f"{entity}.csv", entity)
    changed = 0
    for day in range(1, DAYS + 1):
        corrected = [row for row in rows_of(later, day, entity) if row[key] in before]
        assert len(corrected) >= 3
        for row in corrected:
            known = before[row[key]]
            assert row["updated_at"] > known["updated_at"]
            changed += {**row, "updated_at": ""} != {**known, "updated_at": ""}
    assert changed >= DAYS


def test_policies_are_renewed_and_cancelled_and_claims_closed(later: Written) -> None:
    policies = {
        r["policy_number"]: r
        for r in sound_rows(later.landing / "policy/policies.csv", "policy/policies")
    }
    claims = {
        r["claim_number"]: r
        for r in sound_rows(later.landing / "policy/claims.csv", "policy/claims")
    }
    renewed, ended, closed = 0, 0, 0
    for day in range(1, DAYS + 1):
        for row in rows_of(later, day, "policy/policies"):
            known = policies.get(row["policy_number"])
            renewed += known is not None and row["renews_on"] > known["renews_on"]
            ended += known is not None and row["status"] != known["status"]
        for row in rows_of(later, day, "policy/claims"):
            known = claims.get(row["claim_number"])
            closed += known is not None and known["closed_at"] == "" and row["closed_at"] != ""
    assert renewed > 0
    assert ended >= DAYS
    assert closed > 0


def test_tickets_are_resolved_and_invoices_paid(later: Written) -> None:
    open_before = {
        row["ticket_id"]
        for row in sound_rows(later.landing / "service/tickets.csv", "service/tickets")
        if not row["resolved_at"]
    }
    assert any(
        row["ticket_id"] in open_before and row["resolved_at"]
        for row in rows_of(later, 1, "service/tickets")
    )
    unpaid = {
        row["invoice_number"]
        for row in sound_rows(later.landing / "billing/invoices.csv", "billing/invoices")
        if not row["paid_on"]
    }
    paid = [row for row in rows_of(later, 1, "billing/invoices") if row["invoice_number"] in unpaid]
    assert paid
    assert all(row["paid_on"] for row in paid)


@pytest.mark.parametrize("day", [1, 2, 3])
def test_each_day_has_withdrawals_in_the_preference_centre_and_by_engagement(
    later: Written, day: int
) -> None:
    events = rows_of(later, day, "consent/consent_events")
    withdrawn = [
        row
        for row in events
        if row["action"] == "withdrawn" and row["source"] == "preference_centre"
    ]
    assert len(withdrawn) >= 3
    assert any(
        row["purpose"] == "marketing" and row["channel"] in {"email", "*"} for row in withdrawn
    )
    assert rows_of(later, day, "communications/messages")
    assert {"delivered", "opened"} <= {
        r["kind"] for r in rows_of(later, day, "communications/engagement")
    }


def test_a_grant_of_the_base_world_is_withdrawn_under_another_identifier(later: Written) -> None:
    person = person_of_identifier(later.truth, later.landing)
    entity = "consent/consent_events"
    grants = {
        (person.get(row["identifier"]), row["purpose"], row["channel"]): row["identifier_type"]
        for row in sound_rows(later.landing / f"{entity}.jsonl", entity)
        if row["action"] == "granted"
    }
    crossed = 0
    for row in (row for day in range(1, DAYS + 1) for row in rows_of(later, day, entity)):
        scope = (person.get(row["identifier"], 0), row["purpose"], row["channel"])
        if row["action"] == "withdrawn" and scope in grants:
            crossed += grants[scope] != row["identifier_type"]
    assert crossed >= 1


@pytest.mark.parametrize("day", [1, 2, 3])
def test_late_rows_happened_a_day_before_and_are_not_in_an_earlier_file(
    later: Written, day: int
) -> None:
    date, until = DATES[day - 1], AS_OF + timedelta(days=day - 1)
    late = list(later.landing.glob(f"*/*-{date}-late.*"))
    assert any(file.parent.name == "events" for file in late)
    for file in late:
        entity = entity_of(file, later.landing)
        rows = sound_rows(file, entity)
        assert later.days[day - 1].faults[f"{entity}-{date}-late{file.suffix}:late_row"] == len(
            rows
        )
        everything = [json.dumps(row) for row in all_rows(later.landing, entity)]
        for row in rows:
            moment = next(row[n] for n in ("time", "occurred_at", "reached_at") if n in row)
            assert until - timedelta(days=1) < datetime.fromisoformat(moment) <= until
            assert everything.count(json.dumps(row)) == 1


@pytest.mark.parametrize("day", [1, 2, 3])
def test_a_file_of_the_day_before_comes_again_byte_for_byte(later: Written, day: int) -> None:
    now = digests(later.landing)
    yesterday = "2026-11-20" if day == 1 else DATES[day - 2]
    again = f"crm/contacts-{DATES[day - 1]}-redelivered.csv"
    assert now[again] == now[f"crm/contacts-{yesterday}.csv"]
    assert later.days[day - 1].faults[f"{again}:repeated_file"] == 1


def test_the_truth_grows_with_the_days(later: Written) -> None:
    truth = named_in(later.truth)
    assert len(truth) == len(set(truth))
    assert set(truth) == naming_records(later.landing)
