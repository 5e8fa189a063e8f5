"""Reads a YAML file that a person edits: strictly, and remembering the line of each value.

Refused: files above 64 KiB, nesting deeper than 20, anchors and aliases (a bomb of nine lines can
stand for gigabytes), explicit tags, merge keys, duplicate keys (two readers may take different
ones) and more than one document.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

MAXIMUM_BYTES = 65_536
MAXIMUM_DEPTH = 20

Location = tuple[str | int, ...]

_Model = TypeVar("_Model", bound=BaseModel)
_FAULTS = {
    "missing": ("is required", "add it"),
    "extra_forbidden": ("is not a known field", "remove it, or correct its spelling"),
    # Pydantic's own text repeats the value.
    "union_tag_invalid": ("{discriminator} must be one of {expected_tags}", ""),
}


class SourceError(ValueError):
    """An input file that can't be used: names the file, the line, the field and the fix.

    `line` is None where the fault has none. It never repeats a value of the file.
    """

    def __init__(
        self, file: str, line: int | None, field: str, message: str, fix: str = ""
    ) -> None:
        place = f"{file}:{line}" if line else file
        parts = [place, field, message] if field else [place, message]
        super().__init__(": ".join(parts) + (f". Fix: {fix}." if fix else "."))
        self.file = file
        self.line = line
        self.field = field


@dataclass(frozen=True)
class LocatedYaml:
    """One document: its content, and the line (from 1) on which each value starts.

    Scalars are text, int, Decimal, true and false, null, date, or datetime: NO stays Norway and
    20:00 a time of day.
    """

    file: str
    content: object
    lines: dict[Location, int]

    def error(self, location: Location, message: str, fix: str = "") -> SourceError:
        """The error for the value at `location`, with the nearest line that is known."""
        known = next(
            location[:length]
            for length in range(len(location), -1, -1)
            if location[:length] in self.lines
        )
        field = ".".join(map(str, location))
        return SourceError(self.file, self.lines[known], field, message, fix)

    def validate(self, model: type[_Model], hint: str = "") -> _Model:
        """The content as `model`; `hint` stands at the end of every fix.

        A validator may raise a PydanticCustomError whose context has a `fix`, and a dotted
        `location` within its model. Raises SourceError for the first fault of the file.
        """
        try:
            return model.model_validate(self.content)
        except ValidationError as error:
            # A misspelt name is two faults, a key missing and one too many: show what was written.
            first = min(
                error.errors(include_url=False, include_input=False),
                key=lambda fault: fault["type"] != "extra_forbidden",
            )
            context = first.get("ctx", {})
            message, fix = _FAULTS.get(first["type"], ("", ""))
            message = message.format_map(context) or first["msg"].removeprefix("Value error, ")
            fix = "; ".join(filter(None, [context.get("fix", fix), hint]))
            raise self.error(self._locate(first), message, fix) from None

    def _locate(self, fault: Any) -> Location:
        """Where the fault is in the file: pydantic adds a level for each branch of a union."""
        levels = fault["loc"]
        location: Location = ()
        for position, level in enumerate(levels, start=1):
            is_absent = fault["type"] == "missing" and position == len(levels)
            if is_absent or (*location, level) in self.lines:
                location = (*location, level)
        inner = fault.get("ctx", {}).get("location", "").split(".")
        return (*location, *(int(part) if part.isdigit() else part for part in inner if part))


def read_yaml(path: Path) -> LocatedYaml:
    """Read one YAML document. Raises SourceError with file, line and fix."""
    name = path.name
    text = _read_text(path)
    try:
        _check_events(name, text)
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            raise SourceError(name, 1, "", "the file is empty", "fill it or remove it")
        lines: dict[Location, int] = {}
        content = _build(name, node, (), lines)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SourceError(name, line, "", "is not YAML", "check indentation and quotes") from None
    except yaml.YAMLError:
        raise SourceError(name, 1, "", "is not YAML", "remove control characters") from None
    return LocatedYaml(name, content, lines)


def _read_text(path: Path) -> str:
    name = path.name
    try:
        with path.open("rb") as file:
            data = file.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise SourceError(
            name, None, "", f"can't be read: {error.strerror}", "check path and permissions"
        ) from None
    if len(data) > MAXIMUM_BYTES:
        raise SourceError(name, 1, "", f"larger than {MAXIMUM_BYTES} bytes", "split the file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise SourceError(name, 1, "", "not UTF-8", "save the file as UTF-8") from None


class _Loader(yaml.CSafeLoader):
    """YAML with decimals instead of floats, and only true and false as booleans.

    libyaml's parser: our 130 files take 0.1 CPU s with it, 1.1 without.
    """


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"null|~|", ["n", "~", ""]),
    ("bool", r"true|false", list("tf")),
    ("int", r"-?(0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(0|[1-9][0-9]*)\.[0-9]+", list("-0123456789")),
    ("timestamp", r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d))?", list("0123456789")),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$", re.ASCII), _first
    )


def _check_events(name: str, text: str) -> None:
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise SourceError(name, line, "", "anchors and aliases are refused", "write it out")
        if getattr(event, "tag", None):
            raise SourceError(name, line, "", "explicit tags are refused", "remove the tag")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAXIMUM_DEPTH:
            raise SourceError(name, line, "", "nested too deeply", "flatten the file")
        if documents > 1:
            raise SourceError(name, line, "", "more than one document", "keep one per file")


def _build(name: str, node: yaml.Node, at: Location, lines: dict[Location, int]) -> object:
    lines[at] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(name, node, at, lines)
    if isinstance(node, yaml.SequenceNode):
        return [_build(name, item, (*at, i), lines) for i, item in enumerate(node.value)]
    return _build_scalar(name, node, at)


def _build_mapping(
    name: str, node: yaml.MappingNode, at: Location, lines: dict[Location, int]
) -> dict[str, object]:
    result: dict[str, object] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or not key_node.tag.endswith(":str"):
            raise SourceError(name, line, "", "a key is not text", "quote the key")
        key = key_node.value
        if key == "<<":
            raise SourceError(name, line, "", "merge keys are refused", "write it out")
        if key in result:
            field = ".".join(map(str, (*at, key)))
            raise SourceError(name, line, field, "the key stands twice", "keep one of them")
        result[key] = _build(name, value_node, (*at, key), lines)
        lines[*at, key] = line
    return result


def _build_scalar(name: str, node: yaml.Node, at: Location) -> object:
    kind, text = node.tag.rsplit(":", 1)[1], str(node.value)
    try:
        match kind:
            case "null":
                return None
            case "bool":
                return text == "true"
            case "int":
                return int(text)
            case "float":
                return Decimal(text)
            case "timestamp":
                return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    except ValueError:
        raise SourceError(
            name,
            node.start_mark.line + 1,
            ".".join(map(str, at)),
            "the value does not exist in the calendar or is too long",
            "correct it, or quote it as text",
        ) from None
    return text
