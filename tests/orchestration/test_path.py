"""The path from landing to outbox, run once over a small world, and what it leaves behind."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from activation.decisions import SENTENCES
from orchestration.cli import main
from orchestration.cli_explain import explain
from tests.orchestration.conftest import Finished, Run, World
from tests.orchestration.path import ROOT
from tests.orchestration.places import AS_OF, Place

# The fault that the demo world writes -> the reason that landing gives.
REASONS = {
    "too_many_fields": "malformed_line",
    "too_few_fields": "malformed_line",
    "missing_key": "missing_required",
    "duplicate_json_key": "duplicate_key",
    "unparseable_date": "unparseable_date",
    "unparseable_timestamp": "unparseable_timestamp",
    "wrong_type": "wrong_type",
    "malformed_json": "malformed_json",
    "unknown_event_type": "unknown_event_type",
    "wildcard_grant": "wildcard_grant",
}
ACCEPTED = {"unannounced_column", "repeated_file", "older_version", "overlapping_row", "late_row"}

COLUMNS = {
    "landing.load_audit": {"file", "digest", "rows_in", "rows_accepted", "rows_quarantined"},
    "landing.quarantine": {"file", "line", "field", "reason", "raw"},
    "identity.id_records": {"system", "entity", "record_id", "person_id"},
    "consent.con_permits": {
        *("person_id", "purpose", "channel", "verdict", "reason", "basis", "evidence")
    },
    "activation.decision_log": {
        *("decision_id", "person_id", "node", "subject_id", "as_of", "outcome", "reason"),
        *("action", "channel", "purpose", "lawful_basis", "release", "gate_mask", "batch", "seq"),
    },
    "activation.audience": {"audience", "person_id", "since"},
    "activation.action": {"decision_id", "person_id", "node", "action", "channel", "send_after"},
}
NODES = {
    *("renewal_reminder_day_90", "onboarding_nudge_stalled", "claim_update_day_3"),
    *("claim_update_day_7", "service_recovery_after_negative", "cross_sell_home"),
}


@pytest.fixture(scope="module")
def from_the_command(world: World, path_directory: Path) -> tuple[Place, Any]:
    """Another home for the same landing zone, run by the real command; its summary as JSON."""
    place = world.place.copy_to(path_directory / "command")
    command = Path(sys.executable).with_name("assent")
    options = ["--landing", place.landing, "--as-of", AS_OF.isoformat(), "--home", place.home]
    done = subprocess.run(
        [command, "run", *options, "--json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return place, json.loads(done.stdout)


def test_every_row_of_every_file_is_accepted_or_quarantined(first: Finished, world: World) -> None:
    audited = {
        file: (rows_in, accepted + quarantined)
        for file, rows_in, accepted, quarantined in first.place.rows(
            "select file, rows_in, rows_accepted, rows_quarantined from landing.load_audit "
            "where status = 'loaded'"
        )
    }
    repeated = {name.split(":")[0] for name in world.summary.faults if ":repeated_file" in name}
    written = {one.file: one.rows for one in world.summary.files if one.file not in repeated}
    assert audited == {file: (rows, rows) for file, rows in written.items()}
    assert first.place.rows(
        "select file, rows_in from landing.load_audit where status <> 'loaded' order by file"
    ) == [(file, 0) for file in sorted(repeated)]


def test_exactly_the_faulty_rows_are_quarantined_each_with_its_reason(
    first: Finished, world: World
) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for name, count in world.summary.faults.items():
        file, kind = name.rsplit(":", 1)
        if kind not in ACCEPTED:
            expected[file, REASONS[kind]] += count
    found = first.place.rows(
        "select file, reason, count(*) from landing.quarantine group by all order by all"
    )
    assert {(file, reason): count for file, reason, count in found} == dict(expected)


def test_the_tables_that_others_rely_on_have_their_columns(first: Finished) -> None:
    for table, columns in COLUMNS.items():
        described = {name for name, *_ in first.place.rows(f"describe {table}")}
        assert columns <= described, f"{table} lacks {columns - described}"
        assert first.place.value(f"select count(*) from {table}") > 0, table


def test_every_source_record_that_names_a_person_has_exactly_one(first: Finished) -> None:
    records = first.place.rows(
        """
        select 'crm', 'contacts', contact_id from staging.stg_crm__contacts
        union all
        select 'policy', 'policyholders', customer_number from staging.stg_policy__policyholders
        union all select 'service', 'tickets', ticket_id from staging.stg_service__tickets
        union all select 'product', 'accounts', account_id from staging.stg_product__accounts
        """
    )
    named = first.place.rows(
        "select system, entity, record_id from identity.id_records where person_id is not null"
    )
    assert sorted(named) == sorted(records)


def test_every_candidate_has_one_outcome_and_a_reason_in_plain_words(first: Finished) -> None:
    decided = first.place.rows(
        "select node, subject_id, person_id, outcome, reason from activation.decision_log"
    )
    assert len({row[:3] for row in decided}) == len(decided)
    assert {row[0] for row in decided} == NODES
    assert {row[3] for row in decided} == {"act", "defer", "hold", "withhold"}
    assert {row[4] for row in decided} <= SENTENCES.keys()


def test_nothing_leaves_without_a_decision_and_a_permit(first: Finished) -> None:
    acts = {
        row[0]: row[1:]
        for row in first.place.rows(
            "select decision_id, person_id, node, purpose, channel from activation.decision_log "
            "where outcome = 'act'"
        )
    }
    permits = set(
        first.place.rows(
            "select person_id, purpose, channel from consent.con_permits where verdict = 'permit'"
        )
    )
    members = {row[1] for row in acts.values() if row[1] == "cross_sell_home"}
    delivered = first.place.delivered()
    assert {one.object for one in delivered} == {"action", "audience"}
    for one in delivered:
        if one.object == "action":
            row = one.row
            person, node, purpose, channel = acts[row["decision_id"]]
            named = (row["person_id"], row["node"], row["purpose"], row["channel"])
            assert named == (person, node, purpose, channel)
        else:
            assert one.row["audience"] in members
            purpose = "marketing"
        assert (one.row["person_id"], purpose, one.row["channel"]) in permits


def test_every_action_and_member_that_may_leave_now_has_left(first: Finished) -> None:
    delivered = first.place.delivered()
    actions = {one.row["decision_id"] for one in delivered if one.object == "action"}
    people = {one.row["person_id"] for one in delivered if one.object == "audience"}
    wanted = first.place.rows(
        "select decision_id from activation.action where send_after <= ? and valid_until > ?",
        [AS_OF, AS_OF],
    )
    assert actions == {decision_id for (decision_id,) in wanted}
    assert people == {p for (p,) in first.place.rows("select person_id from activation.audience")}


def test_nothing_goes_to_a_brokers_mailbox_or_an_agents_phone(first: Finished) -> None:
    landed = "".join(
        (first.place.landing / file).read_text(encoding="utf-8")
        for file in ("crm/contacts.csv", "policy/policyholders.csv")
    )
    assert "noreply@broker.example" in landed
    assert "2079460000" in "".join(landed.split())
    addresses = {str(one.row["address"]).lower() for one in first.place.delivered()}
    assert len(addresses) > 20
    assert not {"noreply@broker.example", "+442079460000"} & addresses


def test_a_stranger_can_verify_the_log_with_one_file_and_the_public_key(first: Finished) -> None:
    log = first.place.decision_log
    verifier = ROOT / "activation" / "log" / "verifier.py"
    command = [sys.executable, "-I", verifier, log, "--public-key", log / "public_key"]
    done = subprocess.run(
        [*command, "--copies", first.place.home / "checkpoint_copies"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("outcome", ["act", "defer", "hold", "withhold"])
def test_each_kind_of_decision_is_explained_in_plain_words(first: Finished, outcome: str) -> None:
    decision_id, reason = first.place.rows(
        "select decision_id, reason from activation.decision_log where outcome = ? "
        "order by decision_id limit 1",
        [outcome],
    )[0]
    told = CliRunner().invoke(explain, [decision_id, "--home", str(first.place.home)])
    assert told.exit_code == 0, told.output
    assert decision_id in told.output
    assert SENTENCES[reason].rstrip(".") in told.output


def test_the_command_ends_with_a_summary_that_the_tables_confirm(
    from_the_command: tuple[Place, Any],
) -> None:
    place, summary = from_the_command
    counts: Callable[[str], Any] = place.value
    assert summary["succeeded"] is True
    assert summary["problems"] == []
    assert summary["persons"] == counts("select count(*) from identity.id_persons")
    assert summary["records"] == counts("select count(*) from identity.id_records")
    assert summary["links"] == counts("select count(*) from identity.id_links")
    decided = counts("select count(*) from activation.decision_log")
    assert summary["decisions_new"] == summary["decisions_logged"] == decided
    landing = summary["landing"]
    assert landing["rows_in"] == landing["rows_accepted"] + landing["rows_quarantined"]
    assert landing["rows_quarantined"] == counts("select count(*) from landing.quarantine")
    assert summary["permits"] == dict(
        place.rows("select verdict, count(*) from consent.con_permits group by verdict")
    )
    assert summary["audiences"] == dict(
        place.rows("select audience, count(*) from activation.audience group by audience")
    )
    by_node = {
        (node, outcome, reason): count
        for node, outcomes in summary["candidates_by_node"].items()
        for outcome, reasons in outcomes.items()
        for reason, count in reasons.items()
    }
    logged = place.rows(
        "select node, outcome, reason, count(*) from activation.decision_log group by all"
    )
    assert by_node == {row[:3]: row[3] for row in logged}
    sent = Counter(one.object for one in place.delivered())
    assert summary["syncs"]["outbox_actions"]["sent"] == sent["action"]
    assert summary["syncs"]["outbox_audiences"]["sent"] == sent["audience"]
    assert {"landing", "decisions", "sync outbox_actions"} <= summary["seconds_by_stage"].keys()
    assert Path(ROOT, summary["places"]["outbox"]) == place.outbox


def test_the_same_landing_time_and_release_give_the_same_decisions(
    first: Finished, from_the_command: tuple[Place, Any]
) -> None:
    other, _ = from_the_command
    log = "select * exclude (commitment) from activation.decision_log order by seq"
    assert repr(other.rows(log)).encode() == repr(first.place.rows(log)).encode()
    assert other.tables() == first.place.tables()
    assert other.delivered_counts() == first.place.delivered_counts()


def test_a_second_run_decides_nothing_and_sends_nothing(
    first: Finished, run: Run, path_directory: Path
) -> None:
    again = first.place.copy_to(path_directory / "again")
    ended = run(again)
    assert ended.succeeded, ended.problems
    assert again.sent() == first.place.sent()
    assert again.tables() == first.place.tables()


def test_what_a_person_allows_is_told_from_the_ledger_as_it_is_now(
    first: Finished, tmp_path: Path
) -> None:
    place = first.place.copy_to(tmp_path / "place")
    ((person, contact),) = place.rows(
        "select p.person_id, i.identifier from consent.con_permits as p"
        " inner join identity.id_person_identifiers as i using (person_id)"
        " where p.reason = 'legitimate_interests' and p.purpose = 'renewal' and p.channel = 'email'"
        " and i.identifier_type = 'contact_id' and i.status = 'ok' and i.assurance = 'A'"
        " order by all limit 1"
    )

    def assent(*arguments: str) -> list[str]:
        told = CliRunner().invoke(main, ["consent", *arguments, "--home", str(place.home)])
        assert told.exit_code == 0, told.output
        return told.output.splitlines()

    def renewal_by_email() -> str:
        lines = assent("show", f"contact_id:{contact}")
        assert any(line.startswith(person) for line in lines)
        return next(line for line in lines if line.split()[:2] == ["renewal", "email"])

    assert renewal_by_email().split()[2] == "permit"
    said = ("--purpose", "renewal", "--channel", "*", "--source", "call_centre")
    assent(
        "record", f"contact_id:{contact}", "withdrawn", *said, "--occurred-at", AS_OF.isoformat()
    )
    assert renewal_by_email().split()[2:4] == ["deny", "withdrawn"]
    assert any("withdrawn" in line for line in assent("history", f"contact_id:{contact}"))
    assert assent("verify")[0].startswith("The ledger holds")
