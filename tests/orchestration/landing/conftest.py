"""A landing directory with an invented system of its own, so that each rule can be tried."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.landing import LoadReport, load

START = datetime(2026, 11, 20, 6, tzinfo=UTC)
PROJECT = Path(__file__).parents[3]

# One entity with a column of every type and rule, one of CloudEvents, one of consent.
SOURCES = """
sources:
  - name: shop
    schema: landing
    tables:
      - name: shop_orders
        config: {meta: {landing: {entity: orders, key: [order_id], version: updated_at}}}
        columns:
          - {name: order_id, data_type: varchar, config: {meta: {landing: {required: true}}}}
          - {name: note, data_type: varchar}
          - name: status
            data_type: varchar
            config: {meta: {landing: {values: [open, closed]}}}
          - name: score
            data_type: integer
            config: {meta: {landing: {minimum: 1, maximum: 5}}}
          - {name: amount, data_type: "decimal(18,2)"}
          - {name: paid, data_type: boolean}
          - {name: born_on, data_type: date}
          - {name: updated_at, data_type: timestamptz}
          - {name: extra, data_type: varchar, config: {meta: {landing: {optional: true}}}}
          - {name: _file, data_type: varchar}
      - name: shop_visits
        config: {meta: {landing: {entity: visits, key: [event_id], envelope: cloudevents}}}
        columns:
          - name: event_id
            data_type: varchar
            config: {meta: {landing: {required: true, path: id}}}
          - name: event_type
            data_type: varchar
            config: {meta: {landing: {required: true, path: type, values: [com.shop.visit]}}}
          - name: occurred_at
            data_type: timestamptz
            config: {meta: {landing: {required: true, path: time}}}
          - name: account_id
            data_type: varchar
            config: {meta: {landing: {required: true, path: data.account_id}}}
      - name: shop_choices
        config: {meta: {landing: {entity: choices, key: [choice_id]}}}
        columns:
          - {name: choice_id, data_type: varchar, config: {meta: {landing: {required: true}}}}
          - name: purpose
            data_type: varchar
            config: {meta: {landing: {required: true, no_wildcard_when: {action: granted}}}}
          - name: channel
            data_type: varchar
            config: {meta: {landing: {required: true, no_wildcard_when: {action: granted}}}}
          - {name: action, data_type: varchar, config: {meta: {landing: {required: true}}}}
"""

ORDER_HEADER = "order_id,note,status,score,amount,paid,born_on,updated_at"
ORDER = "o1,a note,open,3,12.50,true,1990-02-28,2026-01-02T03:04:05+00:00"


@dataclass
class Zone:
    """A landing directory, its source files and the warehouse that it is loaded into."""

    landing: Path
    sources: Path
    connection: duckdb.DuckDBPyConnection

    def put(self, name: str, content: str | bytes) -> Path:
        """Write a file below the landing directory."""
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def orders(self, *lines: str, name: str = "shop/orders.csv") -> Path:
        """Write a CSV of orders: the header and these lines."""
        return self.put(name, "\n".join([ORDER_HEADER, *lines]) + "\n")

    def load(self, day: int = 0) -> LoadReport:
        """Load what is new, as of a day after the start."""
        return load(self.connection, self.landing, self.sources, START + timedelta(days=day))

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Rows of a query."""
        return self.connection.execute(query).fetchall()

    def quarantined(self) -> list[tuple[object, ...]]:
        """(line, field, reason) of the quarantine, by file and line."""
        return self.rows("select line, field, reason from landing.quarantine order by file, line")


@pytest.fixture
def new_zone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Zone]]:
    """Makes zones with an empty warehouse in memory each."""
    opened: list[duckdb.DuckDBPyConnection] = []

    def make() -> Zone:
        root = tmp_path_factory.mktemp("zone")
        sources = root / "staging" / "shop"
        sources.mkdir(parents=True)
        (sources / "_shop__sources.yml").write_text(SOURCES)
        (root / "landing").mkdir()
        opened.append(duckdb.connect(":memory:"))
        opened[-1].execute("set timezone = 'UTC'")
        return Zone(root / "landing", root / "staging", opened[-1])

    yield make
    for connection in opened:
        connection.close()


@pytest.fixture
def zone(new_zone: Callable[[], Zone]) -> Zone:
    """One zone."""
    return new_zone()


@pytest.fixture(scope="session")
def insurer_sources() -> Path:
    """The project's own source files."""
    return PROJECT / "dbt_project" / "models" / "staging"
