"""What the reader of YAML data files refuses, and what its errors name."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from expectations.located_yaml import SourceError, read_yaml


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


def test_a_country_code_and_a_decimal_keep_what_was_written(tmp_path: Path) -> None:
    assert read(tmp_path, "a: [NO, 2025-11]\nb: 0.10\n") == {
        "a": ["NO", "2025-11"],
        "b": Decimal("0.10"),
    }


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"^absent\.yml: can't be read: .*Fix: ") as caught:
        read_yaml(tmp_path / "absent.yml")
    assert caught.value.line is None


class Square(BaseModel):
    model_config = ConfigDict(extra="forbid")

    shape: Literal["square"]
    side: Annotated[int, Field(ge=1)]


class Circle(BaseModel):
    model_config = ConfigDict(extra="forbid")

    shape: Literal["circle"]
    radius: Annotated[int, Field(ge=1)] | Literal["unit"]


class Drawing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str
    shapes: list[Annotated[Square | Circle, Field(discriminator="shape")]]

    @model_validator(mode="after")
    def _titled(self) -> "Drawing":
        if self.title == "untitled":
            raise PydanticCustomError(
                "title", "the title says nothing", {"location": "title", "fix": "describe it"}
            )
        if self.title == "empty":
            raise ValueError("the drawing is empty; draw something")
        return self


FAULTS = {
    "a missing field": (
        "title: x\nshapes:\n  - shape: square\n",
        "node.yml:3: shapes.0.side: is required. Fix: add it; see the manual.",
    ),
    "a misspelt field, shown as what was written": (
        "title: x\nshapes:\n  - shape: square\n    sied: 2\n",
        "node.yml:4: shapes.0.sied: is not a known field. "
        "Fix: remove it, or correct its spelling; see the manual.",
    ),
    "a field in a branch of two unions": (
        "title: x\nshapes:\n  - shape: circle\n    radius: 0\n",
        "node.yml:4: shapes.0.radius: Input should be greater than or equal to 1. "
        "Fix: see the manual.",
    ),
    "an unknown branch, without the value": (
        "title: x\nshapes:\n  - shape: hush\n",
        "node.yml:3: shapes.0: 'shape' must be one of 'square', 'circle'. Fix: see the manual.",
    ),
    "another type, without the value": (
        "title: x\nshapes: hush\n",
        "node.yml:2: shapes: Input should be a valid list. Fix: see the manual.",
    ),
    "a check that names place and fix": (
        "shapes: []\ntitle: untitled\n",
        "node.yml:2: title: the title says nothing. Fix: describe it; see the manual.",
    ),
    "a check that names neither": (
        "shapes: []\ntitle: empty\n",
        "node.yml:1: the drawing is empty; draw something. Fix: see the manual.",
    ),
}


@pytest.mark.parametrize(("text", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_what_a_model_refuses_is_told_in_words_of_the_file(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "node.yml"
    path.write_text(text)
    with pytest.raises(SourceError) as caught:
        read_yaml(path).validate(Drawing, "see the manual")
    assert str(caught.value) == said


def test_a_right_file_becomes_its_model(tmp_path: Path) -> None:
    path = tmp_path / "node.yml"
    path.write_text("title: x\nshapes: [{shape: circle, radius: unit}]\n")
    assert read_yaml(path).validate(Drawing).shapes == [Circle(shape="circle", radius="unit")]
