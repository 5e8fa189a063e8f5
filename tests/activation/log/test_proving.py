"""Proofs from cached subtree roots: the same as from all the rows, and never trusted."""

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from activation.log import (
    ConsistencyProof,
    DecisionLog,
    LogDamaged,
    NoteRefused,
    SigningKey,
    verifier,
)
from activation.log.canonical import leaf_hashes
from activation.log.merkle import Tree, folded
from activation.log.notes import split
from activation.log.segments import read
from tests.activation.log.worlds import KEY, ORIGIN, make_log, seal

COUNTS = (300, 1, 700, 30)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> DecisionLog:
    return make_log(tmp_path_factory.mktemp("log"), COUNTS)


def naive_tree(log: DecisionLog, size: int) -> Tree:
    paths = [log._at.segment(header.number) for header in log.batches()]
    leaves = b"".join(leaf_hashes(read(path)) for path in paths)[: size * 32]

    def node(level: int, index: int) -> bytes:
        return folded(leaves[index * (32 << level) : (index + 1) * (32 << level)])

    return Tree(size, node)


def test_inclusion_and_consistency_over_batch_borders_and_ragged_edges(log: DecisionLog) -> None:
    tree = naive_tree(log, log.size)
    for seq in (0, 255, 256, 299, 300, 301, 511, 512, 999, 1000, 1001, 1030):
        proof = log.prove(seq)
        assert proof.path == tree.inclusion_path(seq)
        assert proof.verify(KEY.public).size == 1031
    for old in log.batches():
        for new in log.batches()[old.number - 1 :]:
            proof = log.prove_consistency(old.number, new.number)
            assert proof.path == naive_tree(log, new.size).consistency_path(old.size)
            proof.verify(KEY.public)


def test_the_stand_alone_verifier_agrees_on_every_pair_and_refuses_every_falsification(
    log: DecisionLog,
) -> None:
    keys = [verifier.parse_key(KEY.public.text())]
    for old in log.batches():
        for new in log.batches()[old.number - 1 :]:
            proof = log.prove_consistency(old.number, new.number)
            text = proof.text()
            found = verifier.verify_consistency(text, proof.old, keys)
            assert [one.size for one in found] == [old.size, new.size]
            assert ConsistencyProof.parse(text, proof.old) == proof
            for false in _falsified(proof, log):
                with pytest.raises(ValueError, match=r"."):
                    verifier.verify_consistency(*false, keys)
                with pytest.raises(NoteRefused):
                    ConsistencyProof.parse(*false).verify(KEY.public)


def _falsified(proof: ConsistencyProof, log: DecisionLog) -> Iterator[tuple[str, str]]:
    """Proof and older checkpoint: a hash flipped, dropped, added or doubled, other checkpoints, a
    log cut short, and signatures of nobody."""
    text = proof.text()
    head, note = text.split("\n\n", 1)
    first, *lines = head.split("\n")
    for at, line in enumerate(lines):
        flipped = ("B" if line[0] != "B" else "C") + line[1:]
        yield "\n".join([first, *lines[:at], flipped, *lines[at + 1 :]]) + "\n\n" + note, proof.old
        yield "\n".join([first, *lines[:at], *lines[at + 1 :]]) + "\n\n" + note, proof.old
    more = b64encode(bytes(32)).decode()
    yield "\n".join([first, *lines, more]) + "\n\n" + note, proof.old
    for other in log.batches():
        checkpoint = log.checkpoint(other.number)
        if checkpoint != proof.old:
            yield text, checkpoint
    yield text.replace(first, "old 7"), proof.old
    if proof.old != proof.new:
        yield f"{head}\n\n{proof.old}", proof.new
    stranger = SigningKey(ORIGIN, b"\x07" * 32)
    yield f"{head}\n\n{stranger.sign(split(proof.new)[0])}", proof.old
    yield text, stranger.sign(split(proof.old)[0])


def test_a_consistency_proof_over_a_change_of_keys_needs_both_keys(tmp_path: Path) -> None:
    log = make_log(tmp_path, (3, 2))
    new = SigningKey(ORIGIN, b"\x02" * 32)
    log.rotate_key(new)
    seal(log, 3, 4)
    proof = log.prove_consistency(1, 3)
    assert [one.size for one in proof.verify(KEY.public, new.public)] == [3, 9]
    with pytest.raises(NoteRefused):
        proof.verify(KEY.public)
    both = [verifier.parse_key(key.public.text()) for key in (KEY, new)]
    assert verifier.verify_consistency(proof.text(), proof.old, both)[1].size == 9
    with pytest.raises(ValueError, match="no valid signature"):
        verifier.verify_consistency(proof.text(), proof.old, both[:1])


def test_the_cache_takes_an_eighth_of_a_byte_a_row(log: DecisionLog) -> None:
    assert (log._at.tree / "08").stat().st_size == 1031 // 256 * 32


@pytest.mark.parametrize("harm", ["gone", "short", "false"])
def test_a_cache_that_is_gone_short_or_false_costs_time_and_nothing_else(
    tmp_path: Path, harm: str
) -> None:
    log = make_log(tmp_path, COUNTS)
    wanted = [log.prove(seq).text() for seq in (5, 600, 1030)]
    path = tmp_path / "decision_log" / "tree" / "08"
    whole = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(whole[:33] if harm == "short" else bytes(len(whole)))
    assert [log.prove(seq).text() for seq in (5, 600, 1030)] == wanted
    assert log.verify().ok
    seal(log, 5, 3)
    assert harm == "false" or path.read_bytes() == whole


def test_rows_that_do_not_give_the_signed_root_are_not_proven(tmp_path: Path) -> None:
    log = make_log(tmp_path, (300, 20))
    segments = tmp_path / "decision_log" / "segments"
    (segments / "000001.parquet").unlink()
    (segments / "000001.parquet").write_bytes((segments / "000002.parquet").read_bytes())
    with pytest.raises(LogDamaged):
        log.prove(3)


def test_a_proof_reads_the_rows_around_it_and_no_other_batch(tmp_path: Path) -> None:
    log = make_log(tmp_path, (512, 256, 256, 10))
    for name in ("000002", "000003"):
        (tmp_path / "decision_log" / "segments" / f"{name}.parquet").unlink()
    assert log.prove(1030).verify(KEY.public).size == 1034
