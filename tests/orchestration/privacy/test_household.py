"""One of two people who share a telephone is erased; what the law obliges to keep is kept.

The other person's records, ids, permits and decisions are what they were, and what they may see of
the household is their own.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from activation.consent.ledger import verify_chain
from activation.log import DecisionLog
from activation.store import open_store
from tests.orchestration.conftest import Finished
from tests.orchestration.path import Runner
from tests.orchestration.places import AS_OF, Place

# One telephone, two persons: the one has claims, the other records that hang on by the number and
# a name alone.
PAIRS = """
with shared as (
    select identifier, person_id, assurance, strongest_rule
    from identity.id_identifiers
    inner join identity.id_records using (record_key)
    where status = 'shared' and identifier_type = 'phone'
),
claimed as (
    select records.person_id, min(claims.claim_number) as claim_number
    from landing.policy_claims as claims
    inner join landing.policy_policies as policies using (policy_number)
    inner join identity.id_records as records
        on records.system = 'policy' and records.record_id = policies.customer_number
    group by all
)
select one.identifier, one.person_id, other.person_id, claimed.claim_number
from shared as one
inner join claimed on one.person_id = claimed.person_id
inner join shared as other
    on one.identifier = other.identifier and one.person_id <> other.person_id
where other.assurance = 'C' and other.strongest_rule like 'phone_%'
order by all limit 1
"""
OTHERS = {
    "identity.id_records": "record_key, person_id, assurance, strongest_rule",
    "identity.id_person_identifiers": "*",
    "consent.con_permits": "person_id, purpose, channel, verdict, reason, evidence",
    "contexts.ctx_person": "* exclude (source_at)",
}
OBLIGATION = "commercial law: ten years from the end of the claim"


@dataclass(frozen=True)
class Household:
    """The place before and after, who was erased and who was not, and what the command printed."""

    before: Place
    after: Place
    phone: str
    erased: str
    other: str
    claim: str
    receipt: dict[str, Any]


@pytest.fixture(scope="module")
def household(first: Finished, runner: Runner, path_directory: Path) -> Household:
    place = first.place.copy_to(path_directory / "household")
    shutil.move(place.landing, place.home / "landing")
    phone, erased, other, claim = first.place.rows(PAIRS)[0]
    settings = path_directory / "retention.yml"
    periods = "".join(
        f"{name}: {{days: 1095, reason: proof}}\n"
        for name in ("decision_log_openings", "sync_records", "consent_proof")
    )
    settings.write_text(
        f"{periods}exemptions:\n  - relation: landing.policy_claims\n    days: 3650\n"
        f'    obligation: "{OBLIGATION}"\n'
    )
    ended = runner.assent(
        place.home, AS_OF, "erase", "--subject", erased, "--settings", str(settings), "--json"
    )
    assert ended.succeeded, ended.problems
    return Household(first.place, place, phone, erased, other, claim, json.loads(ended.problems[0]))


def test_erasing_one_of_a_household_raises_nobodys_assurance_and_changes_no_id_or_permit(
    household: Household,
) -> None:
    for table, columns in OTHERS.items():
        query = f"select {columns} from {table} where person_id <> ? order by all"
        assert household.after.rows(query, [household.erased]) == household.before.rows(
            query, [household.erased]
        ), table
    weak = household.after.rows(
        "select assurance from identity.id_records where person_id = ?", [household.other]
    )
    assert ("C",) in weak


def test_a_number_that_was_shared_permits_nothing_to_the_one_who_is_left(
    household: Household,
) -> None:
    assert household.after.rows(
        "select status, is_restriction_only from identity.id_person_identifiers "
        "where identifier = ? and person_id = ?",
        [household.phone, household.other],
    ) == [("shared", True)]
    assert household.receipt["steps"]["identity"]["kept_weak"] >= 1
    assert household.receipt["shared_identifiers"] == 1


def test_the_erased_one_is_in_no_model_and_the_other_still_has_the_number(
    household: Household,
) -> None:
    place = household.after
    assert (
        place.value(
            "select count(*) from identity.id_records where person_id = ?", [household.erased]
        )
        == 0
    )
    assert place.value(
        "select count(*) from identity.id_identifiers where identifier = ?", [household.phone]
    )
    assert household.receipt["steps"]["scan"]["found"] == []


def test_what_the_law_obliges_to_keep_stays_in_table_and_file_and_the_receipt_says_why(
    household: Household,
) -> None:
    kept = household.receipt["kept"]["landing.policy_claims"]
    assert kept["obligation"] == OBLIGATION
    assert household.after.value(
        "select count(*) from landing.policy_claims where claim_number = ?", [household.claim]
    )
    files = (household.after.home / "landing" / "policy").glob("claims*")
    assert any(household.claim in path.read_text(encoding="utf-8") for path in files)
    assert (
        household.after.value(
            "select count(*) from staging.stg_policy__policyholders as holders "
            "inner join landing.policy_claims as claims on claims.claim_number = ? "
            "inner join staging.stg_policy__policies as policies using (policy_number) "
            "where holders.customer_number = policies.customer_number",
            [household.claim],
        )
        == 0
    )


def test_log_and_ledger_verify_and_the_decisions_of_all_stand(household: Household) -> None:
    before = DecisionLog(household.before.decision_log).verify()
    after = DecisionLog(household.after.decision_log).verify()
    assert (after.ok, after.root) == (True, before.root)
    engine = open_store(f"sqlite:///{household.after.home / 'assent.sqlite'}")
    with engine.connect() as connection:
        assert verify_chain(connection).is_intact
    engine.dispose()


def test_the_one_who_is_left_sees_nothing_of_the_erased_one(
    household: Household, runner: Runner, tmp_path: Path
) -> None:
    """Neither before nor after: an address or number of the other is no data of theirs."""
    theirs = household.before.rows(
        "select distinct identifier from identity.id_person_identifiers where person_id = ? "
        "and identifier <> ?",
        [household.erased, household.phone],
    )
    theirs += household.before.rows(
        "select record_id from identity.id_records where person_id = ?", [household.erased]
    )
    place = household.before.copy_to(tmp_path / "before")
    for at, home in (("before", place.home), ("after", household.after.home)):
        out = tmp_path / f"package-{at}"
        ended = runner.assent(
            home, AS_OF, "access", "--subject", household.other, "--out", str(out)
        )
        assert ended.succeeded, ended.problems
        package = (out / "access.json").read_text(encoding="utf-8")
        assert json.loads(package)["systems"]
        assert [value for (value,) in theirs if value in package] == []
