"""A load that is killed leaves whole files or nothing; the next one goes on."""

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.landing import load

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
QUERIES = (
    "select * from landing.shop_orders order by _file_rank, _line",
    "select * from landing.quarantine order by file, line",
    "select * from landing.load_audit order by file",
)
# Sends itself SIGKILL before its n-th call of the database; without n it ends and prints the count.
LOAD_UNTIL_KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
import duckdb
from orchestration.landing import load

class Mortal:
    def __init__(self, connection, calls):
        self.connection, self.calls, self.left = connection, 0, calls

    def __getattr__(self, name):
        self.calls += 1
        if self.calls == self.left:
            os.kill(os.getpid(), signal.SIGKILL)
        return getattr(self.connection, name)

warehouse, landing, sources, calls = sys.argv[1:]
mortal = Mortal(duckdb.connect(warehouse), int(calls))
load(mortal, Path(landing), Path(sources), datetime(2026, 11, 20, 6, tzinfo=UTC))
mortal.connection.close()
print(mortal.calls)
"""


def run(zone, warehouse: Path, calls: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LOAD_UNTIL_KILLED]
    arguments = [str(warehouse), str(zone.landing), str(zone.sources), str(calls)]
    root = Path(__file__).parents[3]
    return subprocess.run(
        [*command, *arguments], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )


def content_of(warehouse: Path) -> list[list[tuple[object, ...]]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        columns = "select columns(*)::varchar from"
        return [connection.execute(f"{columns} ({query})").fetchall() for query in QUERIES]


def check_whole_files(warehouse: Path) -> None:
    """What a killed load left: nothing, or files with all of their rows."""
    with duckdb.connect(str(warehouse)) as connection:
        tables = connection.execute("select count(*) from duckdb_tables()").fetchone()
        if tables == (0,):
            return
        torn = connection.execute(
            "select file from landing.load_audit where rows_accepted + rows_quarantined != "
            "(select count(*) from landing.shop_orders where _file = file) + "
            "(select count(*) from landing.quarantine as q where q.file = load_audit.file)"
        ).fetchall()
        stray = connection.execute(
            "select _file from landing.shop_orders where _file not in "
            "(select file from landing.load_audit)"
        ).fetchall()
    assert torn == []
    assert stray == []


def test_a_load_killed_at_any_moment_is_completed_by_the_next(zone, tmp_path: Path):
    for number in range(3):
        rows = [f"o{i},n,open,{i % 7},,,," for i in range(200)]
        zone.orders(*rows, "torn", name=f"shop/orders-{number}.csv")
        zone.orders(*rows, "torn", name=f"shop/orders-{number}-again.csv")
    undisturbed = tmp_path / "undisturbed.duckdb"
    finished = run(zone, undisturbed, 0)
    assert finished.returncode == 0, finished.stderr
    total = int(finished.stdout)
    expected = content_of(undisturbed)
    for calls in range(3, total, max(1, total // 6)):
        warehouse = tmp_path / f"killed-{calls}.duckdb"
        assert run(zone, warehouse, calls).returncode == -signal.SIGKILL
        check_whole_files(warehouse)
        with duckdb.connect(str(warehouse)) as connection:
            load(connection, zone.landing, zone.sources, AS_OF)
        assert content_of(warehouse) == expected
