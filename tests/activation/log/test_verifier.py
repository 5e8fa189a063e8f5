"""The verifier as a stranger runs it: one file, no project on the path."""

import re
import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation.log import BatchHeader, DecisionLog, InclusionProof, NoteRefused, verifier
from activation.log.notes import split
from activation.log.rows import COLUMNS_OF, FORMAT, REFERENCES
from tests.activation.log.worlds import KEY, make_log


def run(tmp_path: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a copy of the file, isolated from this project and from the user's environment."""
    script = shutil.copy(verifier.__file__, tmp_path / "verifier.py")
    command = [sys.executable, "-I", script, *map(str, arguments)]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)


@pytest.fixture
def log(tmp_path: Path) -> DecisionLog:
    return make_log(tmp_path, (5, 3), copies=True)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "trusted_key"
    path.write_text(KEY.public.text() + "\n")
    return path


@pytest.mark.usefixtures("log")
def test_a_stranger_verifies_the_log(tmp_path: Path, key_file: Path) -> None:
    at = tmp_path / "decision_log"
    ended = run(tmp_path, at, "--public-key", key_file, "--copies", tmp_path / "copies")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("log holds: 2 batches, 8 rows, 8 openings, 0 findings, root ")


@pytest.mark.usefixtures("log")
def test_a_stranger_is_told_which_file_is_wrong(tmp_path: Path, key_file: Path) -> None:
    at = tmp_path / "decision_log"
    (at / "segments" / "000002.parquet").unlink()
    ended = run(tmp_path, at, "--public-key", key_file)
    assert ended.returncode == 1
    assert "segments/000002.parquet: missing (segment_missing)" in ended.stdout
    assert "log FAILS" in ended.stdout


def test_a_stranger_checks_a_proof_with_nothing_but_the_key(
    tmp_path: Path, key_file: Path, log: DecisionLog
) -> None:
    decision_id = log.read()["decision_id"][6].as_py()
    proof = tmp_path / "one.tlog-proof"
    proof.write_text(log.prove(decision_id, with_opening=True).text())
    shutil.rmtree(tmp_path / "decision_log")
    ended = run(tmp_path, "--public-key", key_file, "--proof", proof)
    assert ended.returncode == 0
    assert f'"decision_id":"{decision_id}"' in ended.stdout
    assert "policy_number" in ended.stdout
    proof.write_text(proof.read_text().replace("index 6", "index 5"))
    ended = run(tmp_path, "--public-key", key_file, "--proof", proof)
    assert ended.returncode == 1
    assert "proof FAILS" in ended.stdout


def test_arguments_that_cannot_be_used_are_named(tmp_path: Path, key_file: Path) -> None:
    for arguments, message in (
        (("--public-key", key_file), "give LOG_DIR, --proof or --consistency"),
        ((tmp_path / "nowhere", "--public-key", key_file), "is not a directory"),
        ((tmp_path, "--public-key", tmp_path / "nowhere"), "--public-key: not a file with a key"),
    ):
        ended = run(tmp_path, *arguments)
        assert ended.returncode == 2
        assert message in ended.stderr


def test_the_verifier_knows_the_format_the_log_writes() -> None:
    assert {name: tuple(columns) for name, columns in verifier.COLUMNS.items()} == COLUMNS_OF
    assert next(iter(verifier.COLUMNS)) == FORMAT
    assert tuple(verifier.REFERENCES) == REFERENCES


def test_the_verifier_imports_nothing_of_the_project() -> None:
    source = Path(verifier.__file__).read_text()
    assert "import activation" not in source
    assert "from activation" not in source


def accepted(text: str) -> bool:
    """Whether both implementations accept a proof; they must agree."""
    try:
        InclusionProof.parse(text).verify(KEY.public)
        library = True
    except NoteRefused:
        library = False
    try:
        verifier.verify_proof(text, [verifier.parse_key(KEY.public.text())])
        stranger = True
    except (ValueError, KeyError, TypeError, AttributeError):
        stranger = False
    assert library == stranger
    return library


def test_every_row_has_a_proof_that_both_accept(log: DecisionLog) -> None:
    for row in log.read().to_pylist():
        proof = log.prove(row["decision_id"])
        assert InclusionProof.parse(proof.text()) == proof
        assert proof.values()["outcome"] == row["outcome"]
        assert accepted(proof.text())
        assert "policy_number" not in proof.text()


def test_a_proof_whose_opening_is_spelled_otherwise_is_accepted_by_neither(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    head, extra, *rest = _proof(tmp_path_factory).split("\n")
    content = b64decode(extra.removeprefix("extra "))
    key = re.search(rb'"key":"([0-9a-f]+)"', content)
    assert key is not None
    for spelled in (
        content.replace(key[1], key[1].upper()),
        content.replace(b'{"row"', b'{ "row"'),
        content.replace(b'{"row"', b'{"row":[],"row"'),
    ):
        assert spelled != content
        line = f"extra {b64encode(spelled).decode()}"
        assert not accepted("\n".join([head, line, *rest]))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_proof_with_any_byte_changed_is_accepted_by_neither(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    text = _proof(tmp_path_factory)
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.characters(codec="utf-8")) + text[at + 1 :]
    assert accepted(changed) == (changed == text)


def library_verdict(note: bytes) -> str:
    try:
        text = note.decode()
        BatchHeader.parse(split(text)[0])
    except (UnicodeDecodeError, NoteRefused):
        return "malformed"
    try:
        KEY.public.open(text)
    except NoteRefused:
        return "signature"
    return "genuine"


def stranger_verdict(note: bytes) -> str:
    try:
        text, signatures = verifier.parse_note(note.decode())
        verifier.parse_checkpoint(text)
    except ValueError:
        return "malformed"
    key = verifier.parse_key(KEY.public.text())
    return "genuine" if verifier.is_signed(text, signatures, key) else "signature"


def test_a_checkpoint_with_any_bit_flipped_is_refused_for_the_same_reason_by_both(
    log: DecisionLog,
) -> None:
    genuine = log.checkpoint(2).encode()
    assert library_verdict(genuine) == stranger_verdict(genuine) == "genuine"
    verdicts = set()
    for at in range(len(genuine)):
        for bit in range(8):
            flipped = genuine[:at] + bytes([genuine[at] ^ 1 << bit]) + genuine[at + 1 :]
            verdict = library_verdict(flipped)
            assert verdict == stranger_verdict(flipped), (at, bit)
            verdicts.add(verdict)
    assert verdicts == {"malformed", "signature"}


_proofs: list[str] = []


def _proof(tmp_path_factory: pytest.TempPathFactory) -> str:
    if not _proofs:
        log = make_log(tmp_path_factory.mktemp("home"), (5, 6))
        decision_id = log.read()["decision_id"][3].as_py()
        _proofs.append(log.prove(decision_id, with_opening=True).text())
    return _proofs[0]


def test_the_proof_is_a_c2sp_tlog_proof(log: DecisionLog) -> None:
    text = log.prove(log.read()["decision_id"][2].as_py()).text()
    title, extra, index, *_ = text.split("\n")
    assert title == "c2sp.org/tlog-proof@v1"
    assert extra.startswith("extra ")
    assert index == "index 2"
    assert text.endswith(log.checkpoint(2))
    assert len(text) < 2_500
