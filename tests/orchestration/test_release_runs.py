"""A release is what a run decides by, its SQL included: one with other SQL, and the way back."""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.orchestration.conftest import Finished, Run
from tests.orchestration.path import ROOT, Runner
from tests.orchestration.places import AS_OF, Place

CLAIMS = ("claim_update_day_3", "claim_update_day_7")
# Where a row stands in the log, and the random key that hides it, are no part of a decision.
OF_THE_LOG = "batch, seq, commitment"
HOUR = timedelta(hours=1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_other_sql_decides_otherwise_and_after_a_rollback_all_is_as_if_it_had_not_been(
    first: Finished, run: Run, runner: Runner, path_directory: Path, tmp_path: Path
) -> None:
    place = first.place.copy_to(path_directory / "released")
    undisturbed = first.place.copy_to(path_directory / "not-released")
    before = _active(runner, place)
    other = _say(runner, place, "build", "--from", str(_with_closed_claims(tmp_path / "project")))
    other = other.split()[0]
    _say(runner, place, "activate", other, "--note", "claims are closed")

    assert run(place, AS_OF + HOUR).succeeded
    assert _releases(place, AS_OF + HOUR) == {other}
    assert _of_claims(place, AS_OF + HOUR) == []

    _say(runner, place, "rollback", "--note", "they are not")
    for each in (place, undisturbed):
        assert run(each, AS_OF + 2 * HOUR).succeeded
    assert _releases(place, AS_OF + 2 * HOUR) == {before}
    decided = _of_claims(place, AS_OF + 2 * HOUR)
    assert len(decided) > 0
    assert decided == _of_claims(undisturbed, AS_OF + 2 * HOUR)

    _say(runner, place, "activate", other, "--note", "once more")
    third = (AS_OF + 3 * HOUR).isoformat()
    ended = runner.assent(place.home, AS_OF, "run", "--rules", "disk", "--as-of", third)
    assert ended.succeeded, ended.problems
    assert _active(runner, place) == before
    assert _releases(place, AS_OF + 3 * HOUR) == {before}


def _with_closed_claims(checkout: Path) -> Path:
    """A checkout of the project whose SQL says that each claim is closed."""
    for folder in ("dbt_project", "activation"):
        shutil.copytree(ROOT / folder, checkout / folder, ignore=shutil.ignore_patterns("__pyc*"))
    model = checkout / "dbt_project" / "models" / "contexts" / "ctx_claim.sql"
    text = model.read_text(encoding="utf-8")
    status = "claims.status,"
    assert text.count(status) == 1
    model.write_text(text.replace(status, "'closed' as status,"), encoding="utf-8")
    return checkout


def _say(runner: Runner, place: Place, *words: str) -> str:
    actor = [] if words == ("list",) else ["--actor", "ana"]
    ended = runner.assent(place.home, AS_OF, "release", *words, *actor)
    assert ended.succeeded, ended.problems
    return ended.problems[0]


def _active(runner: Runner, place: Place) -> str:
    (line,) = [
        line for line in _say(runner, place, "list").splitlines() if "active" in line.split()
    ]
    return line.split()[0]


def _releases(place: Place, as_of: datetime) -> set[str]:
    rows = place.rows(
        "select distinct release from activation.decision_log where as_of = ?", [as_of]
    )
    return {release for (release,) in rows}


def _of_claims(place: Place, as_of: datetime) -> list[Any]:
    """The claims' decisions of one run, by what was decided."""
    rows = place.rows(
        f"select * exclude ({OF_THE_LOG}) from activation.decision_log"
        " where as_of = ? and list_contains(?, node) order by decision_id",
        [as_of, list(CLAIMS)],
    )
    return [json.dumps(row, default=str) for row in rows]
