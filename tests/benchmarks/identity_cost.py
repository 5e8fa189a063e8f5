"""What it costs to say who is who: the identity models against the least that any way would do.

    python -m tests.benchmarks.identity_cost [RECORDS]

A made-up insurer's records, as five systems know its people, are matched by the models of
dbt_project/models/identity, run by dbt as in production. The lower bound, in the same run and
under the same settings, reads the same columns, hashes and writes the same keys, groups by them
and writes one row per record. `the partition` is the models up to id_records; the rest are
survivorship, identifiers, history and the review list. Components are solved from the same links
by the models' contraction rounds, by Splink's clustering and by numpy (hooking to the least
neighbour, with pointer jumping). CPU seconds; memory is the peak of a process of its own.

Then records go and change, 0.2 % and 3 % of them, and identity is brought up to date for what that
reaches. The tables of the last increment are compared with those of a full build of the same state.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from orchestration.increment.components import least_labels
from tests.benchmarks import _identity_increments
from tests.benchmarks._identity_world import write_staging
from tests.dbt.builder import AS_OF, PROJECT_DIR, Warehouse

RECORDS = 1_000_000
GOAL_RATIO, GOAL_MEMORY = 2.0, 1_200
# Share of the records that changes: the share of the full build's cost that it may take.
GOAL_INCREMENTS = {0.002: 0.05, 0.03: 0.20}
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 2,
    "memory_limit": "3GB",
    "preserve_insertion_order": False,
    "checkpoint_threshold": "1GB",
    "max_vacuum_tasks": 0,
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


def increments(directory: Path, records: int) -> dict[str, float]:
    """Identity after a part of the records changed."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    from orchestration import dbt_runner, environment

    path = directory / "warehouse.duckdb"

    def dbt(selection: str, as_of: datetime) -> float:
        begun = time.process_time()
        results = warehouse.run_dbt(["run", "--select", selection], as_of=as_of)
        DuckDBConnectionManager.close_all_connections()  # that writes, too
        assert all(one.status == "success" for one in results)
        return time.process_time() - begun

    compiled = dbt_runner.compile_project(environment.home(directory / "home"), PROJECT_DIR)
    warehouse = Warehouse(directory, parsed_project(directory))
    with opened(path) as connection:
        found = {"remember": _identity_increments.remember(connection, compiled)}
    for day, share in enumerate(GOAL_INCREMENTS, start=1):
        with opened(path) as connection:
            if day > 1:
                _identity_increments.commit(connection)
            made = _identity_increments.increment(connection, compiled, share, day)
        found[f"seconds {share}"] = made.seconds
        found[f"changed {share}"], found[f"solved {share}"] = made.changed, made.solved
    with opened(path) as connection:
        ours = _identity_increments.fingerprint(connection)
    found["full"] = dbt("assent.identity", AS_OF + timedelta(days=len(GOAL_INCREMENTS)))
    with opened(path) as connection:
        theirs = _identity_increments.fingerprint(connection)
    differing = [table for table in theirs if ours[table] != theirs[table]]
    assert not differing, differing
    return found | {"tables": len(theirs), "memory": peak_memory()}


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
        increments,
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


def print_increments(made: Mapping[str, float], count: float) -> None:
    full = made["full"]
    print(f"a full build once more {full:5.1f}, and {made['remember']:.1f} to remember it")
    for share, goal in GOAL_INCREMENTS.items():
        taken, changed = made[f"seconds {share}"], made[f"changed {share}"]
        print(
            f"{changed / count:.2%} changed        {taken:5.1f}  {made['memory']:7,.0f}   "
            f"{taken / full:.1%} of the full build (goal {goal:.0%}); "
            f"{made[f'solved {share}']:,.0f} records solved anew"
        )
    print(f"the {made['tables']:.0f} tables are those of the full build")


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
    print_increments(found["increments"], count)


if __name__ == "__main__":
    main()
