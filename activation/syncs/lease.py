"""One writer per destination object: two runs at once would each see the other's work in doubt.

The lease ends with the process that holds it, however it ends, so a killed run blocks nobody.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

from activation.syncs.spec import SyncError


class SyncBusyError(SyncError):
    """Another run is at work on the same destination object. Try again later."""


@contextmanager
def lease(engine: Engine, target: str) -> Iterator[None]:
    """Hold the target while the block runs. Raises SyncBusyError if another process holds it."""
    if engine.dialect.name == "postgresql":
        with _advisory_lock(engine, target):
            yield
    else:
        with _file_lock(Path(str(engine.url.database)), target):
            yield


@contextmanager
def _file_lock(store: Path, target: str) -> Iterator[None]:
    """A lock on a file beside the SQLite store."""
    digest = hashlib.sha256(target.encode()).hexdigest()[:16]
    file = store.with_name(f".{store.name}.sync-{digest}.lock")
    descriptor = os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(target) from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _advisory_lock(engine: Engine, target: str) -> Iterator[None]:
    """A session lock of PostgreSQL, held by a connection of its own."""
    key = int.from_bytes(hashlib.sha256(target.encode()).digest()[:8], signed=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(text("select pg_try_advisory_lock(:key)"), {"key": key}):
            raise _busy(target)
        try:
            yield
        finally:
            connection.execute(text("select pg_advisory_unlock(:key)"), {"key": key})


def _busy(target: str) -> SyncBusyError:
    return SyncBusyError(f"another run is writing {target}; wait for it to end")
