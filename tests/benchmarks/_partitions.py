"""How well a partition of records into persons agrees with the truth.

Both measures are exact and computed from the counts of records by (cluster, person), never by
enumerating pairs. Pairwise: precision and recall over all pairs of records. B-cubed (Bagga and
Baldwin, 1998): the mean over records of how much of a record's cluster is its person, and of how
much of its person is in its cluster; it weighs each record alike, pairs weigh large persons more.
"""

from dataclasses import dataclass

import duckdb


@dataclass(frozen=True)
class Agreement:
    """Shares from 0 to 1; `overmerged` is the share of clusters that hold two persons or more."""

    records: int
    clusters: int
    persons: int
    precision: float
    recall: float
    f1: float
    bcubed_f1: float
    overmerged: float
    overmerged_clusters: int
    largest: int

    def line(self) -> str:
        return (
            f"precision {self.precision:.4f}  recall {self.recall:.4f}  F1 {self.f1:.4f}  "
            f"B-cubed {self.bcubed_f1:.4f}  over-merged {self.overmerged:.2%} "
            f"({self.overmerged_clusters:,})  {self.clusters:,} clusters of {self.persons:,} "
            f"persons, largest {self.largest}"
        )


_COUNTS = """
with cells as (
    select cluster, person, count(*)::double as n from ({relation}) group by cluster, person
),
clusters as (
    select cluster, sum(n) as n, count(*) as person_count from cells group by cluster
),
persons as (select person, sum(n) as n from cells group by person),
sides as (
    select cells.n, clusters.n as cluster_n, persons.n as person_n
    from cells inner join clusters using (cluster) inner join persons using (person)
)
select
    (select sum(n) from clusters), (select count(*) from clusters), (select count(*) from persons),
    (select sum(n * (n - 1)) from cells),
    (select sum(n * (n - 1)) from clusters), (select sum(n * (n - 1)) from persons),
    (select sum(n * n / cluster_n) from sides), (select sum(n * n / person_n) from sides),
    (select count(*) from clusters where person_count > 1), (select max(n) from clusters)
"""


def agreement(connection: duckdb.DuckDBPyConnection, relation: str) -> Agreement:
    """Score a query with the columns cluster and person, one row per record.

    Raises ValueError on no rows: nothing compared must not look like a score.
    """
    row = connection.execute(_COUNTS.format(relation=relation)).fetchone()
    if row is None or not row[0]:
        raise ValueError("no records to compare with the truth")
    records, clusters, persons, both, predicted, true, bcubed_p, bcubed_r, overmerged, largest = row
    precision = both / predicted if predicted else 1.0
    recall = both / true if true else 1.0
    return Agreement(
        records=int(records),
        clusters=clusters,
        persons=persons,
        precision=precision,
        recall=recall,
        f1=_harmonic(precision, recall),
        bcubed_f1=_harmonic(bcubed_p / records, bcubed_r / records),
        overmerged=overmerged / clusters,
        overmerged_clusters=overmerged,
        largest=int(largest),
    )


def _harmonic(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0
