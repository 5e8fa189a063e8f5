"""What landing must refuse, report or skip, and the summary that counts it."""

from tests.orchestration.demo.reader import (
    COLUMNS,
    by_key,
    entity_of,
    faults_of,
    files_of,
    sound_rows,
    text,
)
from tests.orchestration.demo.worlds import Written


def test_the_faults_are_those_that_a_simple_reader_sees(base: Written) -> None:
    seen = {
        f"{file.relative_to(base.landing).as_posix()}:{kind}": count
        for entity in COLUMNS
        for file in files_of(base.landing, entity)
        for kind, count in faults_of(file, entity).items()
    }
    not_refused = {
        "unannounced_column", "repeated_file", "older_version", "overlapping_row",
    }  # fmt: skip
    declared = {
        name: count
        for name, count in base.summary.faults.items()
        if name.split(":")[1] not in not_refused
    }
    # The copy of a file has the same faults; they are counted where they were made.
    original = {name: count for name, count in seen.items() if "-redelivered" not in name}
    assert original == declared


def test_the_summary_counts_what_is_in_the_files(base: Written) -> None:
    assert {one.file for one in base.summary.files} == base.digests.keys()
    for one in base.summary.files:
        file, entity = base.landing / one.file, one.file.split("/")
        assert one.bytes == file.stat().st_size
        entity_name = entity_of(file, base.landing)
        rows = len(sound_rows(file, entity_name)) + sum(faults_of(file, entity_name).values())
        assert one.rows == rows, entity


def test_a_file_is_delivered_twice_and_older_versions_come_in_a_later_file(base: Written) -> None:
    claims = base.digests["policy/claims.csv"]
    assert claims == base.digests["policy/claims-2026-11-20-redelivered.csv"]
    newest = by_key(base.landing / "crm/contacts.csv", "crm/contacts")
    later = sound_rows(base.landing / "crm/contacts-2026-11-20.csv", "crm/contacts")
    older = [r for r in later if r["updated_at"] < newest[r["contact_id"]]["updated_at"]]
    again = [r for r in later if r == newest[r["contact_id"]]]
    faults = base.summary.faults
    assert len(older) == faults["crm/contacts-2026-11-20.csv:older_version"] > 0
    assert len(again) == faults["crm/contacts-2026-11-20.csv:overlapping_row"] > 0


def test_an_unannounced_column_is_in_one_file(base: Written) -> None:
    header = text(base.landing / "product/accounts.csv").partition("\r\n")[0].split(",")
    assert header == [*COLUMNS["product/accounts"].split(), "referral_code"]
