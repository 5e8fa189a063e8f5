"""Processes that the kernel kills: whatever they were writing, the log verifies and goes on."""

import subprocess
import sys
from pathlib import Path

import pytest

from activation.log import DecisionLog
from tests.activation.log.test_crash import NEXT_KEY, holds, opened, seal_with_inputs, state
from tests.activation.log.worlds import KEY, make_log, seal

VICTIM = """
import os, signal, sys
from pathlib import Path
from tests.activation.log.test_crash import NEXT_KEY, seal_with_inputs
from tests.activation.log.worlds import make_log, seal

home, step, work = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
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
if work == "append":
    seal(log, 3, 5)
elif work == "inputs":
    seal_with_inputs(log)
else:
    log.rotate_key(NEXT_KEY)
"""


def kill(home: Path, work: str, step: int) -> None:
    """A process of its own, killed by the kernel before its n-th fsync or rename."""
    make_log(home, (3, 4), copies=True)
    command = [sys.executable, "-c", VICTIM, str(home), str(step), work]
    assert subprocess.run(command, check=False).returncode == -9
    assert holds(home)


@pytest.mark.parametrize("step", [0, 3, 5, 7, 8, 9, 11])
def test_a_process_killed_by_the_kernel_leaves_a_log_that_goes_on(
    tmp_path: Path, step: int
) -> None:
    calm = make_log(tmp_path / "calm", (3, 4), copies=True)
    seal(calm, 3, 5)
    home = tmp_path / "killed"
    kill(home, "append", step)
    survivor = make_log(home, copies=True)
    if survivor.size == 7:
        seal(survivor, 3, 5)
    assert holds(home)
    assert state(home) == state(tmp_path / "calm")


@pytest.mark.parametrize("step", [0, 4, 8, 12, 16, 19])
def test_a_process_killed_while_it_records_inputs_leaves_none_or_all_of_them(
    tmp_path: Path, step: int
) -> None:
    seal_with_inputs(make_log(tmp_path / "calm", (3, 4), copies=True))
    home = tmp_path / "killed"
    kill(home, "inputs", step)
    survivor = make_log(home, copies=True)
    if survivor.size == 7:
        assert survivor.inputs(3) is None
        seal_with_inputs(survivor)
    assert holds(home)
    assert state(home) == state(tmp_path / "calm")


@pytest.mark.parametrize("step", [0, 1, 2, 3, 4, 5])
def test_a_process_killed_while_it_changes_keys_leaves_one_that_signs(
    tmp_path: Path, step: int
) -> None:
    calm = make_log(tmp_path / "calm", (3, 4), copies=True)
    calm.rotate_key(NEXT_KEY)
    seal(calm, 3, 5)
    home = tmp_path / "killed"
    kill(home, "rotate", step)
    keys = DecisionLog(home / "decision_log").keys
    if keys.current == KEY.public:
        opened(home, KEY).rotate_key(NEXT_KEY)
    seal(opened(home, NEXT_KEY), 3, 5)
    assert holds(home)
    assert state(home) == state(tmp_path / "calm")
