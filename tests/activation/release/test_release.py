from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select

from activation.decisions import current_approvals
from activation.journeys import JourneySet, load
from activation.release import ReleaseError, active, build, register, stored_releases
from activation.store import transaction
from activation.store.tables import approval, release_pointer

AT = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
JOURNEYS = Path(__file__).parents[3] / "activation" / "journeys"


@pytest.fixture
def journeys() -> JourneySet:
    return load(JOURNEYS)


@pytest.fixture
def regimes(tmp_path: Path) -> Path:
    path = tmp_path / "regimes.yml"
    path.write_text("GB: {renewal: {email: legitimate_interests}}\n", encoding="utf-8")
    return path


def changed(journeys: JourneySet, **changes: object) -> JourneySet:
    first, *rest = journeys.nodes
    return JourneySet((first.model_copy(update=changes), *rest), journeys.policies)


def test_equal_content_gives_an_equal_release(journeys: JourneySet, regimes: Path) -> None:
    assert build(journeys, regimes) == build(load(JOURNEYS), regimes)


def test_the_id_is_the_start_of_the_digest(journeys: JourneySet, regimes: Path) -> None:
    release = build(journeys, regimes)
    assert release.id == f"r_{release.digest[:12]}"


def test_a_changed_condition_is_another_release(journeys: JourneySet, regimes: Path) -> None:
    other = changed(journeys, when="days_open between 3 and 7")
    assert build(other, regimes).id != build(journeys, regimes).id


def test_a_changed_salt_is_another_release(journeys: JourneySet, regimes: Path) -> None:
    universal = journeys.policies.universal_holdout
    assert universal is not None
    policies = journeys.policies.model_copy(
        update={"universal_holdout": universal.model_copy(update={"salt": "universal-2027"})}
    )
    other = JourneySet(journeys.nodes, policies)
    assert build(other, regimes).id != build(journeys, regimes).id


def test_a_changed_regime_is_another_release(journeys: JourneySet, regimes: Path) -> None:
    before = build(journeys, regimes).id
    regimes.write_text("GB: {renewal: {email: consent}}\n", encoding="utf-8")
    assert build(journeys, regimes).id != before


def test_the_manifest_names_the_gates_in_their_order(journeys: JourneySet, regimes: Path) -> None:
    gates = build(journeys, regimes).manifest["gates"]
    assert gates[:3] == ["closed", "assurance", "residency"]
    assert gates[-1] == "approval"
    assert len(gates) == 15


def test_registering_twice_moves_the_pointer_once(
    store: Engine, journeys: JourneySet, regimes: Path
) -> None:
    release = build(journeys, regimes)
    with transaction(store) as connection:
        assert register(connection, release, activated_at=AT, actor="cli")
        assert not register(connection, release, activated_at=AT, actor="cli")
        assert active(connection) == release
        pointers = connection.execute(select(release_pointer.c.release_id)).scalars().all()
    assert pointers == [release.id]


def test_going_back_to_an_earlier_release_appends_a_pointer(
    store: Engine, journeys: JourneySet, regimes: Path
) -> None:
    first, second = build(journeys, regimes), build(changed(journeys, halted=True), regimes)
    with transaction(store) as connection:
        for release in (first, second, first):
            register(connection, release, activated_at=AT, actor="cli")
        assert active(connection) == first
        assert {release.id for release in stored_releases(connection)} == {first.id, second.id}
        pointers = connection.execute(
            select(release_pointer.c.release_id).order_by(release_pointer.c.seq)
        ).scalars()
        assert list(pointers) == [first.id, second.id, first.id]


def test_no_release_is_active_in_an_empty_store(store: Engine) -> None:
    with transaction(store) as connection:
        assert active(connection) is None


def test_an_id_with_other_content_is_refused(
    store: Engine, journeys: JourneySet, regimes: Path
) -> None:
    release = build(journeys, regimes)
    forged = type(release)(release.id, "0" * 64, release.manifest)
    with transaction(store) as connection:
        register(connection, release, activated_at=AT, actor="cli")
        with pytest.raises(ReleaseError, match="another digest"):
            register(connection, forged, activated_at=AT, actor="cli")


def test_a_manifest_that_does_not_match_its_digest_is_found(
    store: Engine, journeys: JourneySet, regimes: Path
) -> None:
    release = build(journeys, regimes)
    forged = type(release)(release.id, release.digest, {**release.manifest, "gates": []})
    with transaction(store) as connection:
        register(connection, forged, activated_at=AT, actor="cli")
        with pytest.raises(ReleaseError, match="does not match"):
            stored_releases(connection)


def test_the_newest_verdict_of_an_approval_counts(store: Engine) -> None:
    key = {"node": "call", "subject_id": "T1", "person_id": "p_1", "actor": "a", "at": AT}
    with transaction(store) as connection:
        connection.execute(insert(approval).values(**key, verdict="granted"))
        connection.execute(insert(approval).values(**key, verdict="refused"))
        connection.execute(
            insert(approval).values(**(key | {"subject_id": "T2"}), verdict="granted")
        )
        verdicts = {
            row["subject_id"]: row["verdict"] for row in current_approvals(connection).to_pylist()
        }
    assert verdicts == {"T1": "refused", "T2": "granted"}
