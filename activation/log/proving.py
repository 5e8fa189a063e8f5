"""Proofs from the log's files: where a row stands, and the hashes from it to the signed root."""

import pyarrow as pa
import pyarrow.compute as pc

from activation.log import canonical, openings, references, segments, subtrees
from activation.log.checkpoints import BatchHeader
from activation.log.errors import DecisionUnknown, LogDamaged
from activation.log.layout import Layout
from activation.log.merkle import HASH_BYTES, Frontier, Tree, folded
from activation.log.proofs import ConsistencyProof, InclusionProof
from activation.log.rows import COLUMNS_OF

_BLOCK_LEVEL = subtrees.HEIGHTS[0]


class Prover:
    """Proofs over the batches as their headers state them (not verified), the oldest first."""

    def __init__(self, at: Layout, headers: list[BatchHeader]) -> None:
        self._at, self._headers = at, headers
        self._blocks: dict[int, bytes] = {}

    def locate(self, decision_id: str) -> tuple[int, int]:
        """Batch and seq. Raises DecisionUnknown."""
        for header in reversed(self._headers):
            ids = references.decision_ids(self._at, header.number)
            index = pc.index(ids["decision_id"], decision_id).as_py()
            if index >= 0:
                return header.number, int(ids["seq"][index].as_py())
        raise DecisionUnknown(
            f"decision {decision_id}: not in the log, or erased; check the id, or give its seq"
        )

    def batch_of(self, seq: int) -> int:
        """The batch that holds a seq. Raises DecisionUnknown."""
        for header in self._headers:
            if 0 <= seq < header.size:
                return header.number
        raise DecisionUnknown(f"seq {seq}: the log has no such row")

    def inclusion(self, seq: int, *, context: bool) -> InclusionProof:
        """The proof of a row, as far opened as it still is; of its context only on demand.

        Raises LogDamaged when the rows don't give the signed root.
        """
        number, head = self.batch_of(seq), self._headers[-1]
        rows = self._rows(number, seq, 1)
        opening = openings.find(self._at.openings, number, seq)
        if opening and not context:
            # In format 1 the row says itself whom it is about, and the digest tells no more.
            opening = opening.without_context() if opening.references else None
        form = segments.form_of(rows)
        row = rows.to_pylist()[0]
        values = tuple(row[name] for name in COLUMNS_OF[form])
        note = self._at.checkpoint_text(head.number)
        path = self._sound(head).inclusion_path(seq)
        return InclusionProof(form, values, opening, path, note)

    def consistency(self, old: BatchHeader, new: BatchHeader) -> ConsistencyProof:
        """The proof that the log after one batch is a prefix of the log after a later one."""
        path = self._sound(new).consistency_path(old.size)
        notes = [self._at.checkpoint_text(header.number) for header in (old, new)]
        return ConsistencyProof(notes[0], notes[1], path)

    def _sound(self, head: BatchHeader) -> Tree:
        """A tree that gives the signed root: over the cache, or else over the rows alone."""
        tree = Tree(head.size, self._node)
        if subtrees.is_whole(self._at, head.size) and tree.root() == head.root:
            return tree
        nodes = rehashed(self._at, self._headers)
        tree = Tree(
            head.size, lambda level, index: _among(nodes, level, index) or self._node(level, index)
        )
        if tree.root() != head.root:
            raise LogDamaged("the rows don't give the signed root; run verify to see where")
        return tree

    def _node(self, level: int, index: int) -> bytes:
        if level >= _BLOCK_LEVEL:
            return subtrees.node(self._at, level, index)
        block, count = index >> (_BLOCK_LEVEL - level), 1 << level
        start = (index * count - (block << _BLOCK_LEVEL)) * HASH_BYTES
        return folded(self._block(block)[start : start + count * HASH_BYTES])

    def _block(self, block: int) -> bytes:
        """Leaf hashes of one run of 256 rows, or of as many as there are."""
        if block not in self._blocks:
            start, hashes = block << _BLOCK_LEVEL, []
            end = min(start + (1 << _BLOCK_LEVEL), self._headers[-1].size)
            while start < end:
                number = self.batch_of(start)
                count = min(end, self._headers[number - 1].size) - start
                rows = self._rows(number, start, count)
                hashes.append(canonical.leaf_hashes(rows, segments.form_of(rows)))
                start += count
            self._blocks[block] = b"".join(hashes)
        return self._blocks[block]

    def _rows(self, number: int, seq: int, count: int) -> pa.Table:
        first = self._headers[number - 2].size if number > 1 else 0
        return segments.read_rows(self._at.segment(number), seq - first, count)


def rehashed(at: Layout, headers: list[BatchHeader]) -> dict[int, bytes]:
    """What the cache should hold, by height, hashed from all the rows."""
    whole = dict.fromkeys(subtrees.HEIGHTS, b"")
    frontier = Frontier()
    for header in headers:
        rows = segments.read(at.segment(header.number))
        completed = dict.fromkeys(subtrees.HEIGHTS, b"")
        frontier = frontier.extended(canonical.leaf_hashes(rows, segments.form_of(rows)), completed)
        for height, hashes in completed.items():
            whole[height] += hashes
    return whole


def _among(nodes: dict[int, bytes], level: int, index: int) -> bytes:
    if level < _BLOCK_LEVEL:
        return b""
    height = max(one for one in nodes if one <= level)
    count = (1 << (level - height)) * HASH_BYTES
    return folded(nodes[height][index * count : (index + 1) * count])


def repair(at: Layout, headers: list[BatchHeader]) -> None:
    """Write the cache anew. Call with the log's lock held."""
    for height in subtrees.HEIGHTS:
        path = subtrees.path_of(at, height)
        path.unlink(missing_ok=True)
    subtrees.extend(at, 0, rehashed(at, headers))
