"""What an increment of identity saves a run: the next day, built in full and as an increment.

    python -m tests.benchmarks.identity_days [PEOPLE ...]

A demo world is loaded and built, its next day's files are loaded, and both kinds of run build from
there on the same warehouse: staging to the contexts by dbt, scores between, data tests included, as
a run does. CPU seconds, the least of three runs, of each dbt step and of the scores; consent,
profiles and contexts are in the second step of both. Each run has a process of its own; imports and
parsing are no part of any figure. An increment is not to cost more than what it replaces.
"""

import json
import multiprocessing
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from orchestration import consent_ledger, dbt_runner, environment, identity_map, reference
from orchestration.demo import write_day, write_world
from orchestration.environment import DBT_PROJECT_DIR, Home
from orchestration.increment import state
from orchestration.increment.build import Build, all_done
from orchestration.landing import load
from orchestration.matching.step import load_model, match
from orchestration.rules import active_rules
from orchestration.warehouse import open_warehouse

PEOPLE = (400, 1_000, 5_000, 20_000)
REPEATS = 3
STEPS = ("records", "scores", "customer")
AS_OF = datetime(2026, 11, 20, 9, tzinfo=UTC)


def take_in(home: Home, as_of: datetime) -> None:
    """Everything of a run that comes before its first dbt step."""
    home.path.mkdir(parents=True, exist_ok=True)
    rules = active_rules(home, as_of)
    with open_warehouse(home.warehouse) as connection:
        load(connection, home.landing, DBT_PROJECT_DIR / "models" / "staging", as_of)
        reference.refresh_phone_numbers(connection)
        reference.write_rule_tables(connection, rules)
        consent_ledger.import_and_publish(connection, home, as_of)


def build(home: Home, as_of: datetime, in_full: bool) -> dict[str, float]:
    """CPU seconds of the two dbt steps and of the scores between; the map is committed after."""
    model = load_model(DBT_PROJECT_DIR)
    dbt_runner.parse(home)
    dbt_runner.compile_project(home)
    if in_full:
        with open_warehouse(home.warehouse) as connection:
            state.forget(connection)
    build = Build(home, as_of)
    marks = [time.process_time()]
    assert all_done(build.records())
    marks.append(time.process_time())
    with open_warehouse(home.warehouse) as connection:
        match(connection, model)
    marks.append(time.process_time())
    assert all_done(build.customer())
    marks.append(time.process_time())
    with open_warehouse(home.warehouse) as connection:
        identity_map.commit(connection, home.store_url)
        found = connection.execute(
            "select is_increment, (select count(*) from identity_state.scope), "
            "(select count(*) from identity.id_records) from identity_state.run"
        ).fetchone()
    assert found is not None
    steps = [later - earlier for earlier, later in pairwise(marks)]
    return {
        **dict(zip(STEPS, steps, strict=True)),
        **dict(zip(("is_increment", "solved", "of"), found, strict=True)),
    }


def measure(directory: Path, people: int) -> None:
    home = environment.home(directory / "home", directory / "landing", {})
    given: dict[str, Any] = {"people": people, "seed": 1, "as_of": AS_OF}
    given["truth"] = directory / "truth.csv"
    write_world(home.landing, **given)
    in_a_process(take_in, home, AS_OF)
    in_a_process(build, home, AS_OF, False)
    write_day(home.landing, day=1, **given)
    next_day = AS_OF + timedelta(days=1)
    in_a_process(take_in, home, next_day)
    kept = directory / "kept"
    shutil.copytree(home.path, kept)
    taken: dict[str, list[dict[str, float]]] = {"full": [], "increment": []}
    for _ in range(REPEATS):
        for kind in taken:
            shutil.rmtree(home.path)
            shutil.copytree(kept, home.path)
            taken[kind].append(in_a_process(build, home, next_day, kind == "full"))
            assert taken[kind][-1]["is_increment"] == (kind == "increment")
    made = taken["increment"][0]
    print(f"{people:,} people, {made['of']:,.0f} records, {made['solved']:,.0f} solved anew")
    for kind, found in taken.items():
        least = [min(one[step] for one in found) for step in STEPS]
        print(f"  {kind:10s}" + "".join(f"{one:8.1f}" for one in (*least, sum(least))))


def in_a_process(work: Any, *arguments: Any) -> Any:
    """Run `work` in a forked process, so that its CPU seconds and memory are its own."""
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)

    def child() -> None:
        sending.send(json.dumps(work(*arguments)))

    process = context.Process(target=child)
    process.start()
    sending.close()
    answer = json.loads(receiving.recv())
    process.join()
    return answer


def main() -> None:
    sizes = [int(one) for one in sys.argv[1:]] or PEOPLE
    print("CPU seconds: records, scores, customer, all")
    for people in sizes:
        with tempfile.TemporaryDirectory() as temporary:
            measure(Path(temporary), people)


if __name__ == "__main__":
    main()
