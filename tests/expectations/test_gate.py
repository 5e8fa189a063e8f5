"""The gate on a real DuckDB through Great Expectations: it closes, it opens, and it says why."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from expectations import gate
from expectations.contract import Contract
from expectations.outcome import Outcome

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)


def contract(**changes: object) -> Contract:
    content: dict[str, object] = {
        "table": "contexts.ctx_policy",
        "gate": "decisions",
        "owner": "team@assent.example",
        "description": "What a decision may ask.",
        "key": ["person_id", "subject_id"],
        "freshness": {"column": "source_at", "max_age_hours": 24},
        "volume": {"minimum_rows": 1, "minimum_share_of_history": 0.5},
        "rules": [
            {
                "id": "status_is_known",
                "description": "no other status",
                "check": "values",
                "columns": ["status"],
                "values": ["active", "lapsed"],
            },
            {
                "id": "days_in_range",
                "description": "days",
                "check": "between",
                "columns": ["days"],
                "minimum": 0,
                "maximum": 365,
            },
            {
                "id": "person_is_known",
                "description": "known",
                "check": "references",
                "columns": ["person_id"],
                "references": "identity.id_persons.person_id",
            },
            {
                "id": "lapsed_have_no_days",
                "description": "lapsed policies do not renew",
                "check": "sql",
                "sql": "select subject_id from {table} where status = 'lapsed' and days > 0",
                "action": "warn",
            },
        ],
    }
    return Contract.model_validate(content | changes)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    config = {"enable_external_access": "false"}
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), config=config) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("create schema contexts")
        connection.execute("create schema identity")
        connection.execute("create table identity.id_persons as select 'p_1' as person_id")
        connection.execute(
            """
            create table contexts.ctx_policy (
                person_id varchar, subject_id varchar, status varchar, days integer,
                source_at timestamptz
            )
            """
        )
        insert(connection, "p_1", "POL-1")
        yield connection


def insert(
    connection: duckdb.DuckDBPyConnection,
    person_id: str,
    subject_id: str | None,
    *,
    status: str = "active",
    days: int = 10,
    source_at: datetime = AS_OF,
) -> None:
    connection.execute(
        "insert into contexts.ctx_policy values (?, ?, ?, ?, ?)",
        [person_id, subject_id, status, days, source_at],
    )


def judged(connection: duckdb.DuckDBPyConnection, one: Contract) -> dict[str, Outcome]:
    outcomes = gate.evaluate(connection, (one,), "decisions", AS_OF)
    gate.record(connection, "decisions", outcomes, AS_OF)
    return {outcome.rule: outcome for outcome in outcomes}


def test_the_gate_opens_when_every_rule_passes(warehouse: duckdb.DuckDBPyConnection) -> None:
    outcomes = judged(warehouse, contract())
    assert {outcome.state for outcome in outcomes.values()} == {"passed"}
    assert len(outcomes) == 8
    gate.require_open(warehouse, "decisions", AS_OF)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"person_id": "p_1", "subject_id": "POL-1"}, "key_unique"),
        ({"person_id": "p_1", "subject_id": None}, "key_present"),
        ({"person_id": "p_1", "subject_id": "POL-2", "status": "odd"}, "status_is_known"),
        ({"person_id": "p_1", "subject_id": "POL-2", "days": 400}, "days_in_range"),
        ({"person_id": "p_2", "subject_id": "POL-2"}, "person_is_known"),
    ],
)
def test_one_bad_row_closes_the_gate_and_only_its_own_rule_fails(
    warehouse: duckdb.DuckDBPyConnection, row: dict[str, object], rule: str
) -> None:
    insert(warehouse, **row)  # type: ignore[arg-type]
    outcomes = judged(warehouse, contract())
    assert [one.rule for one in outcomes.values() if one.state != "passed"] == [rule]
    with pytest.raises(gate.GateClosedError, match=rule):
        gate.require_open(warehouse, "decisions", AS_OF)


def test_a_warning_does_not_close_the_gate(warehouse: duckdb.DuckDBPyConnection) -> None:
    insert(warehouse, "p_1", "POL-2", status="lapsed", days=3)
    outcomes = judged(warehouse, contract())
    assert outcomes["lapsed_have_no_days"].state == "failed"
    gate.require_open(warehouse, "decisions", AS_OF)


def test_an_empty_table_closes_the_gate_although_no_row_breaks_a_rule(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute("delete from contexts.ctx_policy")
    outcomes = judged(warehouse, contract())
    assert outcomes["volume"].state == "failed"
    assert outcomes["freshness"].state == "failed"


def test_old_data_closes_the_gate_however_recently_the_table_was_built(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute("update contexts.ctx_policy set source_at = ?", [AS_OF - timedelta(hours=25)])
    assert judged(warehouse, contract())["freshness"].state == "failed"


def test_a_rule_that_can_not_be_judged_is_not_evaluated_and_closes_the_gate(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute("alter table contexts.ctx_policy drop column days")
    outcomes = judged(warehouse, contract())
    assert outcomes["days_in_range"].state == "not_evaluated"
    assert outcomes["status_is_known"].state == "passed"
    with pytest.raises(gate.GateClosedError, match="not_evaluated"):
        gate.require_open(warehouse, "decisions", AS_OF)


def test_rule_sql_can_not_read_files(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden")
    reading = {
        "id": "reads_a_file",
        "description": "reads a file",
        "check": "sql",
        "sql": f"select * from {{table}} where exists (select * from read_text('{secret}'))",
    }
    outcomes = judged(warehouse, contract(rules=[reading]))
    assert outcomes["reads_a_file"].state == "not_evaluated"


def test_half_the_rows_of_earlier_runs_missing_closes_the_gate(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    for number in range(2, 11):
        insert(warehouse, "p_1", f"POL-{number}")
    before = AS_OF - timedelta(hours=1)
    gate.record(
        warehouse, "decisions", gate.evaluate(warehouse, (contract(),), "decisions", before), before
    )
    warehouse.execute("delete from contexts.ctx_policy where subject_id <> 'POL-1'")
    outcome = judged(warehouse, contract())["volume"]
    assert (outcome.state, outcome.observed) == ("failed", "1")


def test_no_verdict_and_an_expired_verdict_are_closed_gates(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    with pytest.raises(gate.GateClosedError, match="not evaluated yet"):
        gate.require_open(warehouse, "decisions", AS_OF)
    judged(warehouse, contract())
    with pytest.raises(gate.GateClosedError, match="expired"):
        gate.require_open(warehouse, "decisions", AS_OF + gate.VALID_FOR + timedelta(seconds=1))


def test_a_failed_rule_shows_keys_and_never_values(warehouse: duckdb.DuckDBPyConnection) -> None:
    insert(warehouse, "p_1", "POL-2", status="a personal remark")
    outcome = judged(warehouse, contract())["status_is_known"]
    assert outcome.sample == ("p_1/POL-2",)
    assert "personal" not in repr(outcome)
