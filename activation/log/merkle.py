"""The RFC 9162 (section 2.1) Merkle tree over SHA-256, kept as a compact range.

Hashes are 32 raw bytes; a run of hashes is their concatenation, which is what hashlib eats fastest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(row: bytes) -> bytes:
    """The hash of one leaf; the 0x00 keeps a leaf from being passed off as a node."""
    return sha256(b"\x00" + row).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def _parents(row: bytes) -> bytes:
    """Hashes of the nodes above an even number of neighbours."""
    return b"".join(
        [sha256(b"\x01" + row[at : at + 64]).digest() for at in range(0, len(row), 2 * HASH_BYTES)]
    )


@dataclass(frozen=True)
class Frontier:
    """The perfect subtrees that cover the first `size` leaves, the largest (leftmost) first.

    At most log2(size) hashes, and enough to append: a batch costs its own leaves, never the log's.
    """

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if len(self.nodes) != self.size.bit_count():
            raise ValueError(f"a frontier of size {self.size} has {self.size.bit_count()} nodes")

    def extended(self, leaves: bytes, kept_rows: dict[int, bytes] | None = None) -> "Frontier":
        """The frontier after appending a run of leaf hashes.

        `kept_rows` names levels; it receives the hashes of the subtrees completed there.
        """
        levels = [level for level in range(self.size.bit_length()) if self.size >> level & 1]
        waiting = dict(zip(reversed(levels), self.nodes, strict=True))
        kept: list[bytes] = []
        row, level = leaves, 0
        while row or waiting:
            if kept_rows and level in kept_rows:
                kept_rows[level] = row
            # A waiting node is the left neighbour of the row's first node: with it, the row starts
            # at an even position; without it, the row did so already.
            row = waiting.pop(level, b"") + row
            if len(row) // HASH_BYTES % 2:
                kept.append(row[-HASH_BYTES:])
                row = row[:-HASH_BYTES]
            row = _parents(row)
            level += 1
        return Frontier(self.size + len(leaves) // HASH_BYTES, tuple(reversed(kept)))

    def root(self) -> bytes:
        """The tree's root: the subtrees folded from the smallest up."""
        if not self.nodes:
            return EMPTY_ROOT
        root = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            root = node_hash(node, root)
        return root


def folded(row: bytes) -> bytes:
    """The root of a perfect subtree over a run of 2, 4, 8 ... hashes, or of one."""
    while len(row) > HASH_BYTES:
        row = _parents(row)
    return row


Node = Callable[[int, int], bytes]
"""Hash of the perfect subtree of 2**level leaves that is the index-th of its level."""


class Tree:
    """Proofs over the first `size` leaves, from a source of perfect subtrees."""

    def __init__(self, size: int, node: Node) -> None:
        self.size = size
        self._node = node

    def root(self) -> bytes:
        """The root of the whole tree."""
        return self._range(0, self.size) if self.size else EMPTY_ROOT

    def _range(self, start: int, end: int) -> bytes:
        count = end - start
        if count.bit_count() == 1:
            return self._node(count.bit_length() - 1, start // count)
        middle = start + _split(count)
        return node_hash(self._range(start, middle), self._range(middle, end))

    def inclusion_path(self, index: int) -> tuple[bytes, ...]:
        """Siblings from the leaf up to below the root (RFC 9162 2.1.3.1)."""
        if not 0 <= index < self.size:
            raise IndexError(f"leaf {index} is outside a tree of {self.size}")
        path: list[bytes] = []
        start, end = 0, self.size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(start, middle))
                start = middle
        return tuple(reversed(path))

    def consistency_path(self, old_size: int) -> tuple[bytes, ...]:
        """Nodes that show the first `old_size` leaves to be a prefix (RFC 9162 2.1.4.1)."""
        if not 0 <= old_size <= self.size:
            raise IndexError(f"size {old_size} is outside a tree of {self.size}")
        if old_size in (0, self.size):
            return ()
        path: list[bytes] = []
        start, end, whole = 0, self.size, True
        while end != old_size:
            middle = start + _split(end - start)
            if old_size <= middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(start, middle))
                start, whole = middle, False
        if not whole:
            path.append(self._range(start, end))
        return tuple(reversed(path))


def _split(count: int) -> int:
    """The largest power of two below a count of at least two."""
    return 1 << ((count - 1).bit_length() - 1)


def root_from_inclusion(
    leaf: bytes, index: int, size: int, path: tuple[bytes, ...]
) -> bytes | None:
    """The root that an inclusion path implies, or None when the path has the wrong length."""
    if not 0 <= index < size:
        return None
    node, at, last, rest = leaf, index, size - 1, list(path)
    while last:
        if at & 1 or at < last:
            if not rest:
                return None
            sibling = rest.pop(0)
            node = node_hash(sibling, node) if at & 1 else node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    return None if rest else node


def is_consistent(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: tuple[bytes, ...]
) -> bool:
    """Whether the path proves the old tree to be a prefix of the new (RFC 9162 2.1.4.2)."""
    if old_size > new_size or old_size < 0:
        return False
    if old_size == new_size:
        return not path and old_root == new_root
    if old_size == 0:
        return not path and old_root == EMPTY_ROOT
    at, last, rest = old_size - 1, new_size - 1, list(path)
    while at & 1:
        at, last = at >> 1, last >> 1
    # When the old tree is a perfect subtree of the new, its root is the first node, left unsaid.
    if at and not rest:
        return False
    old = new = rest.pop(0) if at else old_root
    while last:
        if at & 1 or at < last:
            if not rest:
                return False
            node = rest.pop(0)
            if at & 1:
                old, new = node_hash(node, old), node_hash(node, new)
            else:
                new = node_hash(new, node)
        at, last = at >> 1, last >> 1
    return not rest and old == old_root and new == new_root
