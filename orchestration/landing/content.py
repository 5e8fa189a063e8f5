"""Bytes of a file: digest, decompression within limits, and physical lines."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, cast

BLOCK_BYTES = 4 * 2**20
MAX_RECORD_BYTES = 256 * 2**10
MAX_CONTENT_BYTES = 16 * 2**30
# Exports of repetitive text reach 40:1; a bomb reaches 1000:1. Small files may exceed the ratio.
MAX_EXPANSION = 100
FREE_EXPANSION_BYTES = 8 * 2**20


class FileRejectedError(Exception):
    """A file that can't be loaded as a whole; the text says why and what to do, without values."""


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes as they are stored, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def open_content(path: Path, compressed: bool) -> IO[bytes]:
    """Open a file for reading; of a compressed one the content, guarded against bombs."""
    stream = path.open("rb")
    if not compressed:
        return stream
    guarded = cast(io.RawIOBase, _GuardedGzip(stream, path.stat().st_size))
    return io.BufferedReader(guarded, BLOCK_BYTES)


class _GuardedGzip(io.RawIOBase):
    """Content of a gzip stream that stops where it grows out of proportion."""

    def __init__(self, stream: BinaryIO, stored_bytes: int) -> None:
        self._stream = stream
        self._content = gzip.GzipFile(fileobj=stream)
        self._allowed = min(
            max(stored_bytes * MAX_EXPANSION, FREE_EXPANSION_BYTES), MAX_CONTENT_BYTES
        )
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        try:
            block = self._content.read(len(buffer))
        except (OSError, EOFError, zlib.error) as error:
            raise FileRejectedError(
                "the gzip stream is damaged or cut short; export and copy the file again"
            ) from error
        self._read += len(block)
        if self._read > self._allowed:
            raise FileRejectedError(
                f"the gzip stream grows beyond {MAX_EXPANSION} times its size or "
                f"{MAX_CONTENT_BYTES} bytes; split the export or leave it uncompressed"
            )
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        self._content.close()
        self._stream.close()
        super().close()


def line_blocks(stream: IO[bytes]) -> Iterator[list[bytes]]:
    """Physical lines of a stream, in blocks, each without its line feed.

    A line longer than MAX_RECORD_BYTES comes cut, but still longer than that, so a reader can
    refuse it while memory stays bounded.
    """
    tail = b""
    while block := stream.read(BLOCK_BYTES):
        lines = (tail + block).split(b"\n")
        tail = lines.pop()[: MAX_RECORD_BYTES + 1]
        if lines:
            yield lines
    if tail:
        yield [tail]
