"""What the whole path costs, stage by stage, against loading the same files and nothing more.

    python -m tests.benchmarks.path [people]

The baseline is DuckDB's own reader over the same landing zone into plain tables: the least that
any tool does which activates from a warehouse. Each side runs in a process of its own; prints wall
and CPU seconds and peak memory. The target is 100,000 people in 180 s and 4 GB on two cores.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

AS_OF = "2026-11-20T09:00:00+00:00"
PEOPLE = 100_000
READERS = {
    ".csv": "read_csv('{}', all_varchar = true, ignore_errors = true)",
    ".jsonl": "read_json('{}', format = 'newline_delimited', ignore_errors = true)",
    ".parquet": "read_parquet('{}')",
}


def load_only(landing: Path, warehouse: Path) -> None:
    """Every file of the landing zone into a table of its own, unchecked."""
    with duckdb.connect(str(warehouse)) as connection:
        for number, path in enumerate(sorted(landing.rglob("*.*"))):
            form = [suffix for suffix in path.suffixes if suffix in READERS]
            if form:
                reader = READERS[form[-1]].format(path)
                connection.execute(f"create table file_{number} as select * from {reader}")


def measured(arguments: list[str]) -> tuple[float, float, float, str]:
    """Wall seconds, CPU seconds, peak memory in GB and output of a process."""
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(arguments, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - begun
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, arguments)
        output.seek(0)
        said = output.read().decode()
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6, said


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE
    assent = [sys.executable, "-m", "orchestration.cli"]
    with tempfile.TemporaryDirectory() as directory:
        landing, home = Path(directory) / "landing", Path(directory) / "home"
        wall, cpu, memory, _ = measured(
            [*assent, "demo", "--people", str(people), "--as-of", AS_OF, "--out", str(landing)]
        )
        print(f"demo world   {wall:7.1f} s wall {cpu:7.1f} s CPU {memory:5.2f} GB")
        baseline = Path(directory) / "baseline.duckdb"
        wall, least, memory, _ = measured(
            [sys.executable, "-m", "tests.benchmarks.path", "--load", str(landing), str(baseline)]
        )
        print(f"load only    {wall:7.1f} s wall {least:7.1f} s CPU {memory:5.2f} GB")
        run = [*assent, "run", "--landing", str(landing), "--home", str(home), "--as-of", AS_OF]
        wall, cpu, memory, output = measured([*run, "--json"])
        print(f"whole path   {wall:7.1f} s wall {cpu:7.1f} s CPU {memory:5.2f} GB")
        print(f"ratio of CPU to load only: {cpu / least:.1f}")
        for stage, seconds in json.loads(output)["seconds_by_stage"].items():
            print(f"  {stage:34} {seconds:6.1f} s {seconds / wall:6.1%}")
        wall, cpu, memory, _ = measured([*run, "--json"])
        print(f"run again    {wall:7.1f} s wall {cpu:7.1f} s CPU {memory:5.2f} GB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--load"]:
        load_only(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
