"""A quiet hour's decisions are sealed in time: by a timer, whose clock is the test's."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from activation.log import LogDamaged, LogStream
from activation.log.durable import exclusive
from tests.activation.log.test_stream import singles
from tests.activation.log.worlds import decisions, make_log

PAUSE = timedelta(minutes=1)


class Clock:
    """Time that passes when the test says so. `tick` returns when the timer has done its round."""

    def __init__(self) -> None:
        self._passed = threading.Semaphore(0)
        self._asleep = threading.Semaphore(0)
        self.pauses: list[float] = []

    def wait(self, stopping: threading.Event, pause: float) -> bool:
        self.pauses.append(pause)
        self._asleep.release()
        while not self._passed.acquire(timeout=0.01):
            if stopping.is_set():
                return True
        return stopping.is_set()

    def let_pass(self) -> None:
        self._asleep.acquire()
        self._passed.release()

    def tick(self) -> None:
        self.let_pass()
        self._asleep.acquire()
        self._asleep.release()


def wait_for_the_failure(stream: LogStream) -> None:
    assert stream._timer is not None
    stream._timer.join(timeout=30)
    assert not stream._timer.is_alive()


def test_what_waits_is_sealed_when_its_time_has_come_and_nothing_when_nothing_waits(
    tmp_path: Path,
) -> None:
    log, clock = make_log(tmp_path), Clock()
    with log.stream(seal_every=PAUSE, wait=clock.wait) as stream:
        clock.tick()
        assert log.batches() == []
        stream.append(singles(2))
        assert log.size == 0
        clock.tick()
        assert [header.size for header in log.batches()] == [2]
        clock.tick()
        assert len(log.batches()) == 1
        stream.append(singles(3, 2))
    assert [header.size for header in log.batches()] == [2, 5]
    assert set(clock.pauses) == {60.0}
    assert log.verify().ok


def test_a_run_that_holds_the_log_only_delays_the_timer(tmp_path: Path) -> None:
    log, clock = make_log(tmp_path), Clock()
    with log.stream(seal_every=PAUSE, wait=clock.wait) as stream:
        stream.append(singles(2))
        with exclusive(tmp_path / "decision_log" / "lock"):
            clock.tick()
            assert log.size == 0
        clock.tick()
        assert log.size == 2


def test_what_the_timer_cannot_seal_the_next_caller_hears_of(tmp_path: Path) -> None:
    log, clock = make_log(tmp_path, (2,)), Clock()
    stream = log.stream(seal_every=PAUSE, wait=clock.wait)
    stream.append(singles(2, 2))
    (tmp_path / "decision_log" / "segments" / "000001.parquet").unlink()
    clock.let_pass()
    wait_for_the_failure(stream)
    with pytest.raises(LogDamaged, match="segments/000001"):
        stream.append(decisions(1, 3).to_pylist())
