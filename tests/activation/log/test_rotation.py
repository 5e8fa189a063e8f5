"""Changing the signing key: the chain goes on, and the old key signs nothing more."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from activation.log import DecisionLog, KeyProblem, LogDamaged, SigningKey, load_or_create_key
from activation.log.keys import KEY_FILE, NEXT_FILE
from orchestration.cli_log import log as command
from orchestration.decision_log import LOG_ORIGIN
from tests.activation.log.test_verifier import run
from tests.activation.log.worlds import KEY, ORIGIN, entropy, make_log, seal

SECOND = SigningKey(ORIGIN, b"\x02" * 32)
THIRD = SigningKey(ORIGIN, b"\x03" * 32)


def opened(home: Path, key: SigningKey) -> DecisionLog:
    return DecisionLog(
        home / "decision_log", signing_key=key, copies=home / "copies", entropy=entropy
    )


def test_whoever_trusts_any_key_of_the_chain_verifies_the_whole_log(tmp_path: Path) -> None:
    log = make_log(tmp_path, (3, 2), copies=True)
    log.rotate_key(SECOND)
    seal(log, 3, 4)
    log.rotate_key(THIRD)
    seal(log, 4, 1)
    assert [one.after for one in log.keys.transitions] == [2, 3]
    for number, key in enumerate((KEY, SECOND, THIRD)):
        assert log.verify(key.public).ok
        path = tmp_path / f"key_{number}"
        path.write_text(key.public.text())
        ended = run(tmp_path, tmp_path / "decision_log", "--public-key", path)
        assert (ended.returncode, ended.stderr) == (0, "")
    assert not log.verify(SigningKey(ORIGIN, b"\x09" * 32).public).ok


def test_a_proof_made_after_a_rotation_is_checked_with_the_first_key_and_the_copies(
    tmp_path: Path,
) -> None:
    log = make_log(tmp_path, (3,), copies=True)
    log.rotate_key(SECOND)
    seal(log, 2, 4)
    proof, key = tmp_path / "proof", tmp_path / "key"
    proof.write_text(log.prove(1).text())
    key.write_text(KEY.public.text())
    alone = run(tmp_path, "--public-key", key, "--proof", proof)
    assert alone.returncode == 1
    ended = run(tmp_path, "--public-key", key, "--proof", proof, "--copies", tmp_path / "copies")
    assert ended.returncode == 0


def test_a_key_may_change_before_the_first_batch_and_twice_between_two(tmp_path: Path) -> None:
    log = make_log(tmp_path, copies=True)
    log.rotate_key(SECOND)
    log.rotate_key(THIRD)
    seal(log, 1, 3)
    assert log.verify(KEY.public).ok
    assert opened(tmp_path, THIRD).size == 3


def test_the_old_key_can_not_write_any_more(tmp_path: Path) -> None:
    log = make_log(tmp_path, (2,), copies=True)
    log.rotate_key(SECOND)
    with pytest.raises(KeyProblem, match="was retired by a rotation"):
        opened(tmp_path, KEY)
    with pytest.raises(KeyProblem, match="signed here before"):
        log.rotate_key(KEY)
    with pytest.raises(KeyProblem, match="another origin"):
        log.rotate_key(SigningKey("example.com/else", b"\x05" * 32))
    seal(opened(tmp_path, SECOND), 2, 2)


def test_a_rotation_that_is_gone_from_the_log_and_not_from_its_copy_stops_the_writer(
    tmp_path: Path,
) -> None:
    log = make_log(tmp_path, (2,), copies=True)
    log.rotate_key(SECOND)
    (tmp_path / "decision_log" / "transitions" / "000001").unlink()
    with pytest.raises(LogDamaged, match="transitions/000001: gone, yet its copy exists"):
        opened(tmp_path, KEY)


def assent(home: Path, *arguments: str) -> str:
    result = CliRunner().invoke(command, [*arguments, "--home", str(home)])
    assert result.exit_code == 0, result.output
    return result.output


def test_rotate_key_from_the_command_line_ends_what_a_crash_interrupted(tmp_path: Path) -> None:
    keys, copies = tmp_path / "keys", tmp_path / "checkpoint_copies"
    first = load_or_create_key(keys, origin=LOG_ORIGIN, entropy=lambda n: b"\x07" * n)
    log = DecisionLog(tmp_path / "decision_log", signing_key=first, copies=copies)
    seal(log, 1, 3)
    told = assent(tmp_path, "rotate-key")
    assert told.startswith("From batch 2 on, this key signs:")
    second = load_or_create_key(keys, origin=LOG_ORIGIN, entropy=entropy)
    assert second.public.text() in told
    assert not (keys / NEXT_FILE).exists()
    # Killed between the transition and the change of files: the command run again ends it.
    third = SigningKey(LOG_ORIGIN, b"\x08" * 32)
    (keys / NEXT_FILE).write_text(third.private_text() + "\n")
    (keys / NEXT_FILE).chmod(0o600)
    log = DecisionLog(tmp_path / "decision_log", signing_key=second, copies=copies)
    seal(log, 2, 2)
    log.rotate_key(third)
    assert third.public.text() in assent(tmp_path, "rotate-key")
    assert SigningKey.parse_private((keys / KEY_FILE).read_text()).public == third.public
    listed = assent(tmp_path, "keys").splitlines()
    assert [line.partition(":")[0] for line in listed] == [
        "from batch 1",
        "from batch 2",
        "from batch 3",
    ]
    assert "The log holds" in assent(tmp_path, "verify")
    assert assent(tmp_path, "seal") == "Nothing waits.\n"
