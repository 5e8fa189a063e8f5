"""From raw rows of the source systems to what a decision may ask."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from tests.dbt.builder import LANDED_AT, Warehouse
from tests.dbt.insurer import TODAY, Insurer, after, at, before


@pytest.fixture(scope="module")
def insurer(shared_warehouse: Callable[[str], Warehouse]) -> Insurer:
    """One world for the module: each customer number below is the story of one test."""
    insurer = Insurer(shared_warehouse("contexts"))

    insurer.contact("C-1001", email="ada@example.com", phone="07400 123456")
    insurer.customer("1001", crm_contact_id="C-1001")
    for days in (75, 76, 90, 91):
        insurer.policy(f"POL-{days}", "1001", renews_on=TODAY + timedelta(days=days))
    insurer.policy("POL-ORPHAN", "9999", renews_on=TODAY + timedelta(days=80))

    insurer.customer("1002")
    insurer.policy("POL-1002", "1002")
    insurer.claim("CLM-3", "POL-1002", opened_at=at(TODAY - timedelta(days=3), hour=23))
    insurer.claim("CLM-7", "POL-1002", status="in_review", opened_at=at(date(2026, 11, 13), 0))
    insurer.claim("CLM-PAID", "POL-1002", status="paid", opened_at=before(days=5))
    insurer.claim("CLM-LATER", "POL-1002", opened_at=after(seconds=1))

    insurer.customer("1003")
    insurer.policy("POL-1003", "1003")
    insurer.policy("POL-1003-HOME", "1003", product_line="home", status="lapsed")

    insurer.customer("1004")
    insurer.account("A-STALLED", customer_number="1004", created_at=before(days=90))
    insurer.milestone("A-STALLED", "signed_up", before(days=90))
    insurer.milestone("A-STALLED", "verified_email", before(days=7))
    insurer.milestone("A-STALLED", "verified_email", before(days=7))
    insurer.milestone("A-STALLED", "added_policy", after(days=1))
    insurer.account("A-EMPTY", customer_number="1004")

    insurer.customer("1005", email="eve@example.com", given_name="Eve", family_name="Ash")
    for ticket_id, hours in (("T-72", 72), ("T-73", 72.001), ("T-LATER", -1), ("T-NONE", None)):
        insurer.ticket(ticket_id, requester_name="Eve Ash", requester_email="eve@example.com")
        if hours is not None:
            insurer.answer(ticket_id, 1, before(hours=hours))

    insurer.build("+path:models/contexts")
    return insurer


def column(insurer: Insurer, sql: str) -> list[Any]:
    """The first column of a query, sorted."""
    return sorted(row[0] for row in insurer.warehouse.rows(sql))


def test_a_policy_90_days_before_renewal_is_in_the_context_and_91_is_outside_the_window(
    insurer: Insurer,
) -> None:
    due = column(
        insurer,
        "select subject_id from contexts.ctx_policy "
        "where status = 'active' and days_to_renewal between 76 and 90 and days_to_renewal > 0",
    )
    assert due == ["POL-76", "POL-90"]


def test_a_policy_whose_policyholder_is_unknown_is_about_nobody(insurer: Insurer) -> None:
    numbers = column(insurer, "select policy_number from contexts.ctx_policy")
    assert "POL-ORPHAN" not in numbers
    assert len(numbers) == 7


def test_days_open_ignore_the_hour_of_the_day(insurer: Insurer) -> None:
    rows = insurer.warehouse.rows(
        "select subject_id, days_open from contexts.ctx_claim "
        "where status in ('open', 'in_review') order by subject_id"
    )
    assert rows == [("CLM-3", 3), ("CLM-7", 7)]


def test_a_claim_opened_after_the_run_is_in_no_context(insurer: Insurer) -> None:
    assert "CLM-LATER" not in column(insurer, "select subject_id from contexts.ctx_claim")


def test_a_claim_is_as_sure_as_the_policyholder_s_record(insurer: Insurer) -> None:
    differing = insurer.warehouse.rows(
        """
        select claims.subject_id
        from contexts.ctx_claim as claims
        inner join staging.stg_policy__claims as raw
            on claims.claim_number = raw.claim_number
        inner join staging.stg_policy__policies as policies
            on raw.policy_number = policies.policy_number
        inner join identity.id_records as records
            on records.record_key = 'policy.policyholders:' || policies.customer_number
        where claims.assurance <> records.assurance or claims.person_id <> records.person_id
        """
    )
    assert differing == []


def test_a_lapsed_home_policy_is_no_home_policy(insurer: Insurer) -> None:
    rows = insurer.warehouse.rows(
        "select has_active_motor, has_active_home from contexts.ctx_customer "
        f"where person_id = '{insurer.person('1003')}'"
    )
    assert rows == [(True, False)]


def test_open_and_reviewed_claims_are_open_and_a_paid_one_is_not(insurer: Insurer) -> None:
    rows = insurer.warehouse.rows(
        "select count(*) filter (where is_open) from profiles.per_claims "
        f"where person_id = '{insurer.person('1002')}'"
    )
    assert rows == [(2,)]


def test_a_milestone_counts_once_and_not_before_it_is_reached(insurer: Insurer) -> None:
    rows = insurer.warehouse.rows(
        "select milestones_reached, next_milestone, days_since_last_milestone, account_age_days "
        "from contexts.ctx_account where subject_id = 'A-STALLED'"
    )
    assert rows == [(2, "added_policy", 7, 90)]


def test_an_account_without_milestones_has_no_last_one(insurer: Insurer) -> None:
    rows = insurer.warehouse.rows(
        "select milestones_reached, next_milestone, days_since_last_milestone "
        "from contexts.ctx_account where subject_id = 'A-EMPTY'"
    )
    assert rows == [(0, "signed_up", None)]


def test_an_answer_72_hours_old_is_recent_and_one_a_little_older_is_not(insurer: Insurer) -> None:
    recent = column(
        insurer,
        "select subject_id from contexts.ctx_ticket where score <= 2 and hours_since_answer <= 72",
    )
    assert recent == ["T-72"]


def test_a_ticket_without_an_answer_by_now_is_in_no_context(insurer: Insurer) -> None:
    assert column(insurer, "select subject_id from contexts.ctx_ticket") == ["T-72", "T-73"]


def test_a_person_is_reachable_where_there_is_an_address(insurer: Insurer) -> None:
    rows = insurer.warehouse.rows(
        "select reachable_email, reachable_sms, reachable_phone, reachable_push, reachable_post, "
        "timezone, residency from contexts.ctx_person "
        f"where person_id = '{insurer.person('1001')}'"
    )
    assert rows == [(True, True, True, False, False, "Europe/London", "uk")]


def test_every_person_has_one_state_row(insurer: Insurer) -> None:
    persons = column(insurer, "select person_id from identity.id_persons")
    assert column(insurer, "select person_id from contexts.ctx_person") == persons


def test_a_context_is_as_fresh_as_its_source_system(insurer: Insurer) -> None:
    assert insurer.warehouse.rows("select distinct source_at from contexts.ctx_policy") == [
        (LANDED_AT,)
    ]


def test_every_context_has_the_keys_that_decisions_read(manifest: Any) -> None:
    keys = {"person_id", "subject_id", "assurance", "source_at"}
    contexts = [
        node
        for node in manifest.nodes.values()
        if node.resource_type == "model" and node.schema == "contexts"
    ]
    assert len(contexts) == 6
    for node in contexts:
        assert keys <= set(node.columns), f"{node.name} lacks {keys - set(node.columns)}"
        assert node.config.contract.enforced, f"{node.name} enforces no contract"
        assert node.config.meta.get("purposes"), f"{node.name} says no purposes it may be asked for"


def test_the_models_own_unit_tests_pass(insurer: Insurer) -> None:
    insurer.build("+con_permits", "out_permitted_actions", "out_permitted_members")
    folders = ("profiles", "contexts", "outbound")
    results = insurer.warehouse.run_dbt(
        ["test", "--select", *(f"path:models/{folder},test_type:unit" for folder in folders)]
    )
    failed = [f"{result.node.name}: {result.message}" for result in results if result.failures]
    assert len(results) >= 17
    assert failed == []
    assert {str(result.status) for result in results} == {"pass"}
