"""Groups that a chain of links made are taken apart where most of their members are not linked.

Leiden (Traag, Waltman and Van Eck, 2019) under the constant Potts model: a group stays together
while the weights of its links exceed `resolution` times the number of its pairs. Each connected
component is solved by itself, in the order of its nodes and with a seed drawn from its least node,
so its groups depend on nothing outside it and not on the order of the links.
"""

import hashlib
import random

import numpy as np
from numpy.typing import NDArray

ITERATIONS = 10


def communities(
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    weight: NDArray[np.float64],
    *,
    nodes: int,
    resolution: float,
    seed: int,
) -> NDArray[np.int64]:
    """The least node of each node's group; nodes are numbered from 0 in the order of their names.

    Two nodes with one link are a group without more ado.
    """
    import igraph

    low, high = np.minimum(left, right), np.maximum(left, right)
    graph = igraph.Graph(n=nodes, edges=np.column_stack([low, high]))
    component = np.array(graph.connected_components().membership, dtype=np.int64)
    order = np.lexsort((high, low, component[low]))
    low, high, weight = low[order], high[order], weight[order]
    group = np.arange(nodes)
    starts = np.flatnonzero(np.diff(component[low], prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(low)], strict=True):
        members = np.unique(np.concatenate([low[start:end], high[start:end]]))
        if len(members) == 2:
            group[members] = members[0]
            continue
        ends = np.searchsorted(members, np.column_stack([low[start:end], high[start:end]]))
        group[members] = members[_least(_solve(ends, weight[start:end], resolution, seed))]
    return group


def _solve(
    ends: NDArray[np.int64], weight: NDArray[np.float64], resolution: float, seed: int
) -> NDArray[np.int64]:
    import igraph

    # The seed is of the component's shape, not of its numbers: a record elsewhere renumbers them.
    shape = hashlib.sha256(ends.tobytes() + weight.tobytes() + seed.to_bytes(8, "big")).digest()
    igraph.set_random_number_generator(random.Random(shape))  # noqa: S311
    made = igraph.Graph(n=int(ends.max()) + 1, edges=ends)
    found = made.community_leiden(
        "CPM", weights=weight.tolist(), resolution=resolution, n_iterations=ITERATIONS
    )
    return np.array(found.membership, dtype=np.int64)


def _least(membership: NDArray[np.int64]) -> NDArray[np.int64]:
    """The least position of each position's group."""
    _, first, inverse = np.unique(membership, return_index=True, return_inverse=True)
    return first[inverse]
