"""Groups of linked clusters: chains fall apart, cliques stay, and nothing else matters."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.matching.communities import communities

Edge = tuple[int, int]
RESOLUTION = 0.5


def solve(edges: list[Edge], nodes: int, weight: float = 0.99) -> list[int]:
    left, right = (np.array(side, dtype=np.int64) for side in zip(*edges, strict=True))
    groups = communities(
        left, right, np.full(len(edges), weight), nodes=nodes, resolution=RESOLUTION, seed=1
    )
    return [int(group) for group in groups]


def clique(members: range) -> list[Edge]:
    return [(a, b) for a in members for b in members if a < b]


def test_two_linked_clusters_are_one_group() -> None:
    assert solve([(0, 1)], nodes=3) == [0, 0, 2]


def test_a_clique_stays_one_group() -> None:
    assert solve(clique(range(12)), nodes=12) == [0] * 12


def test_a_clique_with_a_link_missing_stays_one_group() -> None:
    assert solve(clique(range(6))[1:], nodes=6) == [0] * 6


def test_a_chain_of_1000_joins_nobody_beyond_the_next() -> None:
    groups = solve([(i, i + 1) for i in range(999)], nodes=1000)
    members = {group: [i for i in range(1000) if groups[i] == group] for group in set(groups)}
    assert max(map(len, members.values())) == 2
    assert all(group[-1] - group[0] == len(group) - 1 for group in members.values())


def test_a_hub_of_8000_draws_at_most_one_to_itself() -> None:
    groups = solve([(0, i) for i in range(1, 8001)], nodes=8001)
    assert sum(group == groups[0] for group in groups) <= 2


def test_two_cliques_that_one_link_bridges_stay_two() -> None:
    groups = solve([*clique(range(5)), *clique(range(5, 10)), (4, 5)], nodes=10)
    assert groups == [0] * 5 + [5] * 5


edges_of_ten = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda edge: edge[0] != edge[1]),
    min_size=1,
    max_size=14,
    unique_by=lambda edge: tuple(sorted(edge)),
)


@settings(max_examples=60, deadline=None)
@given(edges_of_ten, st.integers(0, 1000))
def test_the_order_and_direction_of_links_do_not_matter(edges: list[Edge], seed: int) -> None:
    generator = random.Random(seed)
    turned = [edge if generator.random() < 0.5 else edge[::-1] for edge in edges]
    generator.shuffle(turned)
    assert solve(turned, nodes=10) == solve(edges, nodes=10)


@settings(max_examples=60, deadline=None)
@given(edges_of_ten, st.integers(0, 10), st.integers(1, 3))
def test_what_is_added_elsewhere_changes_no_group(edges: list[Edge], at: int, count: int) -> None:
    # nodes that sort before, between and after, linked among themselves alone
    def moved(node: int) -> int:
        return node + count if node >= at else node

    before = solve(edges, nodes=10)
    added = [(at + i, at + i + 1) for i in range(count - 1)]
    after = solve([(moved(a), moved(b)) for a, b in edges] + added, nodes=10 + count)
    assert [after[moved(node)] for node in range(10)] == [moved(group) for group in before]


@pytest.mark.parametrize("weight", [0.3, 0.99])
def test_a_weak_triangle_falls_apart_and_a_sure_one_stays(weight: float) -> None:
    groups = solve(clique(range(3)), nodes=3, weight=weight)
    assert len(set(groups)) == (1 if weight > RESOLUTION else 3)
