"""Files that are either wholly there or not there at all, and the lock that keeps writers apart.

A published file went to a hidden temporary name, was fsynced, renamed into place, and its
directory fsynced: after a crash at any instant the name leads to all of the bytes or to none.
"""

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from activation.log.errors import LogBusy, LogDamaged

READ_ONLY: Final = 0o444
PRIVATE: Final = 0o600
_TEMPORARY: Final = ".tmp"


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}{_TEMPORARY}")


def sync_directory(directory: Path) -> None:
    """Make renames and removals in a directory survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(directory: Path, mode: int = 0o755) -> None:
    """Create a directory and its parents, durably."""
    if directory.is_dir():
        return
    directory.mkdir(parents=True, exist_ok=True, mode=mode)
    sync_directory(directory.parent)


def publish(
    path: Path, write: Callable[[IO[bytes]], object], *, mode: int, replace: bool = False
) -> None:
    """Write a file whole and durable; `write` receives the open temporary file.

    Raises LogDamaged when the name is taken and `replace` is false: the log's files are
    write-once.
    """
    if not replace and path.exists():
        raise LogDamaged(f"{path.parent.name}/{path.name}: exists already and is write-once")
    temporary = _temporary(path)
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with os.fdopen(descriptor, "wb") as stream:
        write(stream)
        stream.flush()
        os.fchmod(stream.fileno(), mode)
        os.fsync(stream.fileno())
    temporary.replace(path)
    sync_directory(path.parent)


def publish_bytes(path: Path, data: bytes, *, mode: int, replace: bool = False) -> None:
    """Publish bytes that are at hand."""
    publish(path, lambda stream: stream.write(data), mode=mode, replace=replace)


def remove(path: Path) -> None:
    """Remove a file, durably; one that is gone already is fine."""
    path.unlink(missing_ok=True)
    sync_directory(path.parent)


def sweep(directory: Path) -> None:
    """Remove what a killed writer left half-written."""
    for path in directory.glob(f".*{_TEMPORARY}"):
        remove(path)


def numbered(directory: Path, suffix: str = "") -> tuple[dict[int, Path], list[Path]]:
    """The files named 000001, 000002, ... by number, and those that have no business here."""
    known: dict[int, Path] = {}
    strange: list[Path] = []
    names = sorted(path.name for path in directory.iterdir()) if directory.is_dir() else ()
    form = re.compile(r"(\d{6,12})" + re.escape(suffix), re.ASCII)
    for name in names:
        if name.startswith("."):
            continue
        match = form.fullmatch(name)
        number = int(match[1]) if match else 0
        if number and name == f"{number:06d}{suffix}":
            known[number] = directory / name
        else:
            strange.append(directory / name)
    return known, strange


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the only right to write. Raises LogBusy at once when somebody else holds it.

    flock belongs to the open file, so it keeps threads apart as well as processes, and the kernel
    lets go of it when its holder dies.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LogBusy(
                f"{path.parent.name}: another process is writing this decision log; "
                "let it end, then run again"
            ) from None
        yield
    finally:
        os.close(descriptor)
