"""Proofs from cached subtree roots: the same as from all the rows, and never trusted."""

from pathlib import Path

import pytest

from activation.log import DecisionLog, LogDamaged
from activation.log.canonical import leaf_hashes
from activation.log.merkle import Tree, folded
from activation.log.segments import read
from tests.activation.log.worlds import KEY, make_log, seal

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
