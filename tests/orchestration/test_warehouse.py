"""One module opens the warehouse: it waits for a lock, says who holds it, and can refuse files."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from orchestration.reference import PHONE_COLUMNS, refresh_phone_numbers
from orchestration.warehouse import (
    WarehouseBusyError,
    close_ranks,
    has_table,
    open_warehouse,
    quote,
    replace_table,
)

HOLDER = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"


def test_a_warehouse_held_by_another_process_is_waited_for_and_then_named(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    naps: list[float] = []
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(WarehouseBusyError, match="another process has the warehouse open"),
            open_warehouse(path, wait=1, sleep=naps.append),
        ):
            pass
        holder.communicate("\n")
    assert len(naps) == 4
    with open_warehouse(path) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_locked_warehouse_refuses_sql_that_reads_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden")
    with (
        open_warehouse(tmp_path / "warehouse.duckdb", locked=True) as connection,
        pytest.raises(duckdb.PermissionException),
    ):
        connection.execute(f"select * from read_text('{secret}')")


def test_times_are_shown_in_utc_whatever_the_machine_thinks(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as connection:
        shown = connection.execute(
            "select cast(timestamptz '2026-07-01 12:00:00+02' as varchar)"
        ).fetchone()
    assert shown == ("2026-07-01 10:00:00+00",)


def test_a_table_is_replaced_as_a_whole_and_names_are_quoted(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as connection:
        assert not has_table(connection, "store", 'odd"name')
        for rows in ([1, 2, 3], [4]):
            replace_table(connection, "store", 'odd"name', pa.table({"n": rows}))
        assert has_table(connection, "store", 'odd"name')
        table = f"store.{quote('odd' + chr(34) + 'name')}"
        assert connection.execute(f"select n from {table}").fetchall() == [(4,)]


def test_rows_stay_where_they_lie_until_the_ranks_are_closed(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    groups = "select count(distinct row_group_id) from pragma_storage_info('other')"
    with open_warehouse(path) as connection:
        connection.execute("create table other as select n from range(400_000) as t(n)")
    with open_warehouse(path) as connection:
        connection.execute("delete from other where n % 10 > 0")
        connection.execute("checkpoint")
    with open_warehouse(path) as connection:
        assert connection.execute(groups).fetchone() == (4,)
        close_ranks(connection)
        assert connection.execute(groups).fetchone() == (1,)
        assert connection.execute("select count(*) from other").fetchone() == (40_000,)


def test_a_phone_number_is_parsed_once_in_its_life_also_where_no_country_is_known(
    tmp_path: Path,
) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as connection:
        connection.execute("create schema landing")
        for one in PHONE_COLUMNS:
            connection.execute(
                f"create table landing.{one.table} ({one.phone} varchar, {one.country} varchar)"
            )
        connection.execute(
            """
            insert into landing.crm_contacts values
                ('07400 123456', 'GB'), ('07400 123456', 'GB'), ('+447400123456', null),
                ('07400 123456', null), (null, 'GB'), ('TBC', 'GB')
            """
        )
        assert refresh_phone_numbers(connection) == 4
        assert refresh_phone_numbers(connection) == 0
        parsed = connection.execute(
            "select raw, country, e164 from reference.phone_number order by raw, country nulls last"
        ).fetchall()
    assert parsed == [
        ("+447400123456", None, "+447400123456"),
        ("07400 123456", "GB", "+447400123456"),
        ("07400 123456", None, None),
        ("TBC", "GB", None),
    ]
