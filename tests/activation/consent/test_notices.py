"""Notices: what was shown stays as it was shown, and decides from when on consent counts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from activation.consent.events import InvalidEvent
from activation.consent.notices import load_notices
from activation.consent.recording import record
from activation.consent.regimes import REGIMES_FILE, load_regimes
from activation.store.tables import consent_event
from expectations.located_yaml import SourceError

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
TEXT = "We tell you about offers."


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes a list of notices: (version, is material, hash) for each."""

    def write(*notices: tuple[str, bool], digest: str = sha256(TEXT.encode()).hexdigest()) -> Path:
        (tmp_path / "notices").mkdir(exist_ok=True)
        (tmp_path / "notices" / "text.md").write_text(TEXT, encoding="utf-8")
        lines = ["notices:"]
        for version, material in notices:
            lines += [
                f"  - version: {version}",
                f"    effective_from: {version}-01",
                "    purposes: [marketing]",
                f"    material_change: {str(material).lower()}",
                "    summary: none",
                f"    texts: [{{language: en, file: notices/text.md, sha256: {digest}}}]",
            ]
        path = tmp_path / "notices.yml"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return write


def said(**fields: Any) -> dict[str, Any]:
    return {
        "identifier_type": "email",
        "identifier": " Ada@Example.com",
        "purpose": "marketing",
        "channel": "email",
        "action": "granted",
        "source": "call_centre",
        "occurred_at": NOW - timedelta(minutes=5),
        "recorded_at": NOW,
        "notices": load_notices().versions,
        "purposes": {"marketing", "renewal"},
        "entropy": lambda size: bytes(range(size)),
    } | fields


def test_consent_counts_from_the_last_material_change_on(written: Callable[..., Path]) -> None:
    notices = load_notices(written(("2024-05", True), ("2025-11", True), ("2026-03", False)))
    assert notices.minimum("marketing") == "2025-11"
    assert notices.minimum("profiling") is None


def test_a_text_that_was_changed_after_it_was_shown_is_refused(
    written: Callable[..., Path],
) -> None:
    path = written(("2024-05", True))
    (path.parent / "notices" / "text.md").write_text(TEXT + " And more.", encoding="utf-8")
    with pytest.raises(SourceError, match=r"notices\.0\.texts\.0\.sha256: .*version of its own"):
        load_notices(path)


def test_a_text_that_is_gone_is_named(written: Callable[..., Path]) -> None:
    path = written(("2024-05", True))
    (path.parent / "notices" / "text.md").unlink()
    with pytest.raises(SourceError, match=r"texts\.0\.file: there is no such file"):
        load_notices(path)


def test_versions_out_of_order_are_refused(written: Callable[..., Path]) -> None:
    with pytest.raises(SourceError, match="oldest first"):
        load_notices(written(("2025-11", True), ("2024-05", True)))


def test_a_regime_that_accepts_consent_under_an_outdated_notice_is_refused(
    written: Callable[..., Path],
) -> None:
    folder = written(("2024-05", True), ("2025-11", True), ("2026-03", True)).parent
    (folder / "regimes.yml").write_text(REGIMES_FILE.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(SourceError, match=r"purposes\.marketing\.minimum_notice.*write 2026-03"):
        load_regimes(folder / "regimes.yml")


def test_the_product_s_own_notices_and_regimes_agree() -> None:
    regimes = load_regimes()
    assert load_notices().minimum("marketing") == regimes.purposes["marketing"].minimum_notice


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"notice_version": "2020-01"}, "notice_version: is no version of notices.yml"),
        ({"identifier": "nobody"}, "identifier: is no readable email"),
        ({"identifier_type": "fax"}, "identifier_type: use one of"),
        ({"purpose": "selling"}, r"purpose: use one of marketing, renewal, or \*"),
        ({"purpose": "*"}, r"purpose, channel: a grant must name"),
        ({"occurred_at": NOW + timedelta(seconds=1)}, "occurred_at: lies in the future"),
    ],
)
def test_what_cannot_be_recorded_names_the_field_and_the_fix_and_no_value(
    store: Engine, fields: dict[str, Any], fault: str
) -> None:
    with pytest.raises(InvalidEvent, match=fault) as caught:
        record(store, **said(**fields))
    assert "example" not in str(caught.value).lower()
    with store.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(consent_event)) == 0


def test_a_refusal_is_recorded_whatever_notice_it_names(store: Engine) -> None:
    event, result = record(
        store, **said(action="withdrawn", purpose="*", channel="*", notice_version="1999-01")
    )
    assert (event.identifier, result.appended) == ("ada@example.com", 1)
