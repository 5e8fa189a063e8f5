"""Appending and reading back."""

import json
import os
import stat
import threading
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation.log import (
    READ_SCHEMA,
    DecisionLog,
    DecisionUnknown,
    DuplicateDecision,
    KeyProblem,
    LogBusy,
    LogDamaged,
    RowRefused,
    SigningKey,
)
from activation.log.durable import exclusive
from tests.activation.log.worlds import (
    AS_OF,
    KEY,
    ORIGIN,
    RELEASE,
    SEALED_AT,
    decisions,
    entropy,
    hour,
    make_log,
    seal,
)


def test_what_is_appended_is_what_is_read(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    rows = decisions(7)
    batch = log.append(rows, as_of=hour(1), release=RELEASE, sealed_at=SEALED_AT)
    assert batch is not None
    assert (batch.number, batch.first_seq, log.size) == (1, 0, 7)
    assert log.read().equals(batch.rows)
    assert log.read().schema == READ_SCHEMA
    kept = [name for name in rows.column_names if name != "context"]
    assert log.read().select(kept).equals(rows.select(kept))
    assert log.read()["seq"].to_pylist() == list(range(7))
    assert set(log.read()["batch"].to_pylist()) == {1}


def test_a_second_reader_without_the_key_sees_the_same(tmp_path: Path) -> None:
    log = make_log(tmp_path, (3, 2))
    reader = DecisionLog(tmp_path / "decision_log")
    assert reader.read().equals(log.read())
    assert reader.batches() == log.batches()
    assert reader.read(2)["seq"].to_pylist() == [3, 4]
    assert reader.verify().ok
    with pytest.raises(KeyProblem, match="opened for reading"):
        seal(reader, 3, 1)


def test_an_empty_log_has_the_schema_and_no_rows(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    assert log.size == len(log.read()) == 0
    assert log.read().schema == READ_SCHEMA
    assert log.verify().ok
    with pytest.raises(DecisionUnknown):
        log.find("d_none")


def test_no_rows_append_nothing(tmp_path: Path) -> None:
    log = make_log(tmp_path, (2,))
    empty = decisions(0)
    assert log.append(empty, as_of=hour(2), release=RELEASE, sealed_at=SEALED_AT) is None
    assert [header.number for header in log.batches()] == [1]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 9), max_size=5))
def test_batches_chain_and_the_rows_stay_those_of_one_long_list(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int]
) -> None:
    log = make_log(tmp_path_factory.mktemp("log"), tuple(counts))
    everything = [
        decision
        for batch, count in enumerate(counts, start=1)
        for decision in decisions(count, batch)["decision_id"].to_pylist()
    ]
    assert log.read()["decision_id"].to_pylist() == everything
    assert log.read()["seq"].to_pylist() == list(range(sum(counts)))
    headers = log.batches()
    assert [header.size for header in headers] == [sum(counts[: n + 1]) for n in range(len(counts))]
    assert [header.previous for header in headers[1:]] == [h.digest for h in headers[:-1]]
    for old in headers:
        for new in headers[old.number - 1 :]:
            log.prove_consistency(old.number, new.number).verify(KEY.public)
    assert log.verify().ok


def test_equal_decisions_give_equal_rows_and_roots_whenever_they_are_sealed(tmp_path: Path) -> None:
    roots, texts = set(), set()
    for name, sealed_at in (("a", SEALED_AT), ("b", datetime(2027, 1, 1, tzinfo=UTC))):
        log = make_log(tmp_path / name)
        batch = log.append(decisions(5), as_of=AS_OF, release=RELEASE, sealed_at=sealed_at)
        assert batch is not None
        roots.add(batch.root)
        texts.add(batch.checkpoint)
    assert len(roots) == 1
    assert len(texts) == 2


def test_the_commitment_hides_the_context_under_a_key_of_its_own(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "log", signing_key=KEY, entropy=os.urandom)
    log.append(decisions(6), as_of=AS_OF, release=RELEASE, sealed_at=SEALED_AT)
    rows = log.read().to_pylist()
    keys = set()
    for row in rows:
        opening = log.opening(row["decision_id"])
        assert opening is not None
        keys.add(opening.key)
        message = opening.key + f"{row['seq']}:{opening.context}".encode()
        references = [row["decision_id"], row["person_id"], row["subject_id"], row["evidence"]]
        references += [row["once_key"], str(row["bucket"])]
        told = json.dumps(references, separators=(",", ":")).encode()
        assert sha256(sha256(message).digest() + told).hexdigest() == row["commitment"]
        assert opening.context.endswith(f'"policy_number":"{row["subject_id"]}"}}')
    assert len(keys) == 6
    assert {len(key) for key in keys} == {16}
    segment = (tmp_path / "log" / "segments" / "000001.parquet").read_bytes()
    for personal in ("days_to_renewal", rows[0]["decision_id"], "p_0", "P-0", "ce_0"):
        assert personal.encode() not in segment
        assert all(
            personal not in str(value)
            for value in pq.read_table(
                tmp_path / "log" / "segments" / "000001.parquet", partitioning=None
            ).to_pylist()
        )


def test_files_of_the_log_are_write_once_and_openings_private(tmp_path: Path) -> None:
    make_log(tmp_path, (2,))
    at = tmp_path / "decision_log"

    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    assert mode(at / "segments" / "000001.parquet") == mode(at / "checkpoints" / "000001") == 0o444
    assert mode(at / "openings" / "000001.parquet") == 0o600
    assert mode(at / "openings") == 0o700


def test_dictionary_columns_other_zones_and_narrow_integers_are_the_same_rows(
    tmp_path: Path,
) -> None:
    plain = decisions(4)
    other = plain
    for name, kind in (
        ("node", pa.dictionary(pa.int32(), pa.string())),
        ("person_id", pa.large_string()),
        ("as_of", pa.timestamp("ms", tz="Europe/Berlin")),
        ("watermark", pa.int16()),
        ("gate_mask", pa.int64()),
    ):
        index = other.column_names.index(name)
        other = other.set_column(index, name, other[name].cast(kind))
    other = other.select(sorted(other.column_names))
    roots = {
        log.append(rows, as_of=AS_OF, release=RELEASE, sealed_at=SEALED_AT).root  # type: ignore[union-attr]
        for log, rows in ((make_log(tmp_path / "a"), plain), (make_log(tmp_path / "b"), other))
    }
    assert len(roots) == 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (decisions(2).drop_columns(["reason"]), "column reason: missing"),
        (decisions(2).append_column("extra", [["a", "b"]]), "column extra: not part of"),
        (decisions(2, person_id=None), "column person_id: is null"),
        (decisions(2, context=None), "column context: is null"),
        (decisions(2, decision_id="d_same"), "same id stands twice"),
        (
            decisions(2).set_column(16, "gate_mask", pa.array([1, 2**40])),
            "column gate_mask: a value doesn't fit int32",
        ),
        (
            decisions(2).set_column(
                5, "as_of", pa.array([1, 1_001]).cast(pa.timestamp("ns", tz="UTC"))
            ),
            "column as_of: a value doesn't fit",
        ),
        (decisions(2, node="a\x00b"), "control character"),
        (decisions(2, node="a\x1bb"), "control character"),
        (decisions(2, context="[1]"), "column context: not a JSON object"),
        (
            decisions(2).set_column(16, "gate_mask", pa.array([1.0, 2.0])),
            "column gate_mask: is double",
        ),
        (
            decisions(2).set_column(5, "as_of", pa.array([AS_OF.replace(tzinfo=None)] * 2)),
            "column as_of: is timestamp",
        ),
    ],
)
def test_rows_that_cannot_be_sealed_are_refused_and_leave_the_log_as_it_was(
    tmp_path: Path, rows: pa.Table, message: str
) -> None:
    log = make_log(tmp_path, (3,))
    before = sorted(path.name for path in tmp_path.rglob("*"))
    with pytest.raises(RowRefused, match=message):
        log.append(rows, as_of=hour(5), release=RELEASE, sealed_at=SEALED_AT)
    assert sorted(path.name for path in tmp_path.rglob("*")) == before
    assert log.verify().ok


def test_a_decision_that_the_log_has_is_not_sealed_again(tmp_path: Path) -> None:
    log = make_log(tmp_path, (3, 2))
    with pytest.raises(DuplicateDecision, match="batch 1"):
        seal(log, 1, 5)
    assert log.size == 5


def test_a_second_writer_is_turned_away_and_can_still_read(tmp_path: Path) -> None:
    log = make_log(tmp_path, (3,))
    with exclusive(tmp_path / "decision_log" / "lock"):
        other = make_log(tmp_path)
        assert other.read().equals(log.read())
        with pytest.raises(LogBusy, match="another process is writing"):
            seal(other, 2, 2)
        with pytest.raises(LogBusy):
            other.erase(["p_1"])
    seal(other, 2, 2)
    assert log.size == 5


def test_writers_in_several_threads_never_lose_or_double_a_row(tmp_path: Path) -> None:
    make_log(tmp_path)
    turned_away: list[int] = []

    def write(batches: range) -> None:
        log = make_log(tmp_path)
        for batch in batches:
            try:
                seal(log, batch, 3)
            except LogBusy:
                turned_away.append(batch)

    threads = [
        threading.Thread(target=write, args=(range(n * 100, n * 100 + 8),)) for n in (1, 2, 3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log = make_log(tmp_path)
    assert log.verify().ok
    assert log.size == 3 * (24 - len(turned_away))


def test_a_log_keeps_its_key(tmp_path: Path) -> None:
    make_log(tmp_path, (1,))
    with pytest.raises(KeyProblem, match="signed with another key"):
        DecisionLog(tmp_path / "decision_log", signing_key=SigningKey(ORIGIN, b"\x02" * 32))


def test_each_checkpoint_is_copied_to_the_second_place(tmp_path: Path) -> None:
    log = make_log(tmp_path, (2, 2), copies=True)
    names = ["000001", "000002"]
    assert sorted(path.name for path in (tmp_path / "copies").iterdir()) == names
    for number, name in enumerate(names, start=1):
        assert (tmp_path / "copies" / name).read_text() == log.checkpoint(number)
    (tmp_path / "copies" / "000002").unlink()
    make_log(tmp_path, copies=True)
    assert sorted(path.name for path in (tmp_path / "copies").iterdir()) == names


def test_a_log_that_lost_its_last_checkpoint_is_not_written_to_when_a_copy_remembers_it(
    tmp_path: Path,
) -> None:
    make_log(tmp_path, (2, 2), copies=True)
    (tmp_path / "decision_log" / "checkpoints" / "000002").unlink()
    with pytest.raises(LogDamaged, match="its copy exists"):
        make_log(tmp_path, copies=True)
    assert (tmp_path / "decision_log" / "segments" / "000002.parquet").exists()


def test_a_log_that_lost_several_checkpoints_keeps_its_segments_as_evidence(tmp_path: Path) -> None:
    make_log(tmp_path, (2, 2, 2))
    for name in ("000002", "000003"):
        (tmp_path / "decision_log" / "checkpoints" / name).unlink()
    with pytest.raises(LogDamaged, match="restore checkpoints"):
        make_log(tmp_path)
    assert (tmp_path / "decision_log" / "segments" / "000002.parquet").exists()


def test_a_log_with_a_gap_in_its_checkpoints_is_not_read(tmp_path: Path) -> None:
    log = make_log(tmp_path, (2, 2))
    (tmp_path / "decision_log" / "checkpoints" / "000001").unlink()
    with pytest.raises(LogDamaged, match="checkpoints/000001: missing"):
        log.read()


def test_appending_reads_no_more_of_the_log_than_its_last_footer(tmp_path: Path) -> None:
    log = make_log(tmp_path, (4, 4, 4))
    for name in ("000001", "000002"):
        (tmp_path / "decision_log" / "segments" / f"{name}.parquet").unlink()
    seal(log, 4, 4)
    assert log.size == 16


def test_find_gives_one_row_with_its_types(tmp_path: Path) -> None:
    log = make_log(tmp_path, (3, 3))
    wanted = log.read().to_pylist()[4]
    assert log.find(wanted["decision_id"]) == wanted
    assert wanted["as_of"] == hour(2)


def test_entropy_is_asked_for_sixteen_bytes_a_row(tmp_path: Path) -> None:
    asked: list[int] = []

    def counting(count: int) -> bytes:
        asked.append(count)
        return entropy(count)

    log = DecisionLog(tmp_path / "log", signing_key=KEY, entropy=counting)
    seal(log, 1, 5)
    assert asked == [80]


def test_a_source_of_too_few_random_bytes_is_refused(tmp_path: Path) -> None:
    log = DecisionLog(
        tmp_path / "log", signing_key=KEY, entropy=lambda count: b"\x01" * (count - 1)
    )
    with pytest.raises(ValueError, match="entropy"):
        seal(log, 1, 3)
    assert log.size == 0


@pytest.mark.parametrize(("release", "naive"), [("two words", False), ("", False), ("r_1", True)])
def test_a_release_of_two_words_and_a_naive_time_are_refused(
    tmp_path: Path, release: str, naive: bool
) -> None:
    log = make_log(tmp_path)
    as_of = AS_OF.replace(tzinfo=None) if naive else AS_OF
    with pytest.raises(ValueError, match=r"release|time zone"):
        log.append(decisions(2), as_of=as_of, release=release, sealed_at=SEALED_AT)
    assert log.size == 0
    assert log.verify().ok
