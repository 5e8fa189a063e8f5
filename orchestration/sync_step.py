"""One sync: what the exposure declares, what the warehouse holds, where it goes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa

from activation.connectors.protocol import Connector
from activation.connectors.settings import (
    DestinationSettings,
    FilesSettings,
    build_connector,
    read_destinations,
)
from activation.store import opened_store
from activation.syncs import Guards, SyncReport, SyncSpec, run_sync
from activation.syncs.labels import label_refusals
from expectations import gate
from orchestration import environment
from orchestration.environment import Home
from orchestration.policy_graph import policy_graph
from orchestration.rules import Rules
from orchestration.secret_keys import secret_key
from orchestration.warehouse import has_table, open_warehouse

OUTBOX = "outbox"
HASH_KEY_FILE = "sync_hash.key"

_IDENTIFIERS = "select person_id, identifier_type, identifier from identity.id_person_identifiers"
_FORMER_LINKS = (
    "select person_id, identifier_type, identifier, parted_at from consent.con_former_links"
)
_SIGNALLED = "select distinct purpose from reference.regime where opt_out_signal"
_DENIED = "select person_id, purpose, channel from consent.con_permits where verdict = 'deny'"


@dataclass(frozen=True)
class Sources:
    """What the warehouse holds for one sync; Arrow tables, so that the file can be closed."""

    desired: pa.Table
    identifiers: pa.Table
    former_links: pa.Table
    signalled: frozenset[str]
    denied: pa.Table
    watermark: int
    gate_closed: str | None


def spec_of(exposure: dict[str, Any]) -> SyncSpec:
    """The sync that an exposure declares. Raises SyncError naming the field and the fix."""
    model = exposure["depends_on"]["nodes"][0].rsplit(".", 1)[-1]
    meta = (exposure.get("config") or {}).get("meta") or exposure.get("meta") or {}
    return SyncSpec.from_meta(exposure["name"], f"outbound.{model}", meta.get("sync") or {})


def destinations(home: Home) -> dict[str, DestinationSettings]:
    """The destinations of this home: destinations.yml, or the outbox alone where there is none."""
    if home.destinations.exists():
        return dict(read_destinations(home.destinations))
    return {OUTBOX: FilesSettings(connector="files")}


def run(
    home: Home,
    spec: SyncSpec,
    as_of: datetime,
    rules: Rules,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> SyncReport | None:
    """Carry out one sync under the labels of `rules`; None when its destination is not set up in
    this home."""
    if spec.destination not in destinations(home):
        return None
    connector = connector_for(home, spec, clock)
    return _carry_out(home, spec, connector, as_of, _refusals(home, spec, as_of, rules))


def connector_for(home: Home, spec: SyncSpec, clock: Callable[[], datetime]) -> Connector:
    """The connector of the sync's destination, which the home must know. Raises ConnectorError."""
    return build_connector(
        spec.destination,
        destinations(home)[spec.destination],
        home=home.path,
        secrets=environment.environment(),
        clock=clock,
    )


def _refusals(home: Home, spec: SyncSpec, as_of: datetime, rules: Rules) -> list[str]:
    """Why the labels of the release forbid that the sync sends on this day."""
    graph = policy_graph(home, rules.dbt_project, as_of.date())
    return [str(one) for one in label_refusals(graph, rules.journeys(), spec, as_of.date())]


def _carry_out(
    home: Home, spec: SyncSpec, connector: Connector, as_of: datetime, refusals: list[str]
) -> SyncReport:
    with open_warehouse(home.warehouse) as connection:
        sources = _read(connection, spec, as_of)
    with opened_store(home.store_url) as engine:
        return run_sync(
            spec,
            sources.desired,
            identifiers=sources.identifiers,
            engine=engine,
            connector=connector,
            watermark=sources.watermark,
            as_of=as_of,
            run_id=f"{as_of:%Y%m%dT%H%M%SZ}",
            hash_key=secret_key(home, HASH_KEY_FILE),
            guards=Guards.of(spec, [sources.gate_closed] if sources.gate_closed else [], refusals),
            denied=sources.denied,
            former_links=sources.former_links,
            signalled=sources.signalled,
        )


def _read(connection: duckdb.DuckDBPyConnection, spec: SyncSpec, as_of: datetime) -> Sources:
    schema, table = spec.relation.split(".")
    if not has_table(connection, schema, table):
        raise LookupError(f"{spec.relation} is not built; run the whole job first")
    row = connection.execute("select seq from consent.con_watermark").fetchone()
    return Sources(
        desired=_desired(connection, spec),
        identifiers=connection.execute(_IDENTIFIERS).to_arrow_table(),
        former_links=connection.execute(_FORMER_LINKS).to_arrow_table(),
        signalled=frozenset(one for (one,) in connection.execute(_SIGNALLED).fetchall()),
        denied=connection.execute(_DENIED).to_arrow_table(),
        watermark=int(row[0]) if row else 0,
        gate_closed=_closed_gate(connection, as_of),
    )


def _desired(connection: duckdb.DuckDBPyConnection, spec: SyncSpec) -> pa.Table:
    """The rows as the model has them, and for actions the node that decided: it need not be sent
    to be asked whether it is halted."""
    rows = f"select * from {spec.relation}"
    if spec.mode == "append" and "node" not in spec.fields:
        rows = (
            f"select sent.*, made.node from ({rows}) as sent "
            "left join activation.action as made using (decision_id)"
        )
    return connection.execute(rows).to_arrow_table()


def _closed_gate(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> str | None:
    try:
        gate.require_open(connection, "syncs", as_of)
    except gate.GateClosedError as error:
        return str(error)
    return None
