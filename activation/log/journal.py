"""The journal: decisions of the moment of activation, durable at once and sealed a little later.

    journal/<name>.open      groups of rows as one writer appends them
    journal/<name>.closed    taken over by whoever seals them next; gone once they are sealed

One group is one write and one fdatasync, however many callers stand behind it, where a batch costs
a dozen: a service that decides one person at a time pays the disk once for all who wait. A record
is its length (8 bytes, little endian), the SHA-256 of its payload and the payload, a JSON array of
rows as `activation.log.single_rows` encodes them, and of objects: the requests that they answer.
Zeros follow the last record: they are overwritten by the next ones, since a file that grows has its
length to write too, which took up to 6 ms one time in twenty (ext4, one disk; 0.3 ms without).
The journal holds personal data, so it is for its owner alone and lives only until the next batch,
erasure or `seal`.
"""

import errno
import fcntl
import json
import os
import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from activation.log.durable import make_directory, remove, sync_directory
from activation.log.errors import LogDamaged
from activation.log.single_rows import SCHEMA

OPEN: Final = ".open"
CLOSED: Final = ".closed"
_LENGTH: Final = struct.Struct("<Q")
_HEAD: Final = _LENGTH.size + sha256().digest_size
# A file's room doubles, from a command's one decision to a service's thousands.
_LEAST_ROOM: Final = 1 << 16
_MOST_ROOM_AT_ONCE: Final = 1 << 20


class Journal:
    """One writer's file. Not for several threads at once: `LogStream` sees to that."""

    def __init__(self, directory: Path) -> None:
        make_directory(directory, 0o700)
        self._directory = directory
        self._descriptor: int | None = None
        self._path = directory
        self._end = self._room = 0

    def write(self, rows: Sequence[bytes]) -> None:
        """Append one group of rows (single_rows.encode), and requests as JSON objects, and return
        when it is durable."""
        payload = b"[" + b",".join(rows) + b"]"
        record = _LENGTH.pack(len(payload)) + sha256(payload).digest() + payload
        with self._mine() as descriptor:
            self._make_room(descriptor, len(record))
            _write_at(descriptor, record, self._end)
            os.fdatasync(descriptor)
            self._end += len(record)

    def _make_room(self, descriptor: int, size: int) -> None:
        """Zeros for a record of this size and many more, durable together with the record."""
        if self._end + size > self._room:
            more = min(max(self._room, _LEAST_ROOM), _MOST_ROOM_AT_ONCE) + size
            _write_at(descriptor, bytes(more), self._room)
            self._room += more

    @contextmanager
    def _mine(self) -> Iterator[int]:
        """The file, held against being closed meanwhile; a new one if somebody has closed it."""
        while True:
            descriptor = self._descriptor or self._create()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if self._path.exists():
                break
            os.close(descriptor)
            self._descriptor = None
        try:
            yield descriptor
        except BaseException:
            # What was written may be half a record: nothing may follow it.
            self.close()
            raise
        fcntl.flock(descriptor, fcntl.LOCK_UN)

    def _create(self) -> int:
        descriptor, name = tempfile.mkstemp(OPEN, "", self._directory)
        sync_directory(self._directory)
        self._descriptor, self._path = descriptor, Path(name)
        self._end = self._room = 0
        return descriptor

    def close(self) -> None:
        """Let go of the file; its rows wait for the next who seals."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _write_at(descriptor: int, data: bytes, place: int) -> None:
    """Raises OSError where less can be written, as on a full disk."""
    written = os.pwrite(descriptor, data, place)
    if written < len(data):
        raise OSError(errno.ENOSPC, f"{written} of {len(data)} bytes of the journal were written")


def close_all(directory: Path) -> list[Path]:
    """Take over what writers have appended so far; they go on in new files.

    Call with the log's lock held. A writer is kept waiting for one rename, not for the sealing.
    """
    if not directory.is_dir():
        return []
    for path in sorted(directory.glob(f"*{OPEN}")):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            path.replace(path.with_suffix(CLOSED))
        finally:
            os.close(descriptor)
    closed = sorted(directory.glob(f"*{CLOSED}"))
    if closed:
        sync_directory(directory)
    return closed


def forget(closed: list[Path]) -> None:
    """Remove files whose rows are sealed."""
    for path in closed:
        remove(path)


def read(paths: list[Path]) -> pa.Table:
    """The rows (SCHEMA) of these files in order of writing; a torn last record never happened.

    Raises LogDamaged when a record is wrong that others follow: no crash does that.
    """
    return read_all(paths)[0]


def read_all(paths: list[Path]) -> tuple[pa.Table, list[dict[str, Any]]]:
    """The rows, and the requests that they answer, in order of writing. Raises LogDamaged."""
    entries = [one for path in paths for record in _records(path) for one in json.loads(record)]
    rows = [one for one in entries if isinstance(one, list)]
    columns = zip(*rows, strict=True) if rows else ((),) * len(SCHEMA)
    table = pa.table([pa.array(column, pa.string()) for column in columns], SCHEMA)
    return table, [one for one in entries if isinstance(one, dict)]


def _records(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        # A record that is written while it is read would look torn, and the next one like its heir.
        fcntl.flock(file, fcntl.LOCK_SH)
        data = file.read().rstrip(b"\0")
    at = 0
    while (payload := _record(data, at)) is not None:
        yield payload
        at += _HEAD + len(payload)
    # Of a record that a crash tore any part may be missing, but no record was begun after it.
    if any(_record(data, later) is not None for later in range(at + 1, len(data) - _HEAD)):
        raise LogDamaged(f"journal/{path.name}: a record in its middle is not what was written")


def _record(data: bytes, at: int) -> bytes | None:
    """The payload of the record that begins there, or None when none does."""
    start = at + _HEAD
    if start >= len(data):
        return None
    [length] = _LENGTH.unpack_from(data, at)
    payload = data[start : start + length] if length <= len(data) - start else b""
    is_whole = payload and sha256(payload).digest() == data[at + _LENGTH.size : start]
    return payload if is_whole else None


def pending(directory: Path) -> pa.Table:
    """The rows (SCHEMA) that are durable and not yet sealed, by whichever writer."""
    if not directory.is_dir():
        return SCHEMA.empty_table()
    paths = sorted(path for path in directory.iterdir() if path.suffix in (OPEN, CLOSED))
    found = []
    for path in paths:
        try:
            found.append(read([path]))
        except FileNotFoundError:
            # Closed or sealed meanwhile.
            if path.with_suffix(CLOSED).exists():
                found.append(read([path.with_suffix(CLOSED)]))
    return pa.concat_tables([SCHEMA.empty_table(), *found])
