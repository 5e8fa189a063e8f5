"""Mask SQL, window SQL and plain Python decide the same, to the row and the column."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activation.decisions import Gate
from activation.decisions.contract import SCHEMA
from activation.journeys import JourneySet, Node, load
from tests.activation.decisions.agreement import differing, drawn_world
from tests.activation.decisions.bulk import create_bulk_world
from tests.activation.decisions.forms import Approvals, decide_by_all_forms
from tests.activation.decisions.variants import every_limit, release_of
from tests.activation.decisions.worlds import (
    AS_OF,
    account,
    claim,
    create_world,
    insert,
    past_act,
    permit,
    person,
    policy,
)

# Not a fixture: hypothesis writes out every argument of a test.
JOURNEYS = load(Path(__file__).parents[3] / "activation" / "journeys")

PERSONS = st.sampled_from(["p_1", "p_2", "p_3"])
# p_9 may have merged into one of the others.
FORMER = st.sampled_from(["p_1", "p_2", "p_3", "p_9"])
NODES = {
    "renewal_reminder_day_90": ("P", "renewal"),
    "onboarding_nudge_stalled": ("A", "onboarding"),
    "claim_update_day_3": ("C", "claims_service"),
    "service_recovery_after_negative": ("T", "service_recovery"),
    "cross_sell_home": ("p_", "marketing"),
}
LEVELS = st.sampled_from(["A", "A", "B", "C", "D", None])
AGES = st.sampled_from([AS_OF, AS_OF, AS_OF - timedelta(days=7), AS_OF - timedelta(days=8), None])
COMMON = {"assurance": LEVELS, "source_at": AGES}
FLAGS = st.sampled_from([True, True, False, None])

persons = st.builds(
    person,
    PERSONS,
    residency=st.sampled_from(["uk", "uk", "eu", None]),
    timezone=st.sampled_from(["Europe/London", "Asia/Tokyo", "America/Los_Angeles", None]),
    reachable_email=FLAGS,
    reachable_sms=FLAGS,
    reachable_push=FLAGS,
    reachable_phone=FLAGS,
)
policies = st.builds(
    policy,
    PERSONS,
    st.sampled_from(["P1", "P2", "P3"]),
    status=st.sampled_from(["active", "active", "lapsed", None]),
    days_to_renewal=st.sampled_from([75, 76, 90, None]),
    product_line=st.sampled_from(["motor", "né\u2028e", 'a"b\\c', "x\x0by\tz", None]),
    **COMMON,
)
claims = st.builds(
    claim,
    PERSONS,
    st.sampled_from(["C1", "C2"]),
    days_open=st.sampled_from([2, 3, 7]),
    **COMMON,
)
accounts = st.builds(
    account,
    PERSONS,
    st.sampled_from(["A1", "A2"]),
    milestones_reached=st.sampled_from([4, 5]),
    **COMMON,
)
tickets = st.fixed_dictionaries(
    {
        "person_id": PERSONS,
        "subject_id": st.sampled_from(["T1", "T2"]),
        "score": st.sampled_from([1, 2, 3]),
        "hours_since_answer": st.sampled_from(
            [Decimal(text) for text in ("0", "71.999999", "72", "72.5")]
        ),
        **COMMON,
    }
)
customers = st.builds(
    lambda who, **rest: {"person_id": who, "subject_id": who, **rest},
    PERSONS,
    has_active_motor=FLAGS,
    has_active_home=st.just(False),
    **COMMON,
)
permits = st.builds(
    permit,
    PERSONS,
    st.sampled_from([purpose for _, purpose in NODES.values()]),
    st.sampled_from(["email", "sms", "push", "phone"]),
    verdict=st.sampled_from(["permit", "permit", "deny"]),
    reason=st.sampled_from(["withdrawn", "no_consent", None]),
    evidence=st.sampled_from(["e_1", None]),
)


@st.composite
def past_acts(draw: st.DrawFn) -> dict[str, Any]:
    node = draw(st.sampled_from(sorted(NODES)))
    subject = NODES[node][0] + draw(st.sampled_from(["1", "2", "3"]))
    who = draw(FORMER)
    key = {"P": f'["{subject}","2027-02-08"]', "C": f'["{subject}"]'}.get(NODES[node][0])
    days = draw(st.sampled_from([-1, 0, 1, 2, 3, 4, 5, 7, 14, 30]))
    return past_act(
        who,
        node,
        subject,
        decision_id=f"d_{draw(st.integers(0, 10**9))}",
        as_of=AS_OF - timedelta(days=days),
        outcome=draw(st.sampled_from(["act", "act", "act", "withhold", "hold"])),
        purpose=NODES[node][1],
        channel=draw(st.sampled_from(["email", "sms", None])),
        release=draw(st.sampled_from(["r_before", "r_other", "r_now"])),
        once_key=key,
    )


def unique(rows: list[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    return list({tuple(row[key] for key in keys): row for row in rows}.values())


VERDICTS = st.dictionaries(
    st.tuples(st.just("service_recovery_after_negative"), st.sampled_from(["T1", "T2"]), PERSONS),
    st.sampled_from(["granted", "refused"]),
    max_size=4,
)
WORLDS = st.fixed_dictionaries(
    {
        "contexts.ctx_person": st.lists(persons, min_size=2, max_size=6),
        "contexts.ctx_policy": st.lists(policies, max_size=6),
        "contexts.ctx_claim": st.lists(claims, max_size=3),
        "contexts.ctx_account": st.lists(accounts, max_size=4),
        "contexts.ctx_ticket": st.lists(tickets, max_size=3),
        "contexts.ctx_customer": st.lists(customers, max_size=3),
        "consent.con_permits": st.lists(permits, min_size=4, max_size=24),
        "activation.decision_log": st.lists(past_acts(), max_size=6),
        "activation.person_successor": st.lists(
            st.fixed_dictionaries({"former_person_id": st.just("p_9"), "person_id": PERSONS}),
            max_size=1,
        ),
    }
)
KEYS = {
    "activation.person_successor": ("former_person_id",),
    "contexts.ctx_person": ("person_id",),
    "consent.con_permits": ("person_id", "purpose", "channel"),
    "activation.decision_log": ("decision_id",),
}


def fill(connection: duckdb.DuckDBPyConnection, tables: dict[str, list[dict[str, Any]]]) -> None:
    create_world(connection)
    for table, rows in tables.items():
        insert(connection, table, unique(rows, *KEYS.get(table, ("person_id", "subject_id"))))
    insert(connection, "consent.con_watermark", [{"seq": 12, "recorded_at": AS_OF}])
    connection.execute(
        "insert into activation.release_node values "
        "('r_before', 'cross_sell_home', 'audience', 'cross_sell_home', 72)"
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables=WORLDS, approvals=VERDICTS, hour=st.sampled_from([-5, 0, 7, 8, 20]))
def test_all_forms_agree_on_small_worlds_with_every_limit(
    tables: dict[str, list[dict[str, Any]]],
    approvals: Approvals,
    hour: int,
) -> None:
    with duckdb.connect(config={"threads": 1}) as connection:
        fill(connection, tables)
        decide_by_all_forms(
            connection,
            every_limit(JOURNEYS),
            release_of("r_now"),
            AS_OF + timedelta(hours=hour),
            approvals,
        )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables=WORLDS, approvals=VERDICTS)
def test_all_forms_agree_on_small_worlds_under_the_sample_journeys(
    tables: dict[str, list[dict[str, Any]]],
    approvals: Approvals,
) -> None:
    with duckdb.connect(config={"threads": 1}) as connection:
        fill(connection, tables)
        decide_by_all_forms(connection, JOURNEYS, release_of("r_now"), AS_OF, approvals)


@pytest.mark.parametrize("limits", ["sample", "every"])
def test_all_forms_agree_on_a_bulk_world(limits: str) -> None:
    chosen = every_limit(JOURNEYS) if limits == "every" else JOURNEYS
    with duckdb.connect(config={"threads": 2}) as connection:
        create_bulk_world(connection, 3_000, seed=1)
        rows = decide_by_all_forms(connection, chosen, release_of("r_now"), AS_OF)
    assert len(rows) > 7_000
    failed = {gate for row in rows for gate in Gate if row["gate_mask"] & gate.bit}
    never = {Gate.CLOSED, Gate.EXCLUSION, Gate.VOLUME} if limits == "sample" else set()
    assert failed == set(Gate) - never


@pytest.mark.parametrize("seed", [105, 106, 110])
def test_all_forms_agree_under_drawn_rules(seed: int, tmp_path: Path) -> None:
    found = drawn_world(seed, 500, tmp_path)
    assert found.rows > 1_000
    assert len(found.reasons) > 10
    assert (found.window, found.python) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_all_forms_agree_on_many_candidates_under_drawn_rules(seed: int, tmp_path: Path) -> None:
    found = drawn_world(seed, 20_000, tmp_path)
    assert found.rows > 30_000
    assert (found.window, found.python) == (0, 0)


def test_a_row_that_one_form_decides_otherwise_is_counted(world: duckdb.DuckDBPyConnection) -> None:
    insert(world, "contexts.ctx_person", [person("p_1"), person("p_2")])
    insert(world, "contexts.ctx_claim", [claim("p_1", "C1"), claim("p_2", "C2")])
    rows = decide_by_all_forms(world, JOURNEYS, release_of("r_now"), AS_OF)
    other = [rows[0], rows[1] | {"gate_mask": rows[1]["gate_mask"] ^ 1}]
    same, changed = (pa.Table.from_pylist(one, SCHEMA) for one in (rows, other))
    assert differing(same, same) == 0
    assert differing(same, changed) == 2
    assert differing(same, same.slice(0, 1)) == 1


def test_forms_agree_when_there_are_more_purposes_than_a_column_of_permits_takes(
    world: duckdb.DuckDBPyConnection,
) -> None:
    [sample] = [node for node in JOURNEYS.nodes if node.id == "claim_update_day_3"]
    nodes = [
        Node.model_validate(sample.model_dump() | {"id": f"n_{one:02}", "purpose": f"p_{one:02}"})
        for one in range(26)
    ]
    insert(world, "contexts.ctx_person", [person("p_1"), person("p_2", reachable_sms=False)])
    insert(world, "contexts.ctx_claim", [claim("p_1", "C1"), claim("p_2", "C2")])
    given = [("p_1", "p_00", "sms"), ("p_1", "p_13", "email"), ("p_2", "p_25", "email")]
    insert(world, "consent.con_permits", [permit(*one) for one in given])
    rows = decide_by_all_forms(
        world, JourneySet(tuple(nodes), JOURNEYS.policies), release_of("r_now"), AS_OF
    )
    acting = {(r["person_id"], r["purpose"], r["channel"]) for r in rows if r["outcome"] == "act"}
    assert acting == set(given)


def test_forms_agree_on_a_subject_whose_id_has_a_control_character(
    world: duckdb.DuckDBPyConnection,
) -> None:
    insert(world, "contexts.ctx_person", [person("p_1")])
    insert(world, "contexts.ctx_claim", [claim("p_1", "C\x0b1"), claim("p_1", "C\\u0001")])
    rows = decide_by_all_forms(world, JOURNEYS, release_of("r_now"), AS_OF)
    assert {row["once_key"] for row in rows} == {'["C\ufffd1"]', '["C\\\\u0001"]'}
