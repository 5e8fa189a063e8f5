"""A writer that dies at any step leaves a log that verifies and goes on to the same state."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from activation.log import DecisionLog, Inputs, KeyProblem, SigningKey, verifier
from tests.activation.log.worlds import (
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

NEXT_KEY = SigningKey(ORIGIN, b"\x02" * 32)
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


@pytest.mark.parametrize("earlier", [0, 1])
def test_a_change_of_keys_killed_at_any_step_can_be_made_again(
    tmp_path: Path, earlier: int
) -> None:
    """By the command's order: the new key is stored before; after a kill it is asked for again."""
    ring = [SigningKey(ORIGIN, bytes([n]) * 32) for n in (1, 2, 3)]

    def make(home: Path) -> None:
        log = make_log(home, (3, 4), copies=True)
        for key in ring[1 : 1 + earlier]:
            log.rotate_key(key)

    def rotate(home: Path) -> None:
        log = opened(home, ring[earlier])
        if log.keys.current != ring[earlier + 1].public:
            log.rotate_key(ring[earlier + 1])

    def finish(home: Path) -> None:
        rotate(home)
        seal(opened(home, ring[earlier + 1]), 3, 5)

    make(tmp_path / "calm")
    finish(tmp_path / "calm")
    make(tmp_path / "base")
    shutil.copytree(tmp_path / "base", tmp_path / "count")
    steps = steps_of(tmp_path / "count", lambda: rotate(tmp_path / "count"))
    assert steps >= 5
    written = set()
    for step in range(steps):
        home = tmp_path / f"killed_{step}"
        shutil.copytree(tmp_path / "base", home)
        with dying_at(step), pytest.raises(Killed):
            rotate(home)
        assert holds(home), step
        written.add(len(DecisionLog(home / "decision_log").keys.keys))
        try:
            finish(home)
        except KeyProblem:
            # The transition was durable before the kill: the old key is retired.
            seal(opened(home, ring[earlier + 1]), 3, 5)
        assert holds(home), step
        assert state(home) == state(tmp_path / "calm"), step
    assert written == {earlier + 1, earlier + 2}


def opened(home: Path, key: SigningKey) -> DecisionLog:
    return DecisionLog(
        home / "decision_log",
        signing_key=key,
        copies=home / "copies",
        entropy=entropy,
        clock=lambda: SEALED_AT,
    )


INPUTS = Inputs(
    {"release": RELEASE, "as_of": "2026-11-20T06:00:00Z"},
    {
        "context": pa.table({"person_id": ["p_0", "p_1"], "days_to_renewal": [80, 12]}),
        "permit": pa.table({"person_id": ["p_0", "p_1"], "verdict": ["permit", "deny"]}),
    },
)


def seal_with_inputs(log: DecisionLog) -> None:
    log.append(decisions(5, 3), as_of=hour(3), release=RELEASE, sealed_at=SEALED_AT, inputs=INPUTS)


def test_recording_inputs_killed_at_any_step_leaves_none_or_all_of_them(tmp_path: Path) -> None:
    seal_with_inputs(make_log(tmp_path / "calm", (3, 4), copies=True))
    make_log(tmp_path / "base", (3, 4), copies=True)
    shutil.copytree(tmp_path / "base", tmp_path / "count")
    counting = make_log(tmp_path / "count", copies=True)
    steps = steps_of(tmp_path / "count", lambda: seal_with_inputs(counting))
    assert steps >= 24
    for step in range(steps):
        home = tmp_path / f"killed_{step}"
        shutil.copytree(tmp_path / "base", home)
        log = make_log(home, copies=True)
        with dying_at(step), pytest.raises(Killed):
            seal_with_inputs(log)
        assert holds(home), step
        survivor = make_log(home, copies=True)
        recorded = survivor.inputs(3)
        assert (recorded is not None) == (survivor.size == 12), step
        if survivor.size == 7:
            seal_with_inputs(survivor)
        assert holds(home), step
        assert state(home) == state(tmp_path / "calm"), step
