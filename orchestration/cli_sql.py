"""`assent sql`: look into the warehouse without another program."""

from pathlib import Path

import click
import duckdb
from rich.console import Console
from rich.table import Table

from orchestration import environment
from orchestration.warehouse import WarehouseBusyError, open_warehouse

MOST_ROWS = 200


@click.command("sql")
@click.argument("query")
@click.option("--home", "home_dir", type=click.Path(path_type=Path), help="Where state is kept.")
def sql(query: str, home_dir: Path | None) -> None:
    """Run one query over the warehouse and print its rows (nothing is changed)."""
    home = environment.home(home_dir)
    if not home.warehouse.exists():
        raise click.ClickException(f"no warehouse in {home.path}; `assent run` makes one")
    try:
        with open_warehouse(home.warehouse, locked=True, wait=1) as connection:
            connection.execute("begin")
            answer = connection.execute(query)
            names = [column[0] for column in answer.description or []]
            rows = answer.fetchmany(MOST_ROWS)
            connection.rollback()
    except (duckdb.Error, WarehouseBusyError) as error:
        raise click.ClickException(str(error)) from None
    table = Table(*names, box=None, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    # As wide as its content: a cut-off id can't be copied.
    Console(width=max(80, Console().measure(table).maximum)).print(table)
