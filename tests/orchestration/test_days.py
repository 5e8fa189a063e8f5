"""Three days in a row: new, changed, late and repeated files, and withdrawals among them; and a
warehouse that is deleted on the way, of which nothing is kept in it alone."""

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.orchestration.conftest import DAYS, Day, Finished, Run
from tests.orchestration.places import AS_OF, Place

LATER_DAYS = range(1, DAYS + 1)
# When a file was loaded is known to the warehouse alone, and so is what is reckoned from it: now
# all of them were loaded at once.
LOAD_TIMES = ("_loaded_at", "loaded_at", "source_at", "expires_at")
RESTRICTIVE = {"withdrawn", "objected", "denied"}


@pytest.mark.parametrize("number", LATER_DAYS)
def test_each_days_rows_are_accepted_or_quarantined(days: list[Day], number: int) -> None:
    day = days[number]
    audited = day.place.rows(
        "select file, status, rows_in, rows_accepted, rows_quarantined from landing.load_audit "
        "where loaded_at = ?",
        [day.as_of],
    )
    assert all(row[2] == row[3] + row[4] for row in audited)
    written = {one.file: one.rows for one in day.written.files}
    repeated = {name.split(":")[0] for name in day.written.faults if ":repeated_file" in name}
    assert {row[0]: row[2] for row in audited} == {
        file: 0 if file in repeated else rows for file, rows in written.items()
    }


@pytest.mark.parametrize("number", range(DAYS + 1))
def test_landing_holds_every_accepted_row_of_every_day(days: list[Day], number: int) -> None:
    place = days[number].place
    for system, entity, accepted in place.rows(
        "select system, entity, sum(rows_accepted) from landing.load_audit group by all"
    ):
        assert place.value(f"select count(*) from landing.{system}_{entity}") == accepted


@pytest.mark.parametrize("number", LATER_DAYS)
def test_a_later_day_solves_the_identity_of_few_records(days: list[Day], number: int) -> None:
    place = days[number].place
    run = "select stage, is_increment from identity_state.run"
    assert place.rows(run) == [("committed", True)]
    solved = place.value("select count(*) from identity_state.scope")
    assert 0 < solved < place.value("select count(*) from identity.id_records") / 3


@pytest.mark.parametrize("number", LATER_DAYS)
def test_a_repeated_file_adds_nothing(days: list[Day], number: int) -> None:
    day = days[number]
    repeated = sorted(name.split(":")[0] for name in day.written.faults if ":repeated" in name)
    found = day.place.rows(
        "select file, rows_in from landing.load_audit where loaded_at = ? and status = 'repeated'",
        [day.as_of],
    )
    assert found == [(file, 0) for file in repeated]
    assert found != []


def test_a_corrected_row_supersedes_the_one_before_it(days: list[Day]) -> None:
    changed = 0
    for number in LATER_DAYS:
        day, before = days[number], days[number - 1].place
        for row in _csv(day, "policy/claims"):
            status = "select status from staging.stg_policy__claims where claim_number = ?"
            assert day.place.value(status, [row["claim_number"]]) == row["status"]
            earlier = before.rows(status, [row["claim_number"]])
            changed += earlier not in ([], [(row["status"],)])
    assert changed > 0


def test_a_newer_version_of_a_contact_supersedes_and_an_older_one_does_not(days: list[Day]) -> None:
    newest: dict[str, tuple[datetime, str]] = {}
    for file in sorted((days[-1].place.landing / "crm").glob("contacts*.csv")):
        for row in _rows(file):
            if row.get("contact_id") and _is_moment(row["updated_at"]):
                version = datetime.fromisoformat(row["updated_at"])
                held = newest.get(row["contact_id"])
                if held is None or version > held[0]:
                    newest[row["contact_id"]] = (version, row["given_name"])
    staged = days[-1].place.rows(
        "select contact_id, updated_at, given_name from staging.stg_crm__contacts"
    )
    for contact_id, updated_at, given_name in staged:
        version, name = newest[contact_id]
        assert updated_at == version
        assert (given_name or "").strip() == name.strip()


@pytest.mark.parametrize("number", LATER_DAYS)
def test_a_withdrawal_of_the_day_stops_what_it_covers(days: list[Day], number: int) -> None:
    withdrawals = _withdrawals(days[number])
    assert len(withdrawals) > 0
    last = days[-1].place
    for person_id, event in withdrawals:
        acted = last.rows(
            """
            select decision_id from activation.decision_log
            where person_id = $1 and outcome = 'act' and as_of >= $2
            and lawful_basis <> 'contract'
            and ($3 = '*' or purpose = $3) and ($4 = '*' or channel = $4)
            """,
            [person_id, days[number].as_of, event["purpose"], event["channel"]],
        )
        assert acted == [], (event["event_id"], acted)
        if event["purpose"] in ("*", "marketing") and event["channel"] in ("*", "email"):
            member = "select count(*) from activation.audience where person_id = ?"
            assert days[number].place.value(member, [person_id]) == 0


def test_a_member_who_withdraws_is_removed_from_the_audience_outside(days: list[Day]) -> None:
    removed = 0
    for number in LATER_DAYS:
        day, before = days[number], days[number - 1].place
        members = {p for (p,) in before.rows("select person_id from activation.audience")}
        withdrew = {
            person_id
            for person_id, event in _withdrawals(day)
            if event["purpose"] in ("*", "marketing") and event["channel"] in ("*", "email")
        }
        told = {
            one.row["person_id"]
            for one in day.place.delivered()
            if one.operation == "remove" and one.as_of == day.as_of
        }
        held = _members_outside(day.place)
        assert members & withdrew <= told | (members - held)
        assert not withdrew & held
        removed += len(members & withdrew)
    assert removed > 0


@pytest.mark.parametrize("number", range(DAYS + 1))
def test_the_destination_holds_exactly_the_audience(days: list[Day], number: int) -> None:
    place = days[number].place
    audience = {p for (p,) in place.rows("select person_id from activation.audience")}
    assert _members_outside(place) == audience


@pytest.mark.parametrize("number", LATER_DAYS)
def test_a_person_whose_records_stay_the_same_keeps_the_id(days: list[Day], number: int) -> None:
    before, after = _persons(days[number - 1].place), _persons(days[number].place)
    same = before.keys() & after.keys()
    assert len(same) > 0.9 * len(before)
    assert {records: before[records] for records in same} == {
        records: after[records] for records in same
    }


@pytest.mark.parametrize("number", LATER_DAYS)
def test_nothing_goes_out_twice_over_the_days(days: list[Day], number: int) -> None:
    actions = [one.row for one in days[number].place.delivered() if one.object == "action"]
    assert len({row["decision_id"] for row in actions}) == len(actions)
    about = {(row["node"], row["subject_id"]) for row in actions}
    assert len(about) == len(actions)


def test_the_log_only_grows(days: list[Day]) -> None:
    for number in LATER_DAYS:
        rows = "select * from activation.decision_log order by seq"
        before, after = days[number - 1].place.rows(rows), days[number].place.rows(rows)
        assert after[: len(before)] == before
        assert len(after) > len(before)


@pytest.mark.slow
def test_a_warehouse_deleted_after_one_run_is_rebuilt_row_for_row(
    first: Finished, run: Run, path_directory: Path
) -> None:
    place = first.place.copy_to(path_directory / "rebuilt")
    _delete_warehouse(place)
    ended = run(place, AS_OF)
    assert ended.succeeded, ended.problems
    assert place.tables() == first.place.tables()
    assert place.sent() == first.place.sent()


def test_a_warehouse_deleted_after_some_days_is_rebuilt_and_nothing_is_sent(
    days: list[Day], run: Run, path_directory: Path
) -> None:
    day = days[2]
    place = day.place.copy_to(path_directory / "rebuilt-later")
    _delete_warehouse(place)
    ended = run(place, day.as_of)
    assert ended.succeeded, ended.problems
    assert place.tables(without=LOAD_TIMES) == day.place.tables(without=LOAD_TIMES)
    assert place.sent() == day.place.sent()


def _withdrawals(day: Day) -> list[tuple[str, dict[str, Any]]]:
    """(person_id, event) of the restrictions in the day's files that no later grant undoes."""
    found = []
    for file in sorted((day.place.landing / "consent").glob(f"*{day.as_of:%Y-%m-%d}*")):
        for line in file.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            if event["action"] in RESTRICTIVE:
                found += [(person_id, event) for person_id in _undone_by_nothing(day, event)]
    return found


def _undone_by_nothing(day: Day, event: dict[str, Any]) -> list[str]:
    identifier = event["identifier"].strip()
    rows = day.place.rows(
        """
        select distinct person_id from identity.id_person_identifiers as known
        where identifier_type = $1 and identifier = $2 and not exists (
            select 1 from consent.con_events as granted
            where granted.person_id = known.person_id and granted.action = 'granted'
            and granted.occurred_at > $3::timestamptz
            and ($4 = '*' or granted.purpose = $4) and ($5 = '*' or granted.channel = $5))
        """,
        [
            event["identifier_type"],
            identifier.lower() if event["identifier_type"] == "email" else identifier,
            event["occurred_at"],
            event["purpose"],
            event["channel"],
        ],
    )
    return [person_id for (person_id,) in rows]


def _members_outside(place: Place) -> set[str]:
    """Whom the destination holds, as a receiver of the batches reckons it."""
    held: set[str] = set()
    for one in place.delivered():
        if one.object == "audience":
            person = {one.row["person_id"]}
            held = held - person if one.operation == "remove" else held | person
    return held


def _persons(place: Place) -> dict[frozenset[str], str]:
    """The records of each person -> the person's id."""
    rows = place.rows("select list(record_key), person_id from identity.id_records group by all")
    return {frozenset(records): person_id for records, person_id in rows}


def _csv(day: Day, stem: str) -> list[dict[str, str]]:
    file = day.place.landing / f"{stem}-{day.as_of:%Y-%m-%d}.csv"
    return _rows(file) if file.exists() else []


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream) if None not in (*row, *row.values())]


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _delete_warehouse(place: Place) -> None:
    files = list(place.home.glob("warehouse.duckdb*"))
    assert files
    for file in files:
        file.unlink()
