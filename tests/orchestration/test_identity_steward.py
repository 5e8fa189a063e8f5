"""A data steward, over runs: ask why records are one person, part two of them, take it back."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestration.cli import main
from orchestration.environment import DBT_PROJECT_DIR
from orchestration.matching.parameters import load_parameters
from orchestration.matching.settings import SETTINGS_FILE, load_settings
from tests.orchestration.conftest import Finished, Run
from tests.orchestration.places import AS_OF, Place

# The strongest links are the hardest to part: a reference from one system to another. Of two
# records the CRM's keeps the id, so the customer, a member of an audience, gets a new one.
_PAIR = """
select record_key, anchor_key from identity.id_links
inner join identity.id_records using (record_key)
inner join identity.id_persons using (person_id)
where rule = 'contact_id' and record_count = 2
    and person_id in (select person_id from activation.audience)
order by record_key limit 1
"""


def assent(place: Place, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["identity", *arguments, "--home", str(place.home)])


@pytest.fixture(scope="module")
def parted(
    first: Finished, run: Run, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Place, str]:
    """A place where one person was parted in two by an override and a run; and the override."""
    place = first.place.copy_to(tmp_path_factory.mktemp("steward") / "place")
    ((record, other),) = place.rows(_PAIR)
    said = ("--author", "steward", "--reason", "two customers called")
    recorded = assent(place, "override", "never-link", record, other, *said)
    assert recorded.exit_code == 0, recorded.output
    ended = run(place, AS_OF + timedelta(hours=1))
    assert ended.succeeded, ended.problems
    return place, recorded.output.split()[1].rstrip(";")


@pytest.fixture(scope="module")
def restored(
    parted: tuple[Place, str], run: Run, tmp_path_factory: pytest.TempPathFactory
) -> Place:
    """The place after the override was revoked and another run."""
    place = parted[0].copy_to(tmp_path_factory.mktemp("restored") / "place")
    said = ("--author", "steward", "--reason", "it was one after all")
    revoked = assent(place, "override", "revoke", parted[1], *said)
    assert revoked.exit_code == 0, revoked.output
    assert run(place, AS_OF + timedelta(hours=2)).succeeded
    return place


def outside(place: Place) -> set[str]:
    """The persons whom a receiver of the outbox holds as members of an audience."""
    held: set[str] = set()
    for one in sorted(place.delivered(), key=lambda delivered: delivered.as_of):
        if one.object == "audience":
            change = held.discard if one.operation == "remove" else held.add
            change(one.row["person_id"])
    return held


def remembered(place: Place) -> set[str]:
    """The persons whom the sync's state takes for members outside."""
    rows = place.store("select person_id from sync_state where sync = 'outbox/audience'")
    return {person for (person,) in rows}


def person_of(place: Place, record: str) -> str:
    ((person,),) = place.rows(
        f"select person_id from identity.id_records where record_key = '{record}'"
    )
    return str(person)


def test_explain_tells_which_rule_joins_which_records(first: Finished) -> None:
    ((record, other),) = first.place.rows(_PAIR)
    told = assent(first.place, "explain", record).output
    assert f"Person {person_of(first.place, record)}" in told
    assert (
        f"{record} = {other}: one system refers to the other's record by "
        "contact number of the CRM (A)"
    ) in told
    assert "(created)" in told
    assert told == assent(first.place, "explain", other).output


def test_explain_draws_the_person(first: Finished, tmp_path: Path) -> None:
    ((record, other),) = first.place.rows(_PAIR)
    drawing = tmp_path / "person.svg"
    told = assent(first.place, "explain", record, "--svg", str(drawing))
    assert told.exit_code == 0, told.output
    assert f"drawn: {drawing}" in told.output
    text = drawing.read_text(encoding="utf-8")
    assert text.startswith("<svg")
    assert record in text
    assert other in text


def test_a_run_draws_one_person_without_their_numbers(first: Finished) -> None:
    text = (first.place.home / "identity" / "person.svg").read_text(encoding="utf-8")
    keys = {key for (key,) in first.place.rows("select record_id from identity.id_records")}
    assert text.startswith("<svg")
    assert [key for key in keys if key in text] == []


def test_training_writes_the_parameters_of_the_settings(first: Finished, tmp_path: Path) -> None:
    project = tmp_path / "dbt_project"
    (project / "matching").mkdir(parents=True)
    shutil.copy(DBT_PROJECT_DIR / SETTINGS_FILE, project / SETTINGS_FILE)
    trained = assent(first.place, "train", "--project", str(project))
    assert trained.exit_code == 0, trained.output
    parameters = load_parameters(load_settings(project), project)
    assert f"trained on {parameters.records:,} records" in trained.output


def test_explain_names_what_is_unknown_and_how_a_record_is_written(first: Finished) -> None:
    refused = assent(first.place, "explain", "C1")
    assert refused.exit_code == 1
    assert "<system>.<entity>:<id>" in refused.output


def test_parting_two_records_is_one_override_and_one_run(
    first: Finished, parted: tuple[Place, str]
) -> None:
    place, override_id = parted
    ((record, other),) = first.place.rows(_PAIR)
    assert person_of(first.place, record) == person_of(first.place, other)
    assert person_of(place, record) != person_of(place, other)
    told = assent(place, "explain", record).output
    assert f"{override_id}  {other} and {record} are never one person (steward" in told
    assert "(split)" in told + assent(place, "explain", other).output


def test_parting_two_records_moves_nobody_else(first: Finished, parted: tuple[Place, str]) -> None:
    ((record, _),) = first.place.rows(_PAIR)
    others = (
        "select record_key, person_id from identity.id_records"
        f" where person_id <> '{person_of(first.place, record)}' order by record_key"
    )
    before = dict(first.place.rows(others))
    after = dict(parted[0].rows("select record_key, person_id from identity.id_records"))
    assert {key: after[key] for key in before} == before


def test_revoking_the_override_restores_the_person_with_the_same_id(
    first: Finished, restored: Place
) -> None:
    assert assent(restored, "override", "list").output == "no override stands\n"
    everybody = "select record_key, person_id from identity.id_records order by record_key"
    assert restored.rows(everybody) == first.place.rows(everybody)


def test_a_destination_follows_a_split(first: Finished, parted: tuple[Place, str]) -> None:
    place, _ = parted
    ((customer, contact),) = first.place.rows(_PAIR)
    before, member = person_of(first.place, contact), person_of(place, customer)
    assert outside(first.place) == remembered(first.place)
    assert outside(place) == remembered(place)
    assert outside(place) == outside(first.place) - {before} | {member}


def test_a_destination_follows_a_merge_and_forgets_who_was_merged_away(
    first: Finished, parted: tuple[Place, str], restored: Place
) -> None:
    ((customer, _),) = first.place.rows(_PAIR)
    merged_away = person_of(parted[0], customer)
    assert merged_away in outside(parted[0])
    living = {person for (person,) in restored.rows("select person_id from identity.id_persons")}
    assert merged_away not in living
    assert outside(restored) == remembered(restored) == outside(first.place)
    assert outside(restored) <= living


def test_review_lists_what_joined_nobody(first: Finished) -> None:
    listed = assent(first.place, "review")
    assert listed.exit_code == 0, listed.output
    ((matters,),) = first.place.rows("select count(*) from identity.id_review")
    assert matters > 0
    rows = [line.split() for line in listed.output.splitlines()[1:] if line.strip()]
    assert {kind for _, kind, *_ in rows} <= {"key_conflict", "guarded", "probable"}
    assert len({matter for matter, *_ in rows}) == len(rows) == min(matters, 50)


def test_a_value_that_no_rule_reads_alone_is_refused_with_the_rules_that_do(
    first: Finished,
) -> None:
    said = ("--author", "steward", "--reason", "why not")
    refused = assent(first.place, "override", "block-value", "name", "Ann", *said)
    assert refused.exit_code == 1
    assert "use one of contact_id, customer_number, email, phone" in refused.output
