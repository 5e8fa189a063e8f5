"""A writer that dies at any step leaves a log that verifies and goes on to the same state."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from activation.log import DecisionLog, verifier
from tests.activation.log.worlds import KEY, make_log, seal

STEPS = ("open", "fsync", "replace", "unlink", "fchmod")


class Killed(BaseException):
    """Stands for SIGKILL: not an Exception, so that nothing handles it."""


@contextmanager
def dying_at(step: int) -> Iterator[list[str]]:
    """Let a process die just before its n-th call that changes or syncs a file.

    After that no such call works any more, so `finally` blocks can't tidy up as they could not
    after a real kill.
    """
    calls: list[str] = []
    originals = {name: getattr(os, name) for name in STEPS}

    def dying(name: str) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            changes = name != "open" or args[1] & os.O_CREAT
            if changes:
                calls.append(name)
                if len(calls) > step:
                    raise Killed(name)
            return originals[name](*args, **options)

        return call

    try:
        for name in STEPS:
            setattr(os, name, dying(name))
        yield calls
    finally:
        for name, original in originals.items():
            setattr(os, name, original)


def state(home: Path) -> dict[str, bytes]:
    """All that counts in a log: names and bytes, whoever wrote them and how often they tried."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


def holds(home: Path) -> bool:
    key = verifier.parse_key(KEY.public.text())
    report = verifier.Verification(home / "decision_log", key, home / "copies").run()
    library = DecisionLog(home / "decision_log", copies=home / "copies").verify(KEY.public)
    return library.ok and not report.findings


def steps_of(home: Path, work: Callable[[], object]) -> int:
    with dying_at(10**9) as calls:
        work()
    shutil.rmtree(home)
    return len(calls)


def test_an_append_killed_at_any_step_can_be_made_again(tmp_path: Path) -> None:
    undisturbed = make_log(tmp_path / "calm", (3, 4), copies=True)
    seal(undisturbed, 3, 5)
    make_log(tmp_path / "base", (3, 4), copies=True)
    shutil.copytree(tmp_path / "base", tmp_path / "count")
    counting = make_log(tmp_path / "count", copies=True)
    steps = steps_of(tmp_path / "count", lambda: seal(counting, 3, 5))
    assert steps >= 16
    committed = set()
    for step in range(steps):
        home = tmp_path / f"killed_{step}"
        shutil.copytree(tmp_path / "base", home)
        log = make_log(home, copies=True)
        with dying_at(step), pytest.raises(Killed):
            seal(log, 3, 5)
        assert holds(home), step
        survivor = make_log(home, copies=True)
        assert survivor.size in (7, 12)
        committed.add(survivor.size)
        if survivor.size == 7:
            seal(survivor, 3, 5)
        assert holds(home), step
        assert state(home) == state(tmp_path / "calm"), step
    assert committed == {7, 12}


def test_an_erasure_killed_at_any_step_is_carried_to_its_end(tmp_path: Path) -> None:
    calm = make_log(tmp_path / "calm", (6, 5, 7), copies=True)
    assert calm.erase(["p_1", "p_3"]) == 8
    make_log(tmp_path / "base", (6, 5, 7), copies=True)
    shutil.copytree(tmp_path / "base", tmp_path / "count")
    counting = make_log(tmp_path / "count", copies=True)
    steps = steps_of(tmp_path / "count", lambda: counting.erase(["p_1", "p_3"]))
    assert steps >= 16
    for step in range(steps):
        home = tmp_path / f"killed_{step}"
        shutil.copytree(tmp_path / "base", home)
        log = make_log(home, copies=True)
        with dying_at(step), pytest.raises(Killed):
            log.erase(["p_1", "p_3"])
        assert holds(home), step
        make_log(home, copies=True).erase(["p_1", "p_3"])
        assert state(home) == state(tmp_path / "calm"), step


def test_an_interrupted_erasure_ends_without_being_asked_for_again(tmp_path: Path) -> None:
    calm = make_log(tmp_path / "calm", (6, 5))
    calm.erase(["p_1"])
    log = make_log(tmp_path / "killed", (6, 5))
    # By then the list of whom to erase is durable, and no file has been replaced.
    with dying_at(9), pytest.raises(Killed):
        log.erase(["p_1"])
    assert (tmp_path / "killed" / "decision_log" / "openings" / ".erasure.json").exists()
    make_log(tmp_path / "killed")
    assert state(tmp_path / "killed") == state(tmp_path / "calm")


VICTIM = """
import os, signal, sys
from pathlib import Path
from tests.activation.log.worlds import make_log, seal

home, step = Path(sys.argv[1]), int(sys.argv[2])
log = make_log(home, copies=True)
calls = 0

def dying(original):
    def call(*args, **options):
        global calls
        calls += 1
        if calls > step:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **options)
    return call

for name in ("fsync", "replace"):
    setattr(os, name, dying(getattr(os, name)))
seal(log, 3, 5)
"""


@pytest.mark.parametrize("step", [0, 3, 5, 7, 8, 9, 11])
def test_a_process_killed_by_the_kernel_leaves_a_log_that_goes_on(
    tmp_path: Path, step: int
) -> None:
    calm = make_log(tmp_path / "calm", (3, 4), copies=True)
    seal(calm, 3, 5)
    home = tmp_path / "killed"
    make_log(home, (3, 4), copies=True)
    ended = subprocess.run([sys.executable, "-c", VICTIM, str(home), str(step)], check=False)
    assert ended.returncode == -9
    assert holds(home)
    survivor = make_log(home, copies=True)
    if survivor.size == 7:
        seal(survivor, 3, 5)
    assert holds(home)
    assert state(home) == state(tmp_path / "calm")
