"""Single decisions: durable when append returns, sealed later, never lost and never twice."""

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from activation.log import (
    DecisionLog,
    KeyProblem,
    LogBusy,
    LogDamaged,
    LogStream,
    RowRefused,
    journal,
)
from activation.log.durable import exclusive
from tests.activation.log.worlds import AS_OF, KEY, decisions, hour, make_log, seal


def singles(count: int, batch: int = 1) -> list[dict[str, Any]]:
    """Decisions as a service makes them: each of its own instant."""
    rows: list[dict[str, Any]] = decisions(count, batch).to_pylist()
    return [row | {"as_of": row["as_of"] + timedelta(seconds=n)} for n, row in enumerate(rows)]


def journals(home: Path) -> list[Path]:
    directory = home / "decision_log" / "journal"
    return sorted(directory.iterdir()) if directory.is_dir() else []


def test_a_streamed_decision_is_pending_at_once_and_sealed_at_the_end(tmp_path: Path) -> None:
    log = make_log(tmp_path, copies=True)
    rows = singles(3)
    with log.stream() as stream:
        for row in rows:
            stream.append([row])
        assert log.size == 0
        assert DecisionLog(tmp_path / "decision_log").pending().to_pylist() == rows
    assert journals(tmp_path) == []
    assert log.pending().num_rows == 0
    kept = [name for name in rows[0] if name != "context"]
    assert log.read().select(kept).to_pylist() == [
        {name: row[name] for name in kept} for row in rows
    ]
    [header] = log.batches()
    assert header.as_of == rows[-1]["as_of"]
    assert log.verify().ok
    assert (tmp_path / "copies" / "000001").exists()


def test_a_batch_seals_what_waits_before_itself(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    with log.stream() as stream:
        stream.append(singles(2))
        seal(log, 5, 4)
        assert [header.size for header in log.batches()] == [2, 6]
        stream.append(singles(2, 7))
        assert log.pending().num_rows == 2
    assert [header.size for header in log.batches()] == [2, 6, 8]
    assert log.verify().ok


def test_the_journal_is_sealed_when_enough_rows_wait(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    stream = log.stream(rows_at_once=5)
    for row in singles(12):
        stream.append([row])
    assert [header.size for header in log.batches()] == [5, 10]
    assert log.pending().num_rows == 2


def test_decisions_of_two_releases_are_one_batch_that_names_both(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    one, two = singles(2)
    with log.stream() as stream:
        stream.append([one | {"release": "r_b"}, two | {"release": "r_a"}])
    [header] = log.batches()
    assert header.release == "r_a,r_b"
    assert log.verify().ok


def test_a_decision_appended_twice_is_sealed_once(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    rows = singles(3)
    with log.stream() as stream:
        stream.append(rows)
        stream.append(rows[:1])
    with log.stream() as stream:
        stream.append(rows)
    assert log.size == 3
    assert log.verify().ok


def hold(journal: Path, stream: LogStream, rows: list[dict[str, Any]]) -> list[threading.Thread]:
    """Threads that append a row each: the first waits for the disk, the others for the first."""
    threads = [threading.Thread(target=stream.append, args=([row],)) for row in rows]
    with journal.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        threads[0].start()
        while not stream._is_led or stream._queue:
            time.sleep(0.001)
        for thread in threads[1:]:
            thread.start()
        while len(stream._queue) < len(rows) - 1:
            time.sleep(0.001)
    return threads


def test_those_who_wait_for_the_disk_are_written_together(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    first, *others = singles(5)
    with log.stream() as stream:
        stream.append([first])
        [path] = journals(tmp_path)
        for thread in hold(path, stream, others):
            thread.join()
        assert len(list(journal._records(path))) == 3
    assert set(log.read()["decision_id"].to_pylist()) == {
        row["decision_id"] for row in (first, *others)
    }


def test_another_callers_bad_row_refuses_nobody_else(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    first, second, good, bad = singles(4)
    with log.stream() as stream:
        stream.append([first])
        [path] = journals(tmp_path)
        threads = hold(path, stream, [second, good])
        with pytest.raises(RowRefused, match="column node"):
            stream.append([bad | {"node": "a\x00b"}])
        for thread in threads:
            thread.join()
    wanted = [row["decision_id"] for row in (first, second, good)]
    assert log.read()["decision_id"].to_pylist() == wanted


def test_a_disk_that_refuses_is_heard_by_all_who_wait(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    heard: list[str] = []
    stream = log.stream()

    def refuse(rows: Sequence[bytes]) -> None:
        while len(rows) == 1 and len(stream._queue) < 2:
            time.sleep(0.001)
        raise OSError("no space left")

    stream._journal.write = refuse  # type: ignore[method-assign]

    def append(row: dict[str, Any]) -> None:
        try:
            stream.append([row])
        except OSError as error:
            heard.append(str(error))

    threads = [threading.Thread(target=append, args=(row,)) for row in singles(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stream.close()
    assert heard == ["no space left"] * 3
    assert log.size == 0


def test_nothing_is_appended_to_a_closed_stream(tmp_path: Path) -> None:
    stream = make_log(tmp_path).stream()
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        stream.append(singles(1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"as_of": datetime(2026, 11, 20)}, "no time zone"),  # noqa: DTZ001
        ({"bucket": "many"}, "another type"),
        ({"bucket": 2**40}, "another type"),
        ({"extra": 1}, "column extra: not part"),
        ({"person_id": None}, "column person_id: is null"),
        ({"context": "[]"}, "column context: not a JSON object"),
    ],
)
def test_a_row_that_cannot_be_sealed_never_reaches_the_journal(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    log = make_log(tmp_path)
    with log.stream() as stream, pytest.raises(RowRefused, match=message):
        stream.append([singles(1)[0] | change])
    assert log.size == 0


def test_a_row_without_a_column_is_refused(tmp_path: Path) -> None:
    row = singles(1)[0]
    del row["reason"]
    with make_log(tmp_path).stream() as stream, pytest.raises(RowRefused, match="reason: missing"):
        stream.append([row])


def test_many_threads_append_while_others_seal_and_batches_come_between(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    wanted = {row["decision_id"] for n in range(1, 5) for row in singles(25, n)}

    with log.stream(rows_at_once=7) as stream:

        def append(number: int) -> None:
            for row in singles(25, number):
                stream.append([row])

        threads = [threading.Thread(target=append, args=(number,)) for number in range(1, 5)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            with suppress(LogBusy):  # the stream may be sealing just now
                log.seal()
        for thread in threads:
            thread.join()
    ids = log.read()["decision_id"].to_pylist()
    assert len(ids) == 100
    assert set(ids) == wanted
    assert log.verify().ok


def test_a_stream_goes_on_while_a_run_holds_the_log(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    with log.stream(rows_at_once=1) as stream:
        with exclusive(tmp_path / "decision_log" / "lock"):
            stream.append(singles(2))
        assert log.pending().num_rows == 2
    assert log.size == 2


def test_erasure_reaches_decisions_that_were_not_sealed_yet(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    rows = [row | {"context": '{"claim":"CANARY-7"}'} for row in singles(4)]
    with log.stream() as stream:
        stream.append(rows)
        assert any(b"CANARY-7" in path.read_bytes() for path in journals(tmp_path))
        assert log.erase(["p_0", "p_1", "p_2", "p_3"]) == 4
        for path in tmp_path.rglob("*"):
            assert path.is_dir() or b"CANARY-7" not in path.read_bytes()
        assert log.verify().ok


def test_reading_needs_no_key_and_streaming_does(tmp_path: Path) -> None:
    make_log(tmp_path, (1,))
    with pytest.raises(KeyProblem, match="opened for reading"):
        DecisionLog(tmp_path / "decision_log").stream()


def test_a_torn_last_record_never_happened_and_a_wrong_one_before_others_is_damage(
    tmp_path: Path,
) -> None:
    log = make_log(tmp_path)
    stream = log.stream()
    stream.append(singles(1, 1))
    stream.append(singles(1, 2))
    [path] = journals(tmp_path)
    whole = path.read_bytes().rstrip(b"\0")
    first = 40 + int.from_bytes(whole[:8], "little")
    for cut in (first + 1, first + 20, len(whole) - 1):
        path.write_bytes(whole[:cut])
        assert log.pending().num_rows == 1
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert log.pending().num_rows == 1
    path.write_bytes(whole[: first - 1] + bytes([whole[first - 1] ^ 1]) + whole[first:])
    with pytest.raises(LogDamaged, match="a record in its middle"):
        log.seal()
    assert len(journals(tmp_path)) == 1


def test_whichever_blocks_of_the_last_group_a_crash_left_unwritten_the_others_are_read(
    tmp_path: Path,
) -> None:
    log = make_log(tmp_path)
    stream = log.stream()
    stream.append(singles(2, 1))
    [path] = journals(tmp_path)
    kept = len(path.read_bytes().rstrip(b"\0"))
    stream.append(singles(9, 2))
    whole = path.read_bytes()
    end = len(whole.rstrip(b"\0"))
    blocks = [(kept, 512 * -(-kept // 512)), *((at, at + 512) for at in range(0, end, 512))]
    blocks = [(max(kept, start), min(end, stop)) for start, stop in blocks if stop > kept]
    assert len(blocks) > 3
    for lost in range(1, 1 << min(len(blocks), 6)):
        torn = bytearray(whole)
        for number, (start, stop) in enumerate(blocks):
            if lost >> number % 6 & 1:
                torn[start:stop] = bytes(stop - start)
        path.write_bytes(torn)
        assert log.pending().num_rows == 2


def test_a_group_that_is_gone_before_others_is_damage(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    stream = log.stream()
    for batch in (1, 2, 3):
        stream.append(singles(1, batch))
    [path] = journals(tmp_path)
    whole = path.read_bytes()
    first, second = 0, 40 + int.from_bytes(whole[:8], "little")
    third = second + 40 + int.from_bytes(whole[second : second + 8], "little")
    for start, stop in ((first, second), (second, third), (second, second + 8)):
        path.write_bytes(whole[:start] + bytes(stop - start) + whole[stop:])
        with pytest.raises(LogDamaged, match="a record in its middle"):
            log.pending()


def test_a_journal_grows_with_what_is_written_and_loses_nothing_at_its_limits(
    tmp_path: Path,
) -> None:
    log = make_log(tmp_path)
    rows = singles(600)
    with log.stream(rows_at_once=None) as stream:
        sizes = set()
        for start in range(0, len(rows), 4):
            stream.append(rows[start : start + 4])
            [path] = journals(tmp_path)
            sizes.add(path.stat().st_size)
        assert len(sizes) > 2
        assert log.pending().to_pylist() == rows
    assert log.size == len(rows)
    assert log.verify().ok


def test_a_full_disk_is_heard_and_nothing_counts_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = make_log(tmp_path)
    stream = log.stream()
    stream.append(singles(1, 1))
    whole_write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda to, data, at: whole_write(to, data[:20], at))
    with pytest.raises(OSError, match=r"20 of \d+ bytes of the journal were written"):
        stream.append(singles(1, 2))
    monkeypatch.undo()
    stream.append(singles(1, 3))
    assert log.pending().num_rows == 2
    stream.close()
    assert log.size == 2


VICTIM = """
import os, sys
from pathlib import Path
from tests.activation.log.test_stream import singles
from tests.activation.log.worlds import make_log

home, batch = Path(sys.argv[1]), int(sys.argv[2])
stream = make_log(home).stream(rows_at_once=3)
for row in singles(200, batch):
    stream.append([row])
    os.write(1, (row["decision_id"] + "\\n").encode())
"""


@pytest.mark.parametrize("after", [1, 4, 9])
def test_no_acknowledged_decision_is_lost_or_doubled_when_the_process_is_killed(
    tmp_path: Path, after: int
) -> None:
    acknowledged: list[str] = []
    for batch in (1, 2):
        process = subprocess.Popen(
            [sys.executable, "-c", VICTIM, str(tmp_path), str(batch)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        for _ in range(after):
            acknowledged.append(process.stdout.readline().decode().strip())
        process.kill()
        acknowledged += process.stdout.read().decode().split()
        process.wait()
    log = make_log(tmp_path)
    log.seal()
    ids = log.read()["decision_id"].to_pylist()
    assert len(ids) == len(set(ids))
    assert set(acknowledged) <= set(ids)
    assert len(ids) <= len(acknowledged) + 2
    assert log.verify().ok
    assert journals(tmp_path) == []


@pytest.mark.parametrize("step", range(14))
def test_sealing_the_journal_killed_at_any_step_seals_each_decision_once(
    tmp_path: Path, step: int
) -> None:
    log = make_log(tmp_path, (2,), copies=True)
    stream = log.stream()
    stream.append(singles(3, 7))
    calls = 0
    originals = {name: getattr(os, name) for name in ("fsync", "replace", "unlink")}

    class Killed(BaseException):
        pass

    def dying(name: str) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls > step:
                raise Killed
            return originals[name](*args, **options)

        return call

    try:
        for name in originals:
            setattr(os, name, dying(name))
        with pytest.raises(Killed):
            log.seal()
    finally:
        for name, original in originals.items():
            setattr(os, name, original)
    again = make_log(tmp_path, copies=True)
    again.seal()
    assert again.size == 5
    assert len(set(again.read()["decision_id"].to_pylist())) == 5
    assert again.verify(KEY.public).ok
    assert journals(tmp_path) == []


def test_the_newest_instant_of_a_stream_stands_in_its_checkpoint(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    early, late = singles(2)
    with log.stream() as stream:
        stream.append([late | {"as_of": hour(9)}, early | {"as_of": AS_OF}])
    assert log.batches()[0].as_of == hour(9)
    # A retry of the early one is recognised, though the checkpoint says another instant.
    with log.stream() as stream:
        stream.append([early | {"as_of": AS_OF}])
    assert log.size == 2
    assert hour(9).tzinfo is UTC
