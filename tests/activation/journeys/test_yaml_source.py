from pathlib import Path

import pytest

from activation.journeys import SourceError
from activation.journeys.yaml_source import read_yaml


def read(tmp_path: Path, text: str | bytes) -> object:
    path = tmp_path / "node.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(path).content


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"

REFUSED = {
    "an alias bomb": (BOMB, 1),
    "an anchor alone": ("a: 1\nb: &x 2\n", 2),
    "a duplicate key": ("a: 1\nb: 2\na: 3\n", 3),
    "a duplicate key inside": ("a:\n  b: 1\n  b: 1\n", 3),
    "a Python tag": ("a: !!python/object/apply:os.system [ls]\n", 1),
    "an own tag": ("a: 1\nb: !secret x\n", 2),
    "a harmless tag": ("a: !!str 1\n", 1),
    "a merge key": ("<<: {a: 1}\n", 1),
    "two documents": ("a: 1\n---\nb: 1\n", 2),
    "a number as a key": ("1: a\n", 1),
    "a list as a key": ("? [a, b]\n: 1\n", 1),
    "an empty file": ("", 1),
    "a comment alone": ("# nothing\n", 1),
    "broken indentation": ("a:\n  b: 1\n c: 2\n", 3),
    "an unclosed quote": ("a: 'b\n", 2),
    "a tab": ("a:\n\tb: 1\n", 2),
    "deep nesting": ("a: " + "[" * 30 + "]" * 30 + "\n", 1),
    "very deep nesting": ("a: " + "[" * 30_000, 1),
    "a control character": ("a: b\x07\n", 1),
    "a file too large": ("a: " + "x" * 70_000 + "\n", 1),
    "a date that does not exist": ("a: 2026-02-30\n", 1),
}


@pytest.mark.parametrize(("text", "line"), REFUSED.values(), ids=REFUSED.keys())
def test_what_a_careful_reader_refuses(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(SourceError, match=r"^node\.yml:\d+: .*Fix: ") as caught:
        read(tmp_path, text)
    assert caught.value.line == line


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="UTF-8"):
        read(tmp_path, b"a: \xff\xfe\n")


def test_words_that_yaml_once_took_for_booleans_stay_text(tmp_path: Path) -> None:
    assert read(tmp_path, "a: no\nb: on\nc: yes\nd: true\n") == {
        "a": "no",
        "b": "on",
        "c": "yes",
        "d": True,
    }


def test_a_time_of_day_is_not_a_number_in_base_sixty(tmp_path: Path) -> None:
    assert read(tmp_path, "a: 20:00\n") == {"a": "20:00"}


def test_each_value_remembers_its_line(tmp_path: Path) -> None:
    path = tmp_path / "node.yml"
    path.write_text("a: 1\nb:\n  - c: 2\n    d: 3\n", encoding="utf-8")
    lines = read_yaml(path).lines
    assert lines["b", 0, "d"] == 4
    assert lines["a",] == 1
