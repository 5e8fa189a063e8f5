"""Logs begun before references could be erased are read, continued and verified."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from activation.log import BatchHeader, DecisionLog, InclusionProof, openings, verifier
from activation.log.canonical import leaf_hashes
from activation.log.merkle import Frontier
from activation.log.rows import FORMAT_1, to_text
from activation.log.sealing import committed
from activation.log.segments import encode_frontier
from tests.activation.log.worlds import (
    KEY,
    ORIGIN,
    RELEASE,
    SEALED_AT,
    decisions,
    hour,
    make_log,
    seal,
)


def begun_in_format_1(home: Path) -> DecisionLog:
    """A log whose first batch is as the first version wrote it, and whose second is as today."""
    at = home / "decision_log"
    for name in ("segments", "openings", "checkpoints"):
        (at / name).mkdir(parents=True)
    count = 5
    keys = openings.keys(os.urandom(16 * count), count)
    seqs = pa.array(range(count), pa.int64())
    rows, opened = committed(to_text(decisions(count, 1)), 1, seqs, keys, FORMAT_1)
    after = Frontier().extended(leaf_hashes(rows, FORMAT_1))
    footer = {
        b"assent.format": FORMAT_1.encode(),
        b"assent.frontier.before": encode_frontier(Frontier()),
        b"assent.frontier.after": encode_frontier(after),
    }
    pq.write_table(rows.replace_schema_metadata(footer), at / "segments" / "000001.parquet")
    openings.write(at / "openings" / "000001.parquet", opened)
    header = BatchHeader(1, count, after.root(), hour(1), RELEASE, SEALED_AT, "none", ORIGIN)
    (at / "checkpoints" / "000001").write_text(KEY.sign(header.text()))
    (at / "public_key").write_text(KEY.public.text() + "\n")
    log = make_log(home)
    seal(log, 2, 4)
    return log


def stranger(home: Path) -> list[verifier.Finding]:
    key = verifier.parse_key(KEY.public.text())
    return verifier.Verification(home / "decision_log", key, None).run().findings


def test_both_formats_are_read_and_verified_as_one_log(tmp_path: Path) -> None:
    log = begun_in_format_1(tmp_path)
    assert log.verify(KEY.public).ok
    assert stranger(tmp_path) == []
    wanted = [one for n, count in ((1, 5), (2, 4)) for one in decisions(count, n).to_pylist()]
    kept = ["decision_id", "person_id", "subject_id", "bucket", "outcome"]
    assert log.read().select(kept).to_pylist() == [{k: row[k] for k in kept} for row in wanted]
    for row in log.read().to_pylist():
        proof = log.prove(row["decision_id"], with_opening=True)
        assert InclusionProof.parse(proof.text()) == proof
        assert proof.verify(KEY.public).number == 2
        values = verifier.verify_proof(proof.text(), [verifier.parse_key(KEY.public.text())])
        assert values["decision_id"] == row["decision_id"]
        assert "days_to_renewal" in values["context"]
        assert "days_to_renewal" not in log.prove(row["decision_id"]).text()


def test_erasing_takes_contexts_of_the_old_format_and_all_of_the_new(tmp_path: Path) -> None:
    log = begun_in_format_1(tmp_path)
    assert log.erase(["p_1"]) == 2
    assert log.verify().ok
    assert stranger(tmp_path) == []
    rows = log.read()
    assert rows["person_id"].to_pylist().count("p_1") == 1
    assert rows.filter(pc.is_null(rows["person_id"]))["batch"].to_pylist() == [2]
    assert log.expire(hour(2)) == 4
    assert log.expire(hour(3)) == 3
    assert stranger(tmp_path) == []
    assert log.verify().ok


def test_a_changed_row_of_either_format_is_found(tmp_path: Path) -> None:
    for batch in (1, 2):
        home = tmp_path / str(batch)
        log = begun_in_format_1(home)
        path = home / "decision_log" / "segments" / f"{batch:06d}.parquet"
        table = pq.read_table(path, partitioning=None)
        reasons = pa.array(["cap_person"] * len(table))
        path.unlink()
        pq.write_table(
            table.set_column(table.column_names.index("reason"), "reason", reasons), path
        )
        assert [finding.code for finding in log.verify().findings] == ["root"]
        assert [finding.code for finding in stranger(home)] == ["root"]
