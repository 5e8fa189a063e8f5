"""What is held waits for a person: listed, granted or refused, and followed by the next run."""

from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from click.testing import CliRunner, Result

from activation.decisions import append_decisions, current_approvals, decide
from activation.journeys import JourneySet, load
from activation.moment import publish_copy
from activation.store import open_store
from orchestration.cli_approve import approve
from tests.activation.decisions.variants import release_of
from tests.activation.decisions.worlds import AS_OF, create_world, insert, permit, person
from tests.activation.moment.people import create_state

NODE = "service_recovery_after_negative"
JOURNEYS = load(Path(__file__).parents[2] / "activation" / "journeys")


def decided(home: Path, hours: int) -> dict[str, str]:
    """A run some hours later: the reason by ticket."""
    journeys = JourneySet((JOURNEYS.node(NODE),), JOURNEYS.policies)
    as_of = AS_OF + timedelta(hours=hours)
    store = open_store(f"sqlite:///{home / 'assent.sqlite'}")
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection, store.connect() as reading:
        rows = decide(
            connection,
            journeys=journeys,
            release=release_of("r_now"),
            as_of=as_of,
            approvals=current_approvals(reading),
        )
        sealed = rows.append_column("batch", pa.array([hours + 1] * len(rows), pa.int64()))
        append_decisions(
            connection, sealed.append_column("seq", pa.array(range(len(rows)), pa.int64()))
        )
        publish_copy(connection, home / "read_copy", journeys=journeys, as_of=as_of)
    store.dispose()
    return {row["subject_id"]: row["reason"] for row in rows.to_pylist()}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two persons whose tickets went badly, after a first run."""
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        create_world(connection)
        create_state(connection)
        for who, ticket in (("p_1", "T1"), ("p_2", "T2")):
            insert(connection, "contexts.ctx_person", [person(who)])
            insert(connection, "consent.con_permits", [permit(who, "service_recovery", "phone")])
            row = {"person_id": who, "subject_id": ticket, "assurance": "A", "source_at": AS_OF}
            row |= {"ticket_id": ticket, "score": 1, "hours_since_answer": 1}
            insert(connection, "contexts.ctx_ticket", [row])
    assert decided(tmp_path, 0) == {"T1": "needs_approval", "T2": "needs_approval"}
    return tmp_path


def said(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(approve, [*arguments, "--home", str(home)])


def test_what_is_held_is_listed_since_it_was_first_held(home: Path) -> None:
    decided(home, 2)
    shown = said(home, "list")
    assert shown.exit_code == 0, shown.output
    assert f"{NODE}: 2 held" in shown.output
    assert shown.output.count("since 2026-11-20 12:00 UTC  waiting") == 2


def test_a_granted_action_is_taken_by_the_next_run_and_a_refused_one_is_not(home: Path) -> None:
    assert said(home, "grant", NODE, "T1", "--actor", "ada").exit_code == 0
    assert said(home, "refuse", NODE, "T2", "--actor", "ada").exit_code == 0
    assert "granted: the next run acts" in said(home, "list").output
    assert decided(home, 2) == {"T1": "selected", "T2": "approval_refused"}
    assert said(home, "list").output == "Nothing is held.\n"


def test_nobody_can_approve_what_is_not_held_or_as_nobody(home: Path) -> None:
    unknown = said(home, "grant", NODE, "T9", "--actor", "ada")
    assert unknown.exit_code == 1
    assert "is not held. Fix: `assent approve list`" in unknown.output
    nobody = said(home, "grant", NODE, "T1", "--actor", " ")
    assert nobody.exit_code == 1
    assert "say who decides" in nobody.output
    assert decided(home, 2) == {"T1": "needs_approval", "T2": "needs_approval"}
