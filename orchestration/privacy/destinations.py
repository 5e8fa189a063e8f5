"""Every destination that acknowledged a person is asked to remove them, and answers for itself."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, select

from activation.connectors.files import FilesConnector
from activation.connectors.protocol import ConnectorError
from activation.connectors.settings import FilesSettings
from activation.store.tables import sync_state
from activation.syncs import SyncError, SyncSpec
from activation.syncs.erasing import DestinationReceipt, erase_at_destination
from orchestration import dbt_runner
from orchestration.environment import Home
from orchestration.sync_step import connector_for, destinations, spec_of


def specs(home: Home) -> list[SyncSpec]:
    """Every sync that the project declares, by name."""
    exposures = dbt_runner.read_manifest(home)["exposures"].values()
    return sorted((spec_of(one) for one in exposures), key=lambda spec: spec.name)


def erase_everywhere(
    home: Home, engine: Engine, person_ids: Sequence[str], as_of: datetime
) -> list[dict[str, Any]]:
    """One answer per destination object that holds, or may hold, the person.

    target, processor, held, acknowledged, complete, note. A destination that the home no longer
    knows is not complete: somebody has to ask it.
    """
    with engine.connect() as connection:
        holding: set[str] = set(
            connection.execute(
                select(sync_state.c.sync).where(sync_state.c.person_id.in_(person_ids)).distinct()
            ).scalars()
        )
    known = {spec.target: spec for spec in specs(home)}
    return [
        _answer(home, engine, known.get(target), target, person_ids, as_of)
        for target in sorted(holding)
    ]


def _answer(
    home: Home,
    engine: Engine,
    spec: SyncSpec | None,
    target: str,
    person_ids: Sequence[str],
    as_of: datetime,
) -> dict[str, Any]:
    if spec is None or spec.destination not in destinations(home):
        return _described(DestinationReceipt(target, "unknown", 1, 0, True), "not set up any more")
    try:
        connector = connector_for(home, spec, lambda: datetime.now(UTC))
    except ConnectorError as error:
        return _described(DestinationReceipt(target, spec.processor, 1, 0, True), str(error))
    try:
        answer = erase_at_destination(
            spec,
            person_ids=person_ids,
            engine=engine,
            connector=connector,
            as_of=as_of,
            run_id=f"erasure {as_of:%Y%m%dT%H%M%SZ}",
        )
    except SyncError as error:
        return _described(DestinationReceipt(target, spec.processor, 1, 0, True), str(error))
    finally:
        connector.close()
    return _described(answer, _note(answer))


def _note(answer: DestinationReceipt) -> str:
    if not answer.can_delete:
        return "can't delete: ask its processor"
    if answer.stopped:
        return f"stopped: {answer.stopped}"
    return "" if answer.is_complete else "some removals are not acknowledged"


def _described(answer: DestinationReceipt, note: str) -> dict[str, Any]:
    return {
        "target": answer.target,
        "processor": answer.processor,
        "held": answer.held,
        "acknowledged": answer.acknowledged,
        "complete": answer.is_complete,
        "note": note,
    }


def erase_outbox(home: Home, person_ids: Sequence[str], values: Sequence[str]) -> int:
    """Take the person's rows out of batches that we wrote as files and nobody has fetched yet.

    A row is the person's by its person_id, or where one of its fields is one of their identifiers.
    """
    gone = 0
    configured = destinations(home)
    for spec in specs(home):
        settings = configured.get(spec.destination)
        if isinstance(settings, FilesSettings):
            connector = FilesConnector(home.path / settings.directory, spec.destination)
            wanted = dict.fromkeys(spec.fields, values) | {"person_id": person_ids}
            gone += connector.erase(spec.object, wanted)
    return gone
