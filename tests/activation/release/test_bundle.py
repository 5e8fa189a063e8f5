"""A release is its content: what is stored comes back whole and signed, or not at all."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from activation.consent.notices import load_notices
from activation.consent.regimes import load_regimes
from activation.journeys import load
from activation.log import SigningKey
from activation.release import (
    ReleaseError,
    active_id,
    open_bundle,
    read_bundle,
    same_warehouse,
    stored_releases,
)
from activation.release.registry import builds, resolve
from activation.store import transaction
from tests.activation.release.projects import KEY, build, write_project

ROOT = Path(__file__).parents[3]
# Each changes a stored release where a trigger would refuse it, as somebody with the file might.
TAMPERED = {
    "a rule in the manifest": "update release set manifest = replace(manifest, '<= 30', '<= 90')",
    "an id": "update release_signature set release_id = 'r_000000000000';"
    "update release set id = 'r_000000000000'",
    "the digest": "update release set digest = '0' || substr(digest, 2)",
    "a file": "update release_file set content = content || ' ' where content like 'id:%'",
    "the SQL": "update release_file set content = 'select 2' where content = 'select 1'",
    "a file that is gone": "delete from release_file where content = 'select 1'",
    "the signature": "update release_signature set note = replace(note, 'v1', 'v2')",
    "a signature that is gone": "delete from release_signature",
}


def test_equal_files_make_an_equal_release_wherever_they_lie(tmp_path: Path) -> None:
    one, other = (read_bundle(write_project(tmp_path / name)) for name in ("one", "other"))
    assert one == other
    assert one.release.id == f"r_{one.release.digest[:12]}"


@pytest.mark.parametrize("change", [{"days": 31}, {"sql": "select 2"}, {"regimes": "{}\n"}])
def test_a_change_of_a_rule_of_the_sql_or_of_a_regime_is_another_release(
    tmp_path: Path, change: dict[str, str]
) -> None:
    before = read_bundle(write_project(tmp_path)).release
    after = read_bundle(write_project(tmp_path, **change)).release  # type: ignore[arg-type]
    assert after.id != before.id
    assert same_warehouse(before, after) == ("days" in change)


def test_the_consent_rules_of_a_release_can_be_read_from_its_files_alone(tmp_path: Path) -> None:
    for path, content in read_bundle(ROOT).files.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
    consent = tmp_path / "activation" / "consent"
    assert load_regimes(consent / "regimes.yml") == load_regimes()
    assert load_notices(consent / "notices.yml") == load_notices()


def test_the_bundle_of_this_project_holds_every_file_that_decides() -> None:
    bundle = read_bundle(ROOT)
    journeys, models = (
        {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob(files)}
        for folder, files in (("activation/journeys", "*.yml"), ("dbt_project/models", "*.sql"))
    )
    others = {"dbt_project/dbt_project.yml", "activation/consent/regimes.yml"}
    assert journeys | models | others <= bundle.files.keys()
    assert len(models) > 50
    assert bundle.release.manifest["gates"][0] == "closed"
    assert bundle.release.manifest["files"].keys() == bundle.files.keys()


def test_a_stored_release_comes_back_whole_and_writes_the_same_project(
    store: Engine, tmp_path: Path
) -> None:
    root = write_project(tmp_path / "project")
    built = build(store, root)
    with store.connect() as connection:
        opened = open_bundle(connection, built.release.id, KEY.public)
    assert opened == built
    opened.write(tmp_path / "again")
    assert read_bundle(tmp_path / "again") == built
    journeys = "activation/journeys"
    assert load(tmp_path / "again" / journeys).nodes == load(root / journeys).nodes


def test_releases_share_the_files_that_are_the_same(store: Engine, tmp_path: Path) -> None:
    build(store, write_project(tmp_path, days=30))
    build(store, write_project(tmp_path, days=31))
    with store.connect() as connection:
        assert connection.execute(text("select count(*) from release_file")).scalar_one() == 5


def test_building_again_adds_only_a_builder(store: Engine, tmp_path: Path) -> None:
    root = write_project(tmp_path)
    for actor in ("ana", "ben", "ana"):
        build(store, root, actor)
    with store.connect() as connection:
        assert [one.builders for one in builds(connection)] == [("ana", "ben")]
        assert active_id(connection) is None


def test_the_beginning_of_an_id_names_a_release_when_only_one_begins_so(
    store: Engine, tmp_path: Path
) -> None:
    one = build(store, write_project(tmp_path, days=30)).release.id
    build(store, write_project(tmp_path, days=31))
    with store.connect() as connection:
        assert resolve(connection, one[:9]) == one
        for vague in ("r_", "", "x"):
            with pytest.raises(ReleaseError, match="assent release list"):
                resolve(connection, vague)


@pytest.mark.parametrize("what", TAMPERED)
def test_a_release_that_was_tampered_with_is_refused(
    store: Engine, tmp_path: Path, what: str
) -> None:
    built = build(store, write_project(tmp_path))
    with store.connect() as connection:
        assert open_bundle(connection, built.release.id, KEY.public) == built
    with transaction(store) as connection:
        _without_triggers(connection)
        statement = TAMPERED[what]
        if store.dialect.name == "postgresql":
            statement = statement.replace(
                "replace(manifest, '<= 30', '<= 90')",
                "replace(manifest::text, '<= 30', '<= 90')::json",
            )
        for one in statement.split(";"):
            assert connection.execute(text(one)).rowcount == 1
        ids = connection.execute(text("select id from release")).scalars().all()
    with store.connect() as connection, pytest.raises(ReleaseError, match="Fix: "):
        open_bundle(connection, ids[0], KEY.public)


def test_a_release_signed_by_another_key_is_refused(store: Engine, tmp_path: Path) -> None:
    stranger = SigningKey("assent.example/releases", bytes(32))
    built = build(store, write_project(tmp_path), key=stranger)
    with store.connect() as connection, pytest.raises(ReleaseError, match="not signed by"):
        open_bundle(connection, built.release.id, KEY.public)


def test_after_a_change_of_keys_the_releases_are_built_again_and_hold(
    store: Engine, tmp_path: Path
) -> None:
    new = SigningKey("assent.example/releases", bytes(32))
    root = write_project(tmp_path)
    for key in (KEY, new):
        built = build(store, root, key=key)
    with store.connect() as connection:
        for key in (KEY, new):
            assert open_bundle(connection, built.release.id, key.public) == built


def test_a_manifest_that_does_not_match_its_digest_is_found_without_a_key(
    store: Engine, tmp_path: Path
) -> None:
    build(store, write_project(tmp_path))
    with transaction(store) as connection:
        _without_triggers(connection)
        (manifest,) = connection.execute(text("select cast(manifest as text) from release")).one()
        forged = json.dumps(json.loads(manifest) | {"gates": []})
        cast = "::json" if store.dialect.name == "postgresql" else ""
        update = text(f"update release set manifest = (:forged){cast}")
        connection.execute(update, {"forged": forged})
    with store.connect() as connection, pytest.raises(ReleaseError, match="does not match"):
        stored_releases(connection)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    root = write_project(tmp_path)
    (root / "dbt_project/models/odd.sql").write_bytes(b"\xff\xfe")
    with pytest.raises(ReleaseError, match=r"dbt_project/models/odd\.sql: is not UTF-8"):
        read_bundle(root)


def _without_triggers(connection: Connection) -> None:
    tables = ("release", "release_file", "release_signature")
    if connection.dialect.name == "postgresql":
        for table in tables:
            connection.execute(text(f"alter table {table} disable trigger user"))
        foreign = "fk_release_signature_release_id_release"
        connection.execute(text(f"alter table release_signature drop constraint {foreign}"))
        return
    connection.execute(text("pragma defer_foreign_keys = on"))
    for table in tables:
        for verb in ("update", "delete"):
            connection.execute(text(f"drop trigger {table}_refuse_{verb}"))
