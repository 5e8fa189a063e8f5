"""What it costs to say who is who: the identity models against the least that any way would do.

    python -m tests.benchmarks.identity_cost [RECORDS]

A made-up insurer's records, as five systems know its people, are matched by the models of
dbt_project/models/identity, run by dbt as in production. The lower bound, in the same run and
under the same settings, reads the same columns, hashes and writes the same keys, groups by them
and writes one row per record. `the partition` is the models up to id_records; the rest are
survivorship, identifiers, history and the review list. Components are solved from the same links
by the models' contraction rounds, by Splink's clustering and by numpy (hooking to the least
neighbour, with pointer jumping). CPU seconds; memory is the peak of a process of its own.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from tests.benchmarks._identity_world import write_staging
from tests.dbt.builder import PROJECT_DIR, Warehouse

RECORDS = 1_000_000
GOAL_RATIO, GOAL_MEMORY = 2.0, 1_200
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 2,
    "memory_limit": "3GB",
    "preserve_insertion_order": False,
    "checkpoint_threshold": "1GB",
}


def parsed_project(directory: Path) -> Any:
    """dbt's manifest; parsing is not part of any figure."""
    from dbt.cli.main import dbtRunner

    os.environ["ASSENT_WAREHOUSE"] = str(directory / "warehouse.duckdb")
    places = [
        *("--project-dir", str(PROJECT_DIR), "--profiles-dir", str(PROJECT_DIR)),
        *("--target-path", str(directory / "target"), "--log-path", str(directory / "logs")),
    ]
    before = Path.cwd()
    outcome = dbtRunner().invoke(["parse", *places, "--quiet", "--log-level-file", "none"])
    os.chdir(before)
    return outcome.result


def opened(path: Path) -> duckdb.DuckDBPyConnection:
    settings = {**SETTINGS, "temp_directory": str(path.parent / "spill")}
    connection = duckdb.connect(str(path), config=settings)
    connection.execute("set timezone = 'UTC'")
    return connection


def seconds(work: Callable[[], Any]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def make_world(directory: Path, records: int) -> dict[str, float]:
    """The staging tables, in a warehouse that has nothing else."""
    Warehouse(directory, None).create()
    with opened(directory / "warehouse.duckdb") as connection:
        return {"records": write_staging(connection, records)}


def build(directory: Path, records: int) -> dict[str, float]:
    """Every identity model, by dbt, and the share of the partition in it."""
    warehouse = Warehouse(directory, parsed_project(directory))
    partition: list[float] = []

    def run(selection: str, taken: list[float]) -> None:
        def dbt() -> None:
            results = warehouse.run_dbt(["run", "--select", *selection.split()])
            failed = [
                f"{one.node.name}: {one.message}" for one in results if one.status != "success"
            ]
            assert not failed, failed

        taken.append(seconds(dbt))

    rest: list[float] = []
    run("assent.identity,+id_records", partition)
    memory = peak_memory()
    run("assent.identity id_changes --exclude +id_records", rest)
    return {"partition": sum(partition), "rest": sum(rest), "memory": memory}


def lower_bound(directory: Path, records: int) -> dict[str, float]:
    """Read, hash and write keys, group, write membership: with the models' own key expressions."""
    compiled = directory / "target" / "compiled" / "assent" / "models" / "identity"
    keys = (compiled / "id_keys.sql").read_text()
    attributes = (compiled / "id_record_attributes.sql").read_text()
    read = keys.replace('"warehouse"."identity"."id_record_attributes"', "described_records")
    statements = [
        f"create temp view described_records as {attributes}",
        f"create table main.bound_key as {read}",
        "create temp table bound_group as select key_hash, count(*) as record_count, "
        "min(record_key) as anchor_key from main.bound_key group by key_hash having count(*) > 1",
        "create table main.bound_member as select record_key, 'p_' || left(sha256(record_key), 16) "
        "as person_id, 'A' as assurance from described_records",
    ]
    with opened(directory / "warehouse.duckdb") as connection:
        taken = seconds(lambda: [connection.execute(one) for one in statements])
        connection.execute("drop table main.bound_key")
        connection.execute("drop table main.bound_member")
    return {"bound": taken, "memory": peak_memory()}


def components_models(directory: Path, records: int) -> dict[str, float]:
    warehouse = Warehouse(directory, parsed_project(directory))
    warehouse.run_dbt(["run", "--select", "id_rules"])  # dbt's own first steps are not its cost
    taken = seconds(lambda: warehouse.run_dbt(["run", "--select", "id_components"]))
    return {"models": taken, "memory": peak_memory()}


def components_splink(directory: Path, records: int) -> dict[str, float]:
    from splink import DuckDBAPI
    from splink.clustering import cluster_pairwise_predictions_at_threshold

    with opened(directory / "warehouse.duckdb") as connection:
        api = DuckDBAPI(connection=connection)

        def solve() -> None:
            connection.execute(
                "create or replace temp table splink_edge as select record_key as l, "
                "anchor_key as r, 1.0::double as match_probability from identity.id_candidate_links"
            )
            connection.execute(
                "create or replace temp table splink_node as select record_key as node "
                "from identity.id_record_attributes"
            )
            clustered = cluster_pairwise_predictions_at_threshold(
                api.register("splink_node"),
                api.register("splink_edge"),
                api,
                node_id_column_name="node",
                edge_id_column_name_left="l",
                edge_id_column_name_right="r",
            )
            connection.execute(
                f"create table main.solved as select * from {clustered.physical_name}"
            )

        taken = seconds(solve)
        (found,) = connection.execute(
            "select count(distinct cluster_id) from main.solved"
        ).fetchall()
        connection.execute("drop table main.solved")
        return {"splink": taken, "memory": peak_memory(), "persons": found[0]}


def components_numpy(directory: Path, records: int) -> dict[str, float]:
    with opened(directory / "warehouse.duckdb") as connection:

        def solve() -> None:
            connection.execute(
                "create temp table numbered as select record_key, "
                "row_number() over (order by record_key) - 1 as n "
                "from identity.id_record_attributes"
            )
            connection.execute(
                "create temp table edge as select x.n as a, y.n as b "
                "from identity.id_candidate_links as links "
                "inner join numbered as x using (record_key) "
                "inner join numbered as y on links.anchor_key = y.record_key"
            )
            edges = connection.execute("select a, b from edge").fetchnumpy()
            ((nodes,),) = connection.execute("select count(*) from numbered").fetchall()
            labels = least_labels(edges["a"], edges["b"], nodes)
            connection.register("labels", {"component": labels, "n": np.arange(nodes)})
            connection.execute(
                "create table main.solved as select numbered.record_key, least.record_key as "
                "component from numbered inner join labels using (n) "
                "inner join numbered as least on labels.component = least.n"
            )

        taken = seconds(solve)
        (found,) = connection.execute(
            "select count(distinct component) from main.solved"
        ).fetchall()
        connection.execute("drop table main.solved")
        return {"numpy": taken, "memory": peak_memory(), "persons": found[0]}


def least_labels(a: Any, b: Any, nodes: int) -> Any:
    """The least node of each node's component, by hooking and pointer jumping."""
    labels = np.arange(nodes)
    while True:
        ours, theirs = labels[a], labels[b]
        apart = ours != theirs
        if not apart.any():
            return labels
        a, b, ours, theirs = a[apart], b[apart], ours[apart], theirs[apart]
        np.minimum.at(labels, np.maximum(ours, theirs), np.minimum(ours, theirs))
        while (labels[labels] != labels).any():
            labels = labels[labels]


def peak_memory() -> float:
    """Megabytes that this process held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


STEPS: dict[str, Callable[[Path, int], dict[str, float]]] = {
    one.__name__: one
    for one in (
        make_world,
        build,
        lower_bound,
        components_models,
        components_splink,
        components_numpy,
    )
}


def in_a_process(step: str, directory: Path, records: int) -> dict[str, float]:
    """Run one step in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, "-m", "tests.benchmarks.identity_cost", step, str(directory)]
    done = subprocess.run(
        [*command, str(records)], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    figures: dict[str, float] = json.loads(done.splitlines()[-1])
    return figures


def main() -> None:
    if len(sys.argv) == 4:
        step, directory, size = sys.argv[1:]
        print(json.dumps(STEPS[step](Path(directory), int(size))))
        return
    records = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    with tempfile.TemporaryDirectory() as temporary:
        found = {step: in_a_process(step, Path(temporary), records) for step in STEPS}
    count = found["make_world"]["records"]
    built, bound = found["build"], found["lower_bound"]["bound"]
    print(f"{count:,.0f} records that name a person; CPU seconds, peak MB")
    print(f"lower bound    {bound:7.1f}  {found['lower_bound']['memory']:7,.0f}")
    print(
        f"the partition  {built['partition']:7.1f}  {built['memory']:7,.0f}   "
        f"ratio {built['partition'] / bound:.2f} (goal {GOAL_RATIO}), memory goal {GOAL_MEMORY:,}; "
        f"{built['partition'] / count * 1e6:.1f} s per 1M records"
    )
    print(f"the rest       {built['rest']:7.1f}")
    ours = found["components_models"]["models"]
    print(f"components, the models'   {ours:6.1f}  {found['components_models']['memory']:7,.0f}")
    for name in ("splink", "numpy"):
        other = found[f"components_{name}"]
        print(
            f"components, {name:12s}  {other[name]:6.1f}  {other['memory']:7,.0f}   "
            f"ours / theirs {ours / other[name]:.2f}"
        )


if __name__ == "__main__":
    main()
