"""The active release: activated only when it is fit, and gone back from by one row."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from activation.release import (
    Bundle,
    ReleaseError,
    ReleaseRefused,
    activate,
    active_id,
    open_bundle,
    rollback,
)
from activation.release.manifest import release_of
from activation.release.pointer import former, pointers
from activation.release.registry import record
from activation.release.review import approve
from activation.release.signing import sign
from activation.store import open_store, transaction
from activation.store.tables import release_pointer
from tests.activation.release.projects import AT, KEY, build, no_objection, write_project

Activate = Callable[..., None]


@pytest.fixture
def make_active(store: Engine) -> Activate:
    """Activates a bundle as ana, with no objection of the checker unless one is given."""

    def carry_out(bundle: Bundle, *, actor: str = "ana", check: object = no_objection) -> None:
        activate(
            store,
            bundle.release.id,
            key=KEY.public,
            check=check,  # type: ignore[arg-type]
            actor=actor,
            note="a reason",
            at=AT,
        )

    return carry_out


def back(store: Engine, to: str | None = None) -> str:
    with transaction(store) as connection:
        return rollback(
            connection,
            to=to,
            is_intact=lambda one: open_bundle(connection, one, KEY.public),
            actor="ana",
            note="it was wrong",
            at=AT,
        )


def active(store: Engine) -> str | None:
    with store.connect() as connection:
        return active_id(connection)


def test_the_newest_activation_is_the_active_release(
    store: Engine, tmp_path: Path, make_active: Activate
) -> None:
    one, other = (build(store, write_project(tmp_path, days=days)) for days in (30, 31))
    assert active(store) is None
    for bundle in (one, other):
        make_active(bundle)
        assert active(store) == bundle.release.id


def test_activating_the_active_release_again_says_so(
    store: Engine, tmp_path: Path, make_active: Activate
) -> None:
    bundle = build(store, write_project(tmp_path))
    make_active(bundle)
    with pytest.raises(ReleaseError, match="active already"):
        make_active(bundle)


def test_a_release_with_a_failing_example_is_refused_by_the_name_of_the_example(
    store: Engine, tmp_path: Path, make_active: Activate
) -> None:
    bundle = build(store, write_project(tmp_path, days=5))
    with pytest.raises(ReleaseRefused, match="'ten days ahead' is decided no candidate"):
        make_active(bundle)
    assert active(store) is None


def test_a_release_that_the_policy_checker_refuses_is_refused_with_its_findings(
    store: Engine, tmp_path: Path, make_active: Activate
) -> None:
    bundle = build(store, write_project(tmp_path))

    def checker(root: Path) -> list[str]:
        model = root / "dbt_project" / "models" / "contexts" / "ctx_policy.sql"
        return [f"{model.name}: {model.read_text()}", "untagged root"]

    with pytest.raises(ReleaseRefused) as refused:
        make_active(bundle, check=checker)
    assert refused.value.findings == ["ctx_policy.sql: select 1", "untagged root"]
    assert active(store) is None


def test_a_release_of_another_engine_is_refused(store: Engine, make_active: Activate) -> None:
    from activation.journeys import load

    journeys = load(Path(__file__).parents[3] / "activation" / "journeys")
    release = release_of(journeys, {})
    manifest = {**release.manifest, "format": "assent-release-1"}
    from activation.release.release import Release, canonical, digest_of

    digest = digest_of(canonical(manifest))
    old = Bundle(Release(f"r_{digest[:12]}", digest, manifest), {})
    with transaction(store) as connection:
        record(connection, old, note=sign(old.release, KEY), actor="ana", at=AT)
    with pytest.raises(ReleaseRefused, match="assent-release-1"):
        make_active(old)


@pytest.mark.parametrize(("actor", "note"), [("", "why"), ("ana", ""), (" ", "why")])
def test_an_activation_names_somebody_and_a_reason(
    store: Engine, tmp_path: Path, actor: str, note: str
) -> None:
    bundle = build(store, write_project(tmp_path))
    with pytest.raises(ReleaseError, match="say who does it and why"):
        activate(
            store, bundle.release.id, key=KEY.public, check=no_objection,
            actor=actor, note=note, at=AT,
        )  # fmt: skip


def test_a_change_of_a_high_risk_node_needs_a_second_person(
    store: Engine, tmp_path: Path, make_active: Activate
) -> None:
    make_active(build(store, write_project(tmp_path, days=30)))
    risky = build(store, write_project(tmp_path, days=31, tier="high"), "ana")
    with pytest.raises(ReleaseRefused, match="reminder, which needs a second person"):
        make_active(risky, actor="ana")
    make_active(risky, actor="ben")
    assert active(store) == risky.release.id


def test_lowering_the_tier_of_a_node_does_not_avoid_the_second_person(
    store: Engine, tmp_path: Path, make_active: Activate
) -> None:
    make_active(build(store, write_project(tmp_path, tier="high")))
    lowered = build(store, write_project(tmp_path, tier="low"))
    with pytest.raises(ReleaseRefused, match="second person"):
        make_active(lowered)


def test_a_change_of_a_regime_is_approved_by_somebody_who_did_not_build_it(
    store: Engine, tmp_path: Path, make_active: Activate
) -> None:
    make_active(build(store, write_project(tmp_path)))
    looser = build(store, write_project(tmp_path, regimes="adult_age: 16\n"))
    for approving in ("ana", "ben"):
        with pytest.raises(ReleaseRefused, match=r"consent/regimes\.yml"):
            make_active(looser)
        with transaction(store) as connection:
            approve(connection, looser.release.id, actor=approving, note="seen", at=AT)
    make_active(looser)
    assert active(store) == looser.release.id


def test_a_change_that_may_do_little_harm_needs_one_person(
    store: Engine, tmp_path: Path, make_active: Activate
) -> None:
    for days in (30, 31):
        make_active(build(store, write_project(tmp_path, days=days)))


def test_a_rollback_is_one_row_and_the_next_goes_one_further_back(
    store: Engine, tmp_path: Path, make_active: Activate
) -> None:
    ids = []
    for days in (30, 31, 32):
        bundle = build(store, write_project(tmp_path, days=days))
        make_active(bundle)
        ids.append(bundle.release.id)
    before = _rows(store)
    assert back(store) == ids[1] == active(store)
    assert _rows(store) == before + 1
    assert back(store) == ids[0] == active(store)
    with pytest.raises(ReleaseError, match="no release was active before"):
        back(store)


def test_a_rollback_may_name_any_release_that_was_active(
    store: Engine, tmp_path: Path, make_active: Activate
) -> None:
    first, _, _ = (build(store, write_project(tmp_path, days=days)) for days in (30, 31, 32))
    for days in (30, 31, 32):
        make_active(build(store, write_project(tmp_path, days=days)))
    assert back(store, first.release.id) == first.release.id
    with store.connect() as connection:
        assert former(connection) == []
        assert [one.kind for one in pointers(connection)] == ["activate"] * 3 + ["rollback"]


def test_nobody_goes_back_to_a_release_that_was_never_active(
    store: Engine, tmp_path: Path, make_active: Activate
) -> None:
    make_active(build(store, write_project(tmp_path, days=30)))
    never = build(store, write_project(tmp_path, days=31))
    with pytest.raises(ReleaseError, match="never active, so it was never checked"):
        back(store, never.release.id)


def test_a_rollback_is_done_at_once_and_the_command_says_when_there_is_nothing_left(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    store = open_store(f"sqlite:///{home}/assent.sqlite")
    for days in (30, 31):
        bundle = build(store, write_project(tmp_path / "project", days=days))
        activate(
            store, bundle.release.id, key=KEY.public, check=no_objection,
            actor="ana", note="why", at=AT,
        )  # fmt: skip
    began = time.process_time()
    back(store)
    assert time.process_time() - began < 0.5
    store.dispose()
    (home / "keys").mkdir()
    (home / "keys" / "release.pub").write_text(KEY.public.text())
    command = [Path(sys.executable).with_name("assent"), "release", "rollback", "--home", home]
    done = subprocess.run(
        [*command, "--actor", "ana", "--note", "back"], capture_output=True, text=True, check=False
    )
    assert "no release was active before" in done.stderr


def _rows(store: Engine) -> int:
    with store.connect() as connection:
        return connection.execute(select(func.count()).select_from(release_pointer)).scalar_one()
