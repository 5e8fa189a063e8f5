"""What starts a run between the hours, and what the removals job does then."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from activation.consent import ledger
from activation.consent.events import ConsentEvent
from activation.store import open_store, transaction
from tests.orchestration.conftest import Finished
from tests.orchestration.path import Runner
from tests.orchestration.places import AS_OF, Place


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def place(tmp_path: Path, definitions: Any) -> Place:
    """An empty home and an empty landing zone."""
    made = Place(tmp_path)
    made.landing.mkdir()
    made.home.mkdir()
    return made


def look(
    sensor: Any, place: Place, instance: dg.DagsterInstance, cursor: str | None = None
) -> tuple[Any, str | None]:
    """One evaluation of a sensor: what it asks for, and the cursor it leaves."""
    from orchestration.run_settings import RunSettings

    settings = RunSettings(home=str(place.home), landing=str(place.landing))
    context = dg.build_sensor_context(
        instance=instance, cursor=cursor, resources={"settings": settings}
    )
    with context:
        return sensor(context), context.cursor


def test_new_files_start_a_run_once_and_only_when_the_listing_has_settled(
    place: Place, instance: dg.DagsterInstance
) -> None:
    from orchestration.sensors import new_landing_files

    (place.landing / "contacts.csv").write_text("contact_id\n")
    seen, cursor = look(new_landing_files, place, instance)
    assert isinstance(seen, dg.SkipReason)
    (place.landing / "contacts.csv").write_text("contact_id\nC1\n")
    growing, cursor = look(new_landing_files, place, instance, cursor)
    assert isinstance(growing, dg.SkipReason)
    settled, cursor = look(new_landing_files, place, instance, cursor)
    assert isinstance(settled, dg.RunRequest)
    for _ in range(2):
        after, cursor = look(new_landing_files, place, instance, cursor)
        assert isinstance(after, dg.SkipReason)
    (place.landing / "more.csv").write_text("contact_id\n")
    _, cursor = look(new_landing_files, place, instance, cursor)
    more, _ = look(new_landing_files, place, instance, cursor)
    assert isinstance(more, dg.RunRequest)
    assert more.run_key != settled.run_key


def test_a_restriction_that_no_run_has_seen_starts_the_removals(
    place: Place, instance: dg.DagsterInstance
) -> None:
    from orchestration.sensors import LEDGER_COPY, new_withdrawals

    assert isinstance(look(new_withdrawals, place, instance)[0], dg.SkipReason)
    record(place, event("granted", "e1", "a@example.com", "email"))
    assert isinstance(look(new_withdrawals, place, instance)[0], dg.SkipReason)
    seq = record(place, event("withdrawn", "e2", "a@example.com", "*"))
    asked, _ = look(new_withdrawals, place, instance)
    assert isinstance(asked, dg.RunRequest)
    assert asked.run_config["resources"]["settings"]["config"]["as_of"]
    assert look(new_withdrawals, place, instance)[0].run_key == asked.run_key
    instance.report_runless_asset_event(
        dg.AssetMaterialization(asset_key=LEDGER_COPY, metadata={"watermark": seq})
    )
    assert isinstance(look(new_withdrawals, place, instance)[0], dg.SkipReason)


def test_the_removals_job_takes_a_member_out_and_decides_nothing(
    first: Finished, runner: Runner, path_directory: Path
) -> None:
    place = first.place.copy_to(path_directory / "removals")
    person_id, address = place.rows(
        """
        select person_id, identifier from activation.audience
        inner join identity.id_person_identifiers using (person_id)
        where identifier_type = 'email' and status = 'ok'
        order by all limit 1
        """
    )[0]
    record(place, event("withdrawn", "e-withdrawal", address, "*"))
    ended = runner.removals(place.home, place.landing, AS_OF + timedelta(minutes=5))
    assert ended.succeeded
    removed = [one.row["person_id"] for one in place.delivered() if one.operation == "remove"]
    assert removed == [person_id]
    assert (
        place.value(
            "select count(*) from outbound.out_outbox_audiences where person_id = ?", [person_id]
        )
        == 0
    )
    before, after = first.place.sent(), place.sent()
    assert after[0] == before[0]
    assert len(place.delivered()) == len(first.place.delivered()) + 1


def event(action: str, event_id: str, address: str, channel: str) -> ConsentEvent:
    """A choice about marketing, made a minute after the base world."""
    moment = AS_OF + timedelta(minutes=1)
    return ConsentEvent(
        event_id=event_id,
        identifier_type="email",
        identifier=address,
        purpose="marketing",
        channel=channel,
        action=action,
        source="preference_centre",
        notice_version="2026-01",
        occurred_at=moment,
        recorded_at=moment,
    )


def record(place: Place, choice: ConsentEvent) -> int:
    """Append to the place's ledger; returns the event's seq."""
    engine = open_store(f"sqlite:///{place.home / 'assent.sqlite'}")
    try:
        with transaction(engine) as connection:
            return ledger.append(connection, [choice]).watermark.seq
    finally:
        engine.dispose()
