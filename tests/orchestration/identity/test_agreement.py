"""The scores of identity against enumerating every pair, on partitions small enough to do so."""

from itertools import combinations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks._partitions import Agreement, agreement

Records = list[tuple[int, int]]  # cluster and person of each record


def scored(records: Records) -> Agreement:
    rows = ", ".join(f"({cluster}, {person})" for cluster, person in records)
    with duckdb.connect() as connection:
        return agreement(connection, f"select * from (values {rows}) as t(cluster, person)")


def share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0


def harmonic(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=9))
def test_scores_are_those_of_enumerated_pairs(records: Records) -> None:
    pairs = list(combinations(records, 2))
    joined = sum(a[0] == b[0] for a, b in pairs)
    same = sum(a[1] == b[1] for a, b in pairs)
    both = sum(a == b for a, b in pairs)
    found = scored(records)
    assert found.precision == pytest.approx(share(both, joined))
    assert found.recall == pytest.approx(share(both, same))
    assert found.f1 == pytest.approx(harmonic(share(both, joined), share(both, same)))

    def mean(side: int) -> float:
        return sum(
            sum(other == one for other in records)
            / sum(other[side] == one[side] for other in records)
            for one in records
        ) / len(records)

    assert found.bcubed_f1 == pytest.approx(harmonic(mean(0), mean(1)))
    clusters = {cluster for cluster, _ in records}
    mixed = {c for c in clusters if len({p for k, p in records if k == c}) > 1}
    assert found.overmerged == pytest.approx(len(mixed) / len(clusters))


def test_nothing_compared_is_no_score() -> None:
    with duckdb.connect() as connection, pytest.raises(ValueError, match="no records"):
        agreement(connection, "select 1 as cluster, 1 as person where false")
