"""How right the persons are: identity against the truth, a perfect judge, and public sets.

    python -m tests.benchmarks.identity_accuracy [--people N] [--data DIR]

The demo world knows who is who. DIR (by default the folder `shared` beside the repository) may hold
a landing zone `landing/sample` with its truth `landing/truth/identity.csv`, and in `data/identity`
febrl1 to 3 and historical_figures_with_errors_50k; what is not there is said and left out. Each
world is loaded, matched and scored pairwise and by B-cubed over identity.id_records.

The ceiling is what a judge who knows the truth reaches when asked about the pairs that share a
usable key or meet in the blocking: no rule and no score can do better without another key.
A merge through a blocked value is a person of the warehouse in whom two true persons carry the
agent's phone or the broker's mailbox.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from activation.decisions.literals import text
from orchestration import consent_ledger, environment, reference
from orchestration.customer_build import build_customer
from orchestration.demo.landing_zone import write_world
from orchestration.environment import DBT_PROJECT_DIR, Home
from orchestration.landing import load
from orchestration.matching.settings import load_settings
from orchestration.warehouse import open_warehouse
from tests.benchmarks._partitions import Agreement, agreement
from tests.benchmarks._reference_scores import measure_reference_sets

PEOPLE, SEED = 100_000, 1
DEMO_AS_OF = datetime.fromisoformat("2026-11-20T09:00:00+00:00")
SAMPLE_AS_OF = datetime.fromisoformat("2026-11-20T06:00:00+00:00")
BLOCKED = ("+442079460000", "noreply@broker.example")

PRECISION, OF_CEILING, OVERMERGED = 0.995, 0.98, 0.004

_TRUTH = """
create temp table truth as
select records.record_key, records.person_id as cluster, rules.component, named.person
from identity.id_records as records
inner join identity.id_rule_clusters as rules using (record_key)
inner join read_csv({path}, all_varchar = true) as named using (system, entity, record_id)
"""
# Of each key, the records of one true person hang on to the least of them.
_JUDGED = """
create temp table judged as
with usable as (
    select keys.record_key, keys.rule || keys.key_hash::varchar as shared
    from identity.id_keys as keys
    left join identity.id_key_status as status using (rule, key_hash)
    where status.status is distinct from 'blocked'
    {blocked}
),
placed as (
    select usable.*, truth.person from usable inner join truth using (record_key)
    where shared is not null
)
select record_key as node, min(record_key) over (partition by shared, person) as other from placed
"""
_THROUGH_BLOCKED = """
select count(*) from (
    select truth.cluster
    from truth inner join identity.id_record_attributes as attributes using (record_key)
    where attributes.phone_e164 = $1 or attributes.email = $1
    group by truth.cluster having count(distinct truth.person) > 1
)
"""


@dataclass(frozen=True)
class World:
    """A landing zone, the moment of its export, and who is who in it."""

    name: str
    landing: Path
    truth: Path
    as_of: datetime


def identify(home: Home, as_of: datetime) -> None:
    """Load the landing zone of an empty home and match its records."""
    home.path.mkdir(parents=True)
    with open_warehouse(home.warehouse) as connection:
        load(connection, home.landing, DBT_PROJECT_DIR / "models" / "staging", as_of)
        reference.refresh_phone_numbers(connection)
        consent_ledger.republish(connection, home, as_of)
    results = build_customer(home, as_of=as_of, data_tests=False, select=["assent.identity"])
    failed = [one.unique_id for one in results if one.status not in ("success", "no-op")]
    if failed:
        raise RuntimeError(f"not built: {', '.join(failed)}")


@contextmanager
def scored(world: World, directory: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The matched warehouse with the table `truth`: record_key, cluster, person."""
    home = environment.home(directory / "home", world.landing, {})
    begun = time.process_time()
    identify(home, world.as_of)
    print(f"  loaded and matched in {time.process_time() - begun:.0f} CPU s")
    with open_warehouse(home.warehouse) as connection:
        connection.execute(f"set memory_limit = '4GB'; set temp_directory = {text(str(directory))}")
        connection.execute(_TRUTH.format(path=text(str(world.truth))))
        yield connection


def ceiling(connection: duckdb.DuckDBPyConnection) -> Agreement:
    """What a perfect judge of the same candidates would reach."""
    connection.execute(_JUDGED.format(blocked=_blocked()))
    connect(connection, "judged", "judged_label")
    relation = (
        "select coalesce(label.root, truth.record_key) as cluster, truth.person "
        "from truth left join judged_label as label on truth.record_key = label.node"
    )
    return agreement(connection, relation)


def _blocked() -> str:
    """SQL: the keys by which the probabilistic layer finds its pairs."""
    return " ".join(
        f"union all select record_key, '{number}' || chr(31) || {' || chr(31) || '.join(rule)} "
        "from identity.id_comparables"
        for number, rule in enumerate(load_settings().blocking)
    )


def connect(connection: duckdb.DuckDBPyConnection, edges: str, labels: str) -> None:
    """Write the table `labels` (node, root) of the components of `edges` (node, other)."""
    import igraph
    import numpy as np
    import pyarrow as pa

    rows = connection.execute(f"select node, other from {edges}").to_arrow_table()
    nodes, ends = np.unique(
        np.concatenate([rows["node"].to_numpy(), rows["other"].to_numpy()]), return_inverse=True
    )
    graph = igraph.Graph(n=len(nodes), edges=ends.reshape(2, -1).T)
    roots = np.array(graph.connected_components().membership)
    found = pa.table({"node": pa.array(nodes.tolist()), "root": pa.array(roots).cast(pa.string())})
    connection.register("found", found)
    connection.execute(f"create temp table {labels} as select * from found")
    connection.unregister("found")


def measure(world: World, directory: Path) -> bool:
    """Print one world's figures; returns whether every goal is met."""
    print(f"{world.name}:")
    with scored(world, directory) as connection:
        (records,) = connection.execute("select count(*) from identity.id_records").fetchone() or ()
        alone = agreement(connection, "select component as cluster, person from truth")
        reached = agreement(connection, "select cluster, person from truth")
        best = ceiling(connection)
        merges = {
            value: (connection.execute(_THROUGH_BLOCKED, [value]).fetchone() or (0,))[0]
            for value in BLOCKED
        }
    if reached.records != records:
        raise RuntimeError(f"{records - reached.records} records are not in the truth")
    print(f"  perfect judge      {best.line()}")
    print(f"  rules alone        {alone.line()}")
    print(f"  rules and scores   {reached.line()}")
    share = reached.f1 / best.f1
    print(
        f"  goals: precision {reached.precision:.4f} (>= {PRECISION}), "
        f"F1 {share:.2%} of the ceiling (>= {OF_CEILING:.0%}), "
        f"over-merged {reached.overmerged:.2%} (<= {OVERMERGED:.1%}), "
        f"merges through a blocked value {sum(merges.values())} (0)"
    )
    return (
        reached.precision >= PRECISION
        and share >= OF_CEILING
        and reached.overmerged <= OVERMERGED
        and not any(merges.values())
    )


def worlds(people: int, data: Path, directory: Path) -> Iterator[World]:
    """The demo world, written anew, and the sample export where it lies."""
    landing, truth = directory / "demo", directory / "demo-truth.csv"
    write_world(landing, people=people, seed=SEED, as_of=DEMO_AS_OF, days=0, truth=truth)
    yield World(f"demo world of {people:,} people", landing, truth, DEMO_AS_OF)
    sample, known = data / "landing" / "sample", data / "landing" / "truth" / "identity.csv"
    if sample.is_dir() and known.is_file():
        yield World("sample export", sample, known, SAMPLE_AS_OF)
    else:
        print(f"sample export: left out, {sample} or {known} is not there")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--data", type=Path, default=environment.PROJECT_ROOT.parent / "shared")
    chosen = parser.parse_args()
    met = []
    with tempfile.TemporaryDirectory() as directory:
        for number, world in enumerate(worlds(chosen.people, chosen.data, Path(directory))):
            scratch = Path(directory) / str(number)
            scratch.mkdir()
            met.append(measure(world, scratch))
    met += measure_reference_sets(chosen.data / "data" / "identity")
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
