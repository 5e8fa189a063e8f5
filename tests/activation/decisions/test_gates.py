"""Each gate by itself, its place in the order, and what a row says about it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from activation.decisions import DecisionError, Gate, Release, decide
from activation.decisions.buckets import bucket, bucket_sql
from activation.decisions.reasons import SENTENCES
from activation.journeys import JourneySet
from tests.activation.decisions.forms import decide_by_all_forms
from tests.activation.decisions.variants import changed, release_of, with_policies
from tests.activation.decisions.worlds import (
    AS_OF,
    CHANNELS,
    account,
    claim,
    insert,
    past_act,
    permit,
    person,
    policy,
)

World = duckdb.DuckDBPyConnection
RENEWAL = "renewal_reminder_day_90"
NIGHT = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
HELD_OUT = next(f"p_{n}" for n in range(999) if bucket("renewal-reminder-2026", f"p_{n}") < 1_000)
TREATED = next(f"p_{n}" for n in range(999) if bucket("renewal-reminder-2026", f"p_{n}") >= 1_000)


@pytest.fixture
def renewal(world: World) -> World:
    """One person with one policy due, who may be told so by e-mail and text message."""
    insert(world, "contexts.ctx_person", [person(TREATED)])
    insert(world, "contexts.ctx_policy", [policy(TREATED, "POL1")])
    insert(world, "consent.con_permits", [permit(TREATED, "renewal", c) for c in ("email", "sms")])
    insert(world, "consent.con_watermark", [{"seq": 42, "recorded_at": AS_OF}])
    return world


def only(
    world: World, journeys: JourneySet, release: Release, as_of: datetime = AS_OF
) -> dict[str, Any]:
    """The one decision of the world, by all three forms."""
    rows = decide_by_all_forms(world, journeys, release, as_of)
    assert len(rows) == 1
    return rows[0]


def test_all_gates_passed_is_an_act_with_its_evidence(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    renewal.execute("update consent.con_permits set evidence = 'e_7', basis = 'consent'")
    row = only(renewal, journeys, release)
    assert (row["outcome"], row["reason"], row["gate_mask"]) == ("act", "selected", 0)
    assert (row["channel"], row["lawful_basis"], row["evidence"]) == ("email", "consent", "e_7")
    assert row["watermark"] == 42
    assert row["once_key"] == '["POL1","2027-02-08"]'
    assert row["arm"] == "treatment"
    assert row["context"] == (
        '{"days_to_renewal":"80","policy_number":"POL1","product_line":"motor",'
        '"renews_on":"2027-02-08","status":"active"}'
    )


FAILURES = {
    "assurance": ("contexts.ctx_policy", "assurance = 'C'", "low_assurance", Gate.ASSURANCE),
    "unknown assurance": ("contexts.ctx_policy", "assurance = ''", "low_assurance", Gate.ASSURANCE),
    "no assurance": ("contexts.ctx_policy", "assurance = null", "low_assurance", Gate.ASSURANCE),
    "region": ("contexts.ctx_person", "residency = 'moon'", "residency", Gate.RESIDENCY),
    "no region": ("contexts.ctx_person", "residency = null", "residency", Gate.RESIDENCY),
    "stale": (
        "contexts.ctx_policy",
        "source_at = source_at - interval 169 hours",
        "stale_context",
        Gate.FRESHNESS,
    ),
    "never seen": ("contexts.ctx_policy", "source_at = null", "stale_context", Gate.FRESHNESS),
    "no address": (
        "contexts.ctx_person",
        "reachable_email = false, reachable_sms = null",
        "unreachable",
        Gate.REACHABLE,
    ),
    "withdrawn": (
        "consent.con_permits",
        "verdict = 'deny', reason = 'withdrawn'",
        "withdrawn",
        Gate.PERMIT,
    ),
    "consent unknown": ("consent.con_permits", "purpose = 'other'", "no_permit", Gate.PERMIT),
    "verdict unknown": (
        "consent.con_permits",
        "verdict = null, reason = null",
        "no_permit",
        Gate.PERMIT,
    ),
}


@pytest.mark.parametrize(("table", "change", "reason", "gate"), FAILURES.values(), ids=FAILURES)
def test_one_failed_gate_withholds_with_its_reason_and_only_its_bit(
    renewal: World,
    journeys: JourneySet,
    release: Release,
    table: str,
    change: str,
    reason: str,
    gate: Gate,
) -> None:
    renewal.execute(f"update {table} set {change}")
    row = only(renewal, journeys, release)
    assert (row["outcome"], row["reason"]) == ("withhold", reason)
    assert row["gate_mask"] == gate.bit


def test_a_person_without_any_state_is_withheld(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    renewal.execute("delete from contexts.ctx_person")
    row = only(renewal, journeys, release)
    assert (row["outcome"], row["reason"], row["channel"]) == ("withhold", "residency", None)
    assert row["gate_mask"] == Gate.RESIDENCY.bit | Gate.REACHABLE.bit


def test_the_first_failing_gate_is_the_reason_and_the_mask_holds_them_all(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    renewal.execute("update contexts.ctx_policy set assurance = 'D', source_at = null")
    renewal.execute("update consent.con_permits set verdict = 'deny', reason = 'objected'")
    row = only(renewal, journeys, release)
    assert row["reason"] == "low_assurance"
    assert row["gate_mask"] == Gate.ASSURANCE.bit | Gate.FRESHNESS.bit | Gate.PERMIT.bit


def test_the_second_channel_is_taken_when_the_first_is_not_permitted(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    renewal.execute("update consent.con_permits set verdict = 'deny' where channel = 'email'")
    assert only(renewal, journeys, release)["channel"] == "sms"


def test_a_refusal_gives_the_reason_of_the_first_reachable_channel(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    renewal.execute("update contexts.ctx_person set reachable_email = false")
    renewal.execute("update consent.con_permits set verdict = 'deny', reason = 'no_' || channel")
    row = only(renewal, journeys, release)
    assert (row["channel"], row["reason"]) == ("sms", "no_sms")


def test_a_halted_node_acts_on_nobody(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    row = only(renewal, changed(journeys, RENEWAL, halted=True), release)
    assert (row["outcome"], row["reason"], row["gate_mask"]) == ("withhold", "node_halted", 1)


def test_a_node_that_an_operator_stopped_acts_on_nobody(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    (row,) = decide_by_all_forms(renewal, journeys, release, AS_OF, halted={RENEWAL})
    assert (row["outcome"], row["reason"], row["gate_mask"]) == ("withhold", "node_halted", 1)


def test_a_node_acts_until_the_day_before_it_expires(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    tomorrow = changed(journeys, RENEWAL, expires="2026-11-21")
    assert only(renewal, tomorrow, release)["outcome"] == "act"
    today = changed(journeys, RENEWAL, expires="2026-11-20")
    assert only(renewal, today, release)["reason"] == "node_expired"


def test_at_night_a_text_message_is_deferred_and_an_email_is_not(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    assert only(renewal, journeys, release, NIGHT)["outcome"] == "act"
    renewal.execute("update contexts.ctx_person set reachable_email = false")
    row = only(renewal, journeys, release, NIGHT)
    assert (row["outcome"], row["reason"], row["channel"]) == ("defer", "quiet_hours", "sms")


def test_an_unknown_zone_counts_as_night(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    renewal.execute("update contexts.ctx_person set reachable_email = false, timezone = null")
    assert only(renewal, journeys, release)["reason"] == "quiet_hours"


# The clocks of London go back on 25 October 2026 and forward on 29 March 2026; New York's on
# 1 November and 8 March. Quiet hours are those of the wall clock, 20:00 to 08:00.
CLOCKS = [
    ("Europe/London", "2026-10-24T06:59:00", "defer"),
    ("Europe/London", "2026-10-24T07:00:00", "act"),
    ("Europe/London", "2026-10-25T07:59:00", "defer"),
    ("Europe/London", "2026-10-25T08:00:00", "act"),
    ("Europe/London", "2026-10-24T18:59:00", "act"),
    ("Europe/London", "2026-10-24T19:00:00", "defer"),
    ("Europe/London", "2026-10-25T19:59:00", "act"),
    ("Europe/London", "2026-10-25T20:00:00", "defer"),
    ("Europe/London", "2026-03-28T07:59:00", "defer"),
    ("Europe/London", "2026-03-29T07:00:00", "act"),
    ("America/New_York", "2026-11-01T12:59:00", "defer"),
    ("America/New_York", "2026-11-01T13:00:00", "act"),
    ("America/New_York", "2026-10-31T12:00:00", "act"),
    ("America/New_York", "2026-03-08T11:59:00", "defer"),
    ("America/New_York", "2026-03-08T12:00:00", "act"),
    ("Asia/Kolkata", "2026-11-20T02:29:00", "defer"),
    ("Asia/Kolkata", "2026-11-20T02:30:00", "act"),
]


@pytest.mark.parametrize(("zone", "at", "outcome"), CLOCKS)
def test_quiet_hours_follow_the_wall_clock_over_daylight_saving(
    renewal: World, journeys: JourneySet, release: Release, zone: str, at: str, outcome: str
) -> None:
    as_of = datetime.fromisoformat(at).replace(tzinfo=UTC)
    renewal.execute("update contexts.ctx_person set reachable_email = false, timezone = ?", [zone])
    renewal.execute("update contexts.ctx_policy set source_at = ?", [as_of])
    assert only(renewal, journeys, release, as_of)["outcome"] == outcome


def test_the_holdout_of_a_node_is_a_fixed_tenth(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    for table in ("contexts.ctx_person", "contexts.ctx_policy", "consent.con_permits"):
        renewal.execute(f"update {table} set person_id = ?", [HELD_OUT])
    row = only(renewal, journeys, release)
    assert (row["outcome"], row["reason"], row["arm"]) == ("withhold", "holdout", "control")
    assert row["bucket"] == bucket("renewal-reminder-2026", HELD_OUT)
    shares = [bucket("renewal-reminder-2026", f"p_{n}") < 1_000 for n in range(20_000)]
    assert 0.09 < sum(shares) / len(shares) < 0.11


def test_the_universal_holdout_leaves_other_purposes_alone(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    everyone = {"percent": 100, "salt": "universal-2026", "purposes": ["marketing"]}
    assert (
        only(renewal, with_policies(journeys, universal_holdout=everyone), release)["outcome"]
        == "act"
    )
    everyone["purposes"] = ["renewal"]
    row = only(renewal, with_policies(journeys, universal_holdout=everyone), release)
    assert (row["reason"], row["arm"]) == ("universal_holdout", "control")


def test_once_per_policy_and_renewal_date_lets_the_next_renewal_through(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    done = past_act(TREATED, RENEWAL, "POL1", as_of=AS_OF - timedelta(days=300))
    insert(renewal, "activation.decision_log", [done | {"once_key": '["POL1","2026-02-08"]'}])
    assert only(renewal, journeys, release)["outcome"] == "act"
    renewal.execute("""update activation.decision_log set once_key = '["POL1","2027-02-08"]'""")
    assert only(renewal, journeys, release)["reason"] == "already_done"


def test_what_was_withheld_before_may_be_done_now(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    before = past_act(TREATED, RENEWAL, "POL1", as_of=AS_OF - timedelta(days=1))
    withheld = before | {"outcome": "withhold", "once_key": '["POL1","2027-02-08"]'}
    insert(renewal, "activation.decision_log", [withheld])
    assert only(renewal, journeys, release)["outcome"] == "act"


def test_once_holds_for_the_subject_although_the_person_was_merged(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    done = past_act("p_old", RENEWAL, "POL1", once_key='["POL1","2027-02-08"]')
    insert(renewal, "activation.decision_log", [done])
    assert only(renewal, journeys, release)["reason"] == "already_done"


@pytest.mark.parametrize(("days", "outcome"), [(13, "withhold"), (14, "act")])
def test_a_cooldown_ends_on_its_last_day(
    world: World, journeys: JourneySet, release: Release, days: int, outcome: str
) -> None:
    insert(world, "contexts.ctx_person", [person("p_1")])
    insert(world, "contexts.ctx_account", [account("p_1", "A1")])
    insert(world, "consent.con_permits", [permit("p_1", "onboarding", "email")])
    node = "onboarding_nudge_stalled"
    act = past_act("p_1", node, "A1", as_of=AS_OF - timedelta(days=days), purpose="onboarding")
    insert(world, "activation.decision_log", [act])
    assert only(world, journeys, release)["outcome"] == outcome


def test_an_act_for_another_account_does_not_cool_this_one(
    world: World, journeys: JourneySet, release: Release
) -> None:
    insert(world, "contexts.ctx_person", [person("p_1")])
    insert(world, "contexts.ctx_account", [account("p_1", "A1")])
    insert(world, "consent.con_permits", [permit("p_1", "onboarding", "email")])
    act = past_act("p_1", "onboarding_nudge_stalled", "A2", as_of=AS_OF - timedelta(days=3))
    insert(world, "activation.decision_log", [act])
    assert only(world, journeys, release)["outcome"] == "act"


def test_an_audience_is_not_bound_by_night_or_caps(
    world: World, journeys: JourneySet, release: Release
) -> None:
    insert(world, "contexts.ctx_person", [person("p_1")])
    member = {
        "person_id": "p_1",
        "subject_id": "p_1",
        "assurance": "C",
        "source_at": NIGHT,
        "has_active_motor": True,
        "has_active_home": False,
    }
    insert(world, "contexts.ctx_customer", [member])
    insert(world, "consent.con_permits", [permit("p_1", "marketing", "email")])
    acts = [past_act("p_1", RENEWAL, f"P{n}", as_of=NIGHT) for n in range(3)]
    insert(world, "activation.decision_log", acts)
    row = only(world, journeys, release, NIGHT)
    assert (row["outcome"], row["action"]) == ("act", "join_audience")


APPROVALS = {None: ("hold", "needs_approval"), "granted": ("act", "selected")}
APPROVALS["refused"] = ("withhold", "approval_refused")


@pytest.mark.parametrize(("verdict", "expected"), APPROVALS.items())
def test_a_costly_call_waits_for_a_persons_verdict(
    world: World,
    journeys: JourneySet,
    release: Release,
    verdict: str | None,
    expected: tuple[str, str],
) -> None:
    insert(world, "contexts.ctx_person", [person("p_1")])
    ticket = {"person_id": "p_1", "subject_id": "T1", "assurance": "B", "source_at": AS_OF}
    insert(
        world, "contexts.ctx_ticket", [ticket | {"score": 1, "hours_since_answer": Decimal("3.5")}]
    )
    insert(world, "consent.con_permits", [permit("p_1", "service_recovery", "phone")])
    node = "service_recovery_after_negative"
    approvals = {(node, "T1", "p_1"): verdict} if verdict else {}
    rows = decide_by_all_forms(world, journeys, release, AS_OF, approvals)
    assert [(row["outcome"], row["reason"]) for row in rows] == [expected]


def test_every_reason_a_run_gives_has_a_sentence(
    world: World, journeys: JourneySet, release: Release
) -> None:
    consent = "erased restricted suppressed stale_consent no_rule no_contract withdrawn objected "
    consent += "denied minor special_category no_consent unconfirmed stale_notice expired"
    assert set(consent.split()) <= set(SENTENCES)
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())


def test_a_compiled_statement_reads_nothing_beyond_the_minimal_bundle(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    """The tables of the world have only the columns allowed, so a wider read would not bind."""
    rows = decide(renewal, journeys=journeys, release=release, as_of=AS_OF)
    assert rows.num_rows == 1
    renewal.execute("alter table contexts.ctx_policy add column diagnosis varchar default 'x'")
    again = decide(renewal, journeys=journeys, release=release, as_of=AS_OF)
    assert again.equals(rows)


def test_a_second_run_at_the_same_instant_decides_nothing(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    row = only(renewal, journeys, release)
    del row["context"]
    insert(renewal, "activation.decision_log", [row])
    assert decide_by_all_forms(renewal, journeys, release, AS_OF) == []


def test_what_was_decided_at_this_instant_counts_as_history_for_what_is_new(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    insert(renewal, "contexts.ctx_policy", [policy(TREATED, "POL2")])
    for row in decide_by_all_forms(renewal, journeys, release, AS_OF):
        del row["context"]
        insert(renewal, "activation.decision_log", [row])
    insert(renewal, "contexts.ctx_policy", [policy(TREATED, "POL3")])
    row = only(renewal, journeys, release)
    assert (row["subject_id"], row["reason"]) == ("POL3", "capped")


def test_the_same_inputs_give_the_same_bytes(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    first = decide(renewal, journeys=journeys, release=release, as_of=AS_OF)
    renewal.execute("set threads = 1")
    renewal.execute("set timezone = 'Asia/Tokyo'")
    second = decide(renewal, journeys=journeys, release=release, as_of=AS_OF)
    assert first.equals(second)


def test_another_release_or_instant_is_another_decision(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    ids = {
        only(renewal, journeys, release)["decision_id"],
        only(renewal, journeys, release_of("r_other"))["decision_id"],
        only(renewal, journeys, release, AS_OF + timedelta(hours=1))["decision_id"],
    }
    assert len(ids) == 3


def test_rows_come_in_the_order_of_priority_node_subject_and_person(
    world: World, journeys: JourneySet, release: Release
) -> None:
    insert(world, "contexts.ctx_policy", [policy("p_2", "POL1"), policy("p_1", "POL1")])
    insert(world, "contexts.ctx_claim", [claim("p_3", "C2"), claim("p_3", "C1", days_open=8)])
    rows = decide(world, journeys=journeys, release=release, as_of=AS_OF).to_pylist()
    assert [(row["subject_id"], row["person_id"]) for row in rows] == [
        ("C2", "p_3"),
        ("C1", "p_3"),
        ("POL1", "p_1"),
        ("POL1", "p_2"),
    ]


def test_a_naive_instant_is_refused(renewal: World, journeys: JourneySet, release: Release) -> None:
    with pytest.raises(ValueError, match="time zone"):
        decide(renewal, journeys=journeys, release=release, as_of=AS_OF.replace(tzinfo=None))


BROKEN = {
    "a missing context": ("drop table contexts.ctx_claim", r"contexts\.ctx_claim: no such table"),
    "a missing field": (
        "alter table contexts.ctx_policy drop column status",
        r"contexts\.ctx_policy\.status: missing",
    ),
    "a missing key": (
        "alter table contexts.ctx_policy drop column assurance",
        r"contexts\.ctx_policy\.assurance: missing",
    ),
    "a field of another type": (
        "alter table contexts.ctx_policy alter column days_to_renewal type varchar",
        r"days_to_renewal: is VARCHAR, the journeys say integer",
    ),
    "a field in floating point": (
        "alter table contexts.ctx_ticket alter column hours_since_answer type double",
        r"hours_since_answer: is DOUBLE, the journeys say decimal",
    ),
    "a subject twice": (
        "insert into contexts.ctx_policy select * from contexts.ctx_policy",
        "two rows for one person, subject and node",
    ),
}


@pytest.mark.parametrize(("change", "message"), BROKEN.values(), ids=BROKEN)
def test_tables_that_do_not_fit_the_journeys_are_named_with_the_fix(
    renewal: World, journeys: JourneySet, release: Release, change: str, message: str
) -> None:
    renewal.execute(change)
    with pytest.raises(DecisionError, match=message) as caught:
        decide(renewal, journeys=journeys, release=release, as_of=AS_OF)
    assert "Fix: " in str(caught.value)


def test_buckets_in_sql_equal_those_in_python(world: World) -> None:
    found = world.execute(
        f"select id, {bucket_sql('salt-2026', 'id')} from (values ('p_1'), ('é'), ('')) as t (id)"
    ).fetchall()
    assert found == [(name, bucket("salt-2026", name)) for name in ("p_1", "é", "")]


def test_a_decision_table_has_the_columns_that_the_log_takes(
    renewal: World, journeys: JourneySet, release: Release
) -> None:
    rows = decide(renewal, journeys=journeys, release=release, as_of=AS_OF)
    assert rows.schema.field("as_of").type == pa.timestamp("us", tz="UTC")
    assert set(CHANNELS) >= set(rows.column("channel").to_pylist())
