"""The tree against RFC 9162 written out naively, and against published vectors."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.log.merkle import (
    EMPTY_ROOT,
    Frontier,
    Tree,
    folded,
    is_consistent,
    leaf_hash,
    root_from_inclusion,
)

# Inputs and roots of the Certificate Transparency reference implementation.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_root(entries: list[bytes]) -> bytes:
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    split = split_point(len(entries))
    return sha256(b"\x01" + naive_root(entries[:split]) + naive_root(entries[split:])).digest()


def split_point(size: int) -> int:
    split = 1
    while split * 2 < size:
        split *= 2
    return split


def naive_path(index: int, entries: list[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    split = split_point(len(entries))
    if index < split:
        return [*naive_path(index, entries[:split]), naive_root(entries[split:])]
    return [*naive_path(index - split, entries[split:]), naive_root(entries[:split])]


def naive_consistency(old: int, entries: list[bytes], whole: bool = True) -> list[bytes]:
    if old == len(entries):
        return [] if whole else [naive_root(entries)]
    split = split_point(len(entries))
    if old <= split:
        return [*naive_consistency(old, entries[:split], whole), naive_root(entries[split:])]
    return [
        *naive_consistency(old - split, entries[split:], False),
        naive_root(entries[:split]),
    ]


def tree_of(leaves: bytes) -> Tree:
    """A tree over leaf hashes at hand."""

    def node(level: int, index: int) -> bytes:
        count = 32 << level
        return folded(leaves[index * count : (index + 1) * count])

    return Tree(len(leaves) // 32, node)


def entries_of(size: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(size)]


def leaves_of(entries: list[bytes]) -> bytes:
    return b"".join(leaf_hash(entry) for entry in entries)


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    leaves = leaves_of(ENTRIES[:size])
    assert tree_of(leaves).root().hex() == ROOTS[size - 1]
    assert Frontier().extended(leaves).root().hex() == ROOTS[size - 1]


def test_the_empty_tree_has_the_hash_of_nothing_as_its_root() -> None:
    assert Frontier().root() == tree_of(b"").root() == naive_root([]) == EMPTY_ROOT


@given(st.lists(st.integers(0, 40), max_size=8))
def test_appending_in_batches_gives_the_root_of_appending_at_once(sizes: list[int]) -> None:
    entries = entries_of(sum(sizes))
    frontier, at = Frontier(), 0
    for size in sizes:
        frontier = frontier.extended(leaves_of(entries[at : at + size]))
        at += size
    assert frontier == Frontier().extended(leaves_of(entries))
    assert frontier.root() == naive_root(entries)
    assert len(frontier.nodes) == len(entries).bit_count()


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 21, 33])
def test_every_inclusion_path_is_the_naive_one_and_gives_the_root(size: int) -> None:
    entries = entries_of(size)
    tree = tree_of(leaves_of(entries))
    for index, entry in enumerate(entries):
        path = tree.inclusion_path(index)
        assert list(path) == naive_path(index, entries)
        assert root_from_inclusion(leaf_hash(entry), index, size, path) == tree.root()


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 21, 33])
def test_every_consistency_path_is_the_naive_one_and_holds(size: int) -> None:
    entries = entries_of(size)
    tree = tree_of(leaves_of(entries))
    for old in range(1, size + 1):
        path = tree.consistency_path(old)
        assert list(path) == naive_consistency(old, entries)
        assert is_consistent(old, naive_root(entries[:old]), size, tree.root(), path)


@given(st.integers(1, 40), st.data())
def test_a_path_for_another_place_or_another_entry_does_not_give_the_root(
    size: int, data: st.DataObject
) -> None:
    entries = entries_of(size)
    tree = tree_of(leaves_of(entries))
    index = data.draw(st.integers(0, size - 1))
    path = tree.inclusion_path(index)
    assert root_from_inclusion(leaf_hash(b"forged"), index, size, path) != tree.root()
    assert root_from_inclusion(leaf_hash(entries[index]), index, size, (*path, b"x" * 32)) is None
    if path:
        assert root_from_inclusion(leaf_hash(entries[index]), index, size, path[:-1]) is None
    other = data.draw(st.integers(0, size - 1).filter(lambda number: number != index or size == 1))
    if other != index:
        found = root_from_inclusion(leaf_hash(entries[index]), other, size, path)
        assert found != tree.root()
    assert root_from_inclusion(leaf_hash(entries[index]), size, size, path) is None


@given(st.integers(1, 40), st.data())
def test_no_consistency_path_joins_a_tree_to_a_history_with_another_entry(
    size: int, data: st.DataObject
) -> None:
    old = data.draw(st.integers(1, size))
    forged_at = data.draw(st.integers(0, old - 1))
    entries = entries_of(size)
    tree = tree_of(leaves_of(entries))
    forged = [*entries[:forged_at], b"forged", *entries[forged_at + 1 :]]
    old_root, path = naive_root(forged[:old]), tree.consistency_path(old)
    assert not is_consistent(old, old_root, size, tree.root(), path)
    forged_path = tree_of(leaves_of(forged)).consistency_path(old)
    assert not is_consistent(old, old_root, size, tree.root(), forged_path)


def test_a_newer_tree_is_no_prefix_of_an_older_one() -> None:
    assert not is_consistent(2, b"a" * 32, 1, b"b" * 32, ())
    assert not is_consistent(-1, b"a" * 32, 1, b"b" * 32, ())
    assert is_consistent(0, EMPTY_ROOT, 5, b"b" * 32, ())
    with pytest.raises(IndexError):
        tree_of(leaves_of(entries_of(3))).consistency_path(4)
    with pytest.raises(IndexError):
        tree_of(leaves_of(entries_of(3))).inclusion_path(3)


def test_a_frontier_with_the_wrong_number_of_nodes_is_refused() -> None:
    with pytest.raises(ValueError, match="2 nodes"):
        Frontier(3, (b"x" * 32,))
