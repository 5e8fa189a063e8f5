"""`assent log` over a log in a home directory."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from activation.log import DecisionLog, InclusionProof, SigningKey, verifier
from orchestration.cli_log import log as command
from tests.activation.log.worlds import KEY, ORIGIN, make_log, seal


@pytest.fixture
def log(tmp_path: Path) -> DecisionLog:
    return make_log(tmp_path, (3, 2), copies=True)


def assent_log(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments, "--home", str(home)])


@pytest.mark.usefixtures("log")
def test_verify_says_that_the_log_holds(tmp_path: Path) -> None:
    result = assent_log(tmp_path, "verify", "--copies", str(tmp_path / "copies"))
    assert result.exit_code == 0
    assert "The log holds: 2 batches, 5 rows, 5 openings (0 erased or not here)" in result.output


@pytest.mark.usefixtures("log")
def test_verify_fails_with_the_place_and_for_machines_too(tmp_path: Path) -> None:
    (tmp_path / "decision_log" / "segments" / "000001.parquet").unlink()
    result = assent_log(tmp_path, "verify")
    assert result.exit_code == 1
    assert "segments/000001.parquet" in result.output
    document = json.loads(assent_log(tmp_path, "verify", "--json").output)
    assert document["ok"] is False
    assert document["findings"][0]["code"] == "segment_missing"


@pytest.mark.usefixtures("log")
def test_verify_against_a_key_of_ones_own_refuses_a_log_of_another(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text(SigningKey(ORIGIN, b"\x09" * 32).public.text())
    result = assent_log(tmp_path, "verify", "--public-key", str(mine))
    assert result.exit_code == 1
    assert "(signature)" in result.output
    assert "(public_key)" in result.output


def test_prove_writes_a_proof(tmp_path: Path, log: DecisionLog) -> None:
    decision_id = log.read()["decision_id"][4].as_py()
    out = tmp_path / "one.tlog-proof"
    result = assent_log(tmp_path, "prove", decision_id, "--out", str(out))
    assert result.exit_code == 0
    assert InclusionProof.parse(out.read_text()).verify(KEY.public).size == 5
    assert assent_log(tmp_path, "prove", decision_id).output == out.read_text()


def test_prove_names_what_it_cannot_find(tmp_path: Path, log: DecisionLog) -> None:
    result = assent_log(tmp_path, "prove", "d_nothing")
    assert result.exit_code == 1
    assert "decision d_nothing: not in the log" in result.output
    erased = log.read()["decision_id"][0].as_py()
    log.erase(["p_0"])
    assert "not in the log, or erased" in assent_log(tmp_path, "prove", erased).output
    assert InclusionProof.parse(assent_log(tmp_path, "prove", "0").output).opening is None
    result = assent_log(tmp_path, "prove", "0", "--with-opening")
    assert result.exit_code == 1
    assert "its data has been erased" in result.output


def test_whoever_kept_a_checkpoint_checks_that_the_log_only_grew(
    tmp_path: Path, log: DecisionLog, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, out, key = tmp_path / "kept", tmp_path / "grown", tmp_path / "key"
    kept.write_text(log.checkpoint(1))
    key.write_text(KEY.public.text())
    seal(log, 3, 7)
    said = assent_log(tmp_path, "consistency", str(kept), "--out", str(out))
    assert said.exit_code == 0, said.output
    assert "from 3 rows of batch 1 to 12 of batch 3" in said.output
    assert assent_log(tmp_path, "consistency", "1", "3").output == out.read_text()
    alone = ["--public-key", str(key), "--consistency", str(out), "--checkpoint", str(kept)]
    assert verifier.main(alone) == 0
    assert "12 rows extend the 3 of batch 1" in capsys.readouterr().out


def test_a_checkpoint_that_the_log_no_longer_has_is_told_from_a_mistyped_one(
    tmp_path: Path, log: DecisionLog
) -> None:
    kept = tmp_path / "kept"
    make_log(tmp_path / "another", (4, 4, 4))
    kept.write_text(DecisionLog(tmp_path / "another" / "decision_log").checkpoint(1))
    assert "it was rewritten or cut" in assent_log(tmp_path, "consistency", str(kept)).output
    kept.write_text(DecisionLog(tmp_path / "another" / "decision_log").checkpoint(3))
    assert "it was rewritten or cut" in assent_log(tmp_path, "consistency", str(kept)).output
    assert "No such file" in assent_log(tmp_path, "consistency", str(tmp_path / "none")).output
    (tmp_path / "key").write_text("no checkpoint")
    assert "not a signed note" in assent_log(tmp_path, "consistency", str(tmp_path / "key")).output
    for wrong in (("3",), ("2", "1"), ("0",)):
        assert "name batches from 1 to 2" in assent_log(tmp_path, "consistency", *wrong).output
    assert log.size == 5


@pytest.mark.usefixtures("log")
def test_checkpoints_lists_the_batches(tmp_path: Path) -> None:
    lines = assent_log(tmp_path, "checkpoints", "--json").output.splitlines()
    assert [json.loads(line)["size"] for line in lines] == [3, 5]
    assert "release r_0123456789ab" in assent_log(tmp_path, "checkpoints").output


def test_a_home_without_a_log_is_told_what_to_do(tmp_path: Path) -> None:
    result = assent_log(tmp_path, "verify")
    assert result.exit_code == 1
    assert "run `assent run` first" in result.output


@pytest.mark.usefixtures("log")
def test_verify_looks_at_the_homes_own_copies_when_told_of_no_others(tmp_path: Path) -> None:
    (tmp_path / "copies").rename(tmp_path / "checkpoint_copies")
    for path in (tmp_path / "decision_log").glob("*/000002*"):
        path.unlink()
    result = assent_log(tmp_path, "verify")
    assert result.exit_code == 1
    assert "checkpoints/000002: is gone, yet its copy exists (truncated)" in result.output
