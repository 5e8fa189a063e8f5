"""A policy where dbt drops it is an error with a line, not silence."""

from pathlib import Path

import pytest

from expectations.policy.finding import Code
from expectations.policy.placement import misplaced

MISPLACED = {
    "directly under a column": "models:\n- name: m\n  columns:\n  - name: c\n    policy: {}\n",
    "under config": "models:\n- name: m\n  columns:\n  - name: c\n    config:\n      policy: {}\n",
    "under the old meta": "models:\n- name: m\n  columns: [{name: c, meta:\n    {policy: {}}}]\n",
    "under the model": "models:\n- name: m\n  policy: {}\n",
    "quoted": 'models:\n- name: m\n  "policy": {}\n',
    "a sync under the exposure": "exposures:\n- name: e\n  sync: {}\n",
}


def found(tmp_path: Path, text: str) -> list[tuple[Code, int, str]]:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.yml").write_text(text)
    return [(one.code, one.line, one.model) for one in misplaced(tmp_path, ("models",))]


@pytest.mark.parametrize("name", MISPLACED)
def test_a_key_in_the_wrong_place_is_found_on_its_line(tmp_path: Path, name: str) -> None:
    text = MISPLACED[name]
    line = next(n for n, one in enumerate(text.splitlines(), 1) if "policy" in one or "sync" in one)
    ((code, where, _),) = found(tmp_path, text)
    assert (code, where) == (Code.MISPLACED_KEY, line)


def test_config_meta_is_the_right_place_and_rows_may_name_a_column_policy(tmp_path: Path) -> None:
    text = (
        "models:\n- name: m\n  config: {meta: {policy: {}}}\n"
        "unit_tests:\n- name: t\n  given: [{rows: [{policy: 1}]}]\n"
    )
    assert found(tmp_path, text) == []


def test_an_alias_makes_labels_that_nobody_wrote_and_is_refused(tmp_path: Path) -> None:
    text = "a: &a {policy: {}}\nmodels:\n- name: m\n  config: *a\n"
    assert [code for code, _, _ in found(tmp_path, text)] == [Code.UNREADABLE]
