"""Cached roots of perfect subtrees, so that a proof hashes hundreds of rows and not the whole log.

    tree/08, tree/16, tree/24    32 bytes for each whole run of 2**8, 2**16, 2**24 rows, in order

An eighth of a byte a row. Nobody trusts the cache: a proof made from it counts only if it leads to
the signed root, and whatever is missing or false is hashed anew from the rows.
"""

from pathlib import Path
from typing import Final

from activation.log.durable import make_directory
from activation.log.layout import Layout
from activation.log.merkle import HASH_BYTES, folded

HEIGHTS: Final = (8, 16, 24)


def path_of(at: Layout, height: int) -> Path:
    """The file of one height."""
    return at.tree / f"{height:02d}"


def extend(at: Layout, size: int, completed: dict[int, bytes]) -> None:
    """Note the subtrees completed by rows from `size` on; what stood there was never committed."""
    make_directory(at.tree)
    for height, hashes in completed.items():
        path = path_of(at, height)
        path.touch()
        with path.open("r+b") as stream:
            stream.seek((size >> height) * HASH_BYTES)
            stream.write(hashes)
            stream.truncate()


def is_whole(at: Layout, size: int) -> bool:
    """Whether the cache has all subtrees of that many rows."""
    for height in HEIGHTS:
        path = path_of(at, height)
        held = path.stat().st_size if path.exists() else 0
        if held < (size >> height) * HASH_BYTES:
            return False
    return True


def node(at: Layout, level: int, index: int) -> bytes:
    """The root of a perfect subtree of at least 2**8 rows; nothing when the cache lacks it."""
    height = max(one for one in HEIGHTS if one <= level)
    count = 1 << (level - height)
    path = path_of(at, height)
    if not path.exists():
        return b""
    with path.open("rb") as stream:
        stream.seek(index * count * HASH_BYTES)
        row = stream.read(count * HASH_BYTES)
    return folded(row) if len(row) == count * HASH_BYTES else b""
