"""Erasing what a person's decisions were made from, and nothing else."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation.log import DecisionUnknown, verifier
from activation.log.rows import REFERENCES
from tests.activation.log.worlds import KEY, PERSONS, RELEASE, decisions, hour, make_log, seal


def files(home: Path, kind: str) -> dict[str, bytes]:
    directory = home / "decision_log" / kind
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=4),
    st.lists(st.sets(st.integers(0, PERSONS)), max_size=3),
)
def test_erasure_leaves_rows_roots_and_other_persons_openings(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], erasures: list[set[int]]
) -> None:
    home = tmp_path_factory.mktemp("home")
    log = make_log(home, tuple(counts))
    rows, sealed = log.read(), (files(home, "segments"), files(home, "checkpoints"))
    erased = 0
    for persons in erasures:
        erased += log.erase([f"p_{number}" for number in persons])
    gone = {f"p_{number}" for persons in erasures for number in persons}
    left = log.read().to_pylist()
    for row, before in zip(left, rows.to_pylist(), strict=True):
        forgotten = dict.fromkeys(REFERENCES) if before["person_id"] in gone else {}
        assert row == before | forgotten
    assert (files(home, "segments"), files(home, "checkpoints")) == sealed
    for row in rows.to_pylist():
        assert (log.opening(row["seq"]) is None) == (row["person_id"] in gone)
    report = log.verify()
    assert report.ok
    assert report.openings == len(rows) - erased
    key = verifier.parse_key(KEY.public.text())
    stranger = verifier.Verification(home / "decision_log", key, None).run()
    assert (stranger.findings, stranger.openings) == ([], report.openings)


def test_what_was_erased_is_in_no_file_of_the_log(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    rows = decisions(4, context='{"claim_status":"CANARY-1"}')
    log.append(rows, as_of=hour(1), release=RELEASE, sealed_at=hour(1))
    seal(log, 2, 4)
    assert any(b"CANARY-1" in data for data in files(tmp_path, "openings").values())
    assert log.erase({"p_0", "p_1", "p_2", "p_3"}) == 8
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or b"CANARY-1" not in path.read_bytes()
        assert path.suffix != ".json"
    seal(log, 3, 4)
    assert log.verify().ok


def test_a_proof_of_an_erased_decision_still_holds_without_its_opening(tmp_path: Path) -> None:
    log = make_log(tmp_path, (4, 4))
    decision_id = log.read()["decision_id"][5].as_py()
    proof = log.prove(decision_id, with_opening=True)
    assert proof.opening is not None
    assert proof.values()["person_id"] == "p_1"
    log.erase(["p_1"])
    with pytest.raises(DecisionUnknown, match="or erased"):
        log.prove(decision_id)
    proof = log.prove(5, with_opening=True)
    assert proof.opening is None
    assert proof.verify(KEY.public).number == 2
    assert "p_1" not in str(proof.values())


def test_openings_past_their_retention_go_batch_by_batch(tmp_path: Path) -> None:
    log = make_log(tmp_path, (4, 3, 2))
    assert log.expire(hour(2)) == 4
    assert log.expire(hour(3)) == 3
    assert log.expire(hour(3)) == 0
    assert log.verify().openings == 9
    assert log.verify().ok
    # Who it was about is history and stays; from what it was decided is gone.
    assert log.read()["person_id"].null_count == 0
    opening = log.opening(0)
    assert opening is not None
    assert (opening.key, opening.context) == (None, None)
    assert opening.commitment == log.find(0)["commitment"]
    assert b"days_to_renewal" not in files(tmp_path, "openings")["000001.parquet"]
    assert log.prove(0, with_opening=True).verify(KEY.public).number == 3
    assert log.erase(["p_0"]) == 3
    assert log.verify().ok


def test_erasing_nobody_changes_nothing(tmp_path: Path) -> None:
    log = make_log(tmp_path, (4,))
    before = files(tmp_path, "openings")
    assert log.erase([]) == log.erase(["p_unknown"]) == 0
    assert files(tmp_path, "openings") == before
