"""One person is erased from a home in which the whole path has run, after a crash on the way."""

import gzip
import io
import json
import re
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from activation.consent.ledger import verify_chain
from activation.log import DecisionLog
from activation.store import open_store
from orchestration import environment
from orchestration.privacy import erasure as steps
from orchestration.privacy.erasure import ErasureOutcome, erase
from orchestration.privacy.receipt import document_of, in_words
from orchestration.privacy.subject import SubjectError, find_subject
from orchestration.warehouse import open_warehouse
from tests.orchestration.conftest import Finished, Run
from tests.orchestration.places import AS_OF, Place

pytestmark = pytest.mark.slow

CRASH_AT = "_store"


@dataclass(frozen=True)
class Erased:
    """The place after the erasure, as it was before, who was erased, and the outcome."""

    place: Place
    before: Place
    person_id: str
    values: frozenset[str]
    subject_ids: frozenset[str]
    outcome: ErasureOutcome


def _chosen(place: Place) -> str:
    """Someone who was written to, has a policy, a claim, an account, and a verified e-mail."""
    return str(
        place.value(
            "select records.person_id from identity.id_records as records "
            "inner join activation.decision_log as log using (person_id) "
            "inner join identity.id_person_identifiers as i using (person_id) "
            "where log.outcome = 'act' and i.identifier_type = 'email' and i.status = 'ok' "
            "group by all having count(distinct records.system) = 4 order by 1 limit 1"
        )
    )


@pytest.fixture(scope="module")
def erased(first: Finished, path_directory: Path) -> Erased:
    """Erases with a crash between two steps, and again to the end."""
    before = first.place.copy_to(path_directory / "erasure-before")
    place = first.place.copy_to(path_directory / "erasure")
    shutil.move(place.landing, place.home / "landing")
    person_id = _chosen(before)
    home = environment.home(place.home)
    with open_warehouse(home.warehouse) as connection:
        subject = find_subject(connection, person_id)
    ids = {one.record_id for one in subject.records}
    subject_ids = {
        str(row[0])
        for row in before.rows(
            "select subject_id from activation.decision_log where person_id = ?", [person_id]
        )
    }
    values = {value for kind, value in subject.own if kind != "device_id"} | ids
    arguments: dict[str, Any] = {
        "reason": "test", "actor": "tester", "exemptions": (), "as_of": AS_OF
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, CRASH_AT, _crash)
        with pytest.raises(KeyboardInterrupt):
            erase(home, person_id, **arguments)
    outcome = erase(home, person_id, **arguments)
    return Erased(place, before, person_id, frozenset(values), frozenset(subject_ids), outcome)


def _crash(_: Any) -> Any:
    raise KeyboardInterrupt


def _held(path: Path) -> str:
    """What a file holds, unpacked, as text."""
    if path.suffix == ".parquet":
        table = pq.read_table(io.BytesIO(path.read_bytes()))
        return "\n".join(str(value) for column in table.columns for value in column.to_pylist())
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("latin-1")


def _places_that_name(home: Path, values: frozenset[str]) -> list[str]:
    pattern = re.compile(
        "(?<![A-Za-z0-9])(?:" + "|".join(map(re.escape, values)) + ")(?![A-Za-z0-9])", re.I
    )
    files = [path for path in sorted(home.rglob("*")) if path.is_file()]
    assert len(files) > 50
    return [str(path.relative_to(home)) for path in files if pattern.search(_held(path))]


def test_the_search_would_find_them_in_the_home_before(erased: Erased) -> None:
    found = _places_that_name(erased.before.home, erased.values)
    assert "assent.sqlite" in found
    assert any(place.startswith("decision_log/openings") for place in found)
    assert any(place.startswith("outbox") for place in found)


def test_no_live_file_names_the_person_but_the_proof_of_what_was_decided(erased: Erased) -> None:
    strangers = erased.values - erased.subject_ids
    assert len(strangers) >= 3
    assert _places_that_name(erased.place.home, strangers) == []
    left = _places_that_name(erased.place.home, erased.values)
    copies = [one for one in left if one.startswith("read_copy/")]
    assert {Path(one).name for one in copies} <= {"act.arrow", "done.arrow"}
    allowed = {"decision_log/segments/000001.parquet", "warehouse.duckdb"}
    assert set(left) - set(copies) <= allowed


def test_no_table_of_the_warehouse_names_the_person(erased: Erased) -> None:
    columns = erased.place.rows(
        "select table_schema, table_name, column_name from information_schema.columns "
        "where data_type = 'VARCHAR' and table_schema not in ('activation', 'gate')"
    )
    values = sorted(erased.values | {erased.person_id})
    hits = {
        f"{schema}.{table}.{column}": count
        for schema, table, column in columns
        if (
            count := erased.place.value(
                f'select count(*) from {schema}.{table} where list_contains(?, "{column}")',
                [values],
            )
        )
    }
    assert len(columns) > 300
    assert hits == {}


def test_the_log_and_the_ledger_still_verify(erased: Erased) -> None:
    report = DecisionLog(erased.place.decision_log).verify()
    assert report.ok
    before = DecisionLog(erased.before.decision_log).verify()
    assert report.root == before.root
    assert report.openings < before.openings
    engine = open_store(f"sqlite:///{erased.place.home / 'assent.sqlite'}")
    with engine.connect() as connection:
        assert verify_chain(connection).is_intact
    engine.dispose()


def test_other_persons_rows_are_what_they_were(erased: Erased) -> None:
    for table, key in (
        ("identity.id_records", "record_key, person_id, assurance"),
        ("consent.con_permits", "person_id, purpose, channel, verdict, reason, evidence"),
        ("contexts.ctx_policy", "* exclude (source_at)"),
        ("profiles.per_persons", "* exclude (source_at)"),
    ):
        query = f"select {key} from {table} where person_id <> ? order by all"
        columns = {
            row[0] for row in erased.before.rows(f"select column_name from (describe {table})")
        }
        query = query.replace(" exclude (source_at)", "") if "source_at" not in columns else query
        assert erased.place.rows(query, [erased.person_id]) == erased.before.rows(
            query, [erased.person_id]
        )


def test_the_audit_balances_and_counts_what_is_there(erased: Erased) -> None:
    assert (
        erased.place.rows(
            "select file from landing.load_audit "
            "where rows_in <> rows_accepted + rows_quarantined + rows_expired + rows_erased"
        )
        == []
    )
    for system, entity in erased.place.rows(
        "select distinct system, entity from landing.load_audit where status = 'loaded'"
    ):
        accepted = erased.place.value(
            "select sum(rows_accepted) from landing.load_audit where system = ? and entity = ?",
            [system, entity],
        )
        there = erased.place.value(f"select count(*) from landing.{system}_{entity}")
        assert accepted == there, f"{system}.{entity}"


def test_every_destination_that_held_them_acknowledged_the_removal(erased: Erased) -> None:
    answers = erased.outcome.document["steps"]["destinations"]["answers"]
    assert answers
    assert all(one["complete"] and one["held"] == one["acknowledged"] for one in answers)
    assert erased.place.store(
        f"select count(*) from sync_state where person_id = '{erased.person_id}'"
    ) == [(0,)]


def test_the_receipt_is_signed_and_names_nobody(erased: Erased) -> None:
    signed, readable = erased.outcome.files
    note = signed.read_text(encoding="utf-8")
    key = DecisionLog(erased.place.decision_log).public_key
    assert json.loads(key.open(note)) == document_of(note)
    text = note + readable.read_text(encoding="utf-8")
    assert not [value for value in erased.values | {erased.person_id} if value in text]
    assert in_words(document_of(note)) == readable.read_text(encoding="utf-8")
    assert document_of(note)["steps"]["scan"]["found"] == []


def test_asking_again_shows_the_receipt_of_then(erased: Erased) -> None:
    home = environment.home(erased.place.home)
    again = erase(
        home, erased.person_id, reason="again", actor="tester", exemptions=(), as_of=AS_OF
    )
    assert again.repeated
    assert again.document == erased.outcome.document
    with open_warehouse(home.warehouse) as connection, pytest.raises(SubjectError, match="nobody"):
        find_subject(connection, erased.person_id)


def test_the_same_export_does_not_bring_them_back(
    erased: Erased, run: Run, path_directory: Path
) -> None:
    place = erased.place.copy_to(path_directory / "erasure-again")
    shutil.rmtree(place.home / "landing")
    shutil.copytree(erased.before.landing, place.home / "landing")
    shutil.copytree(erased.before.landing, place.landing)
    (place.home / "warehouse.duckdb").unlink()
    ended = run(Place(place.root), AS_OF + timedelta(hours=1))
    assert ended.succeeded, ended.problems
    assert place.value("select sum(rows_erased) from landing.load_audit") > 10
    values = sorted(erased.values)
    for table, column in (
        ("landing.crm_contacts", "contact_id"),
        ("landing.crm_contacts", "email"),
        ("landing.policy_policies", "customer_number"),
        ("landing.product_accounts", "account_id"),
        ("landing.consent_consent_events", "identifier"),
        ("store.consent_event", "identifier"),
        ("identity.id_person_identifiers", "identifier"),
    ):
        assert (
            place.value(f"select count(*) from {table} where list_contains(?, {column})", [values])
            == 0
        ), f"{table}.{column}"
