"""Read a YAML file that a person edits: strictly, and remembering the line of each value.

Refused: files above 64 KiB, nesting deeper than 20, anchors and aliases (a bomb of nine lines can
stand for gigabytes), explicit tags, merge keys, duplicate keys (two readers may take different
ones) and more than one document.
"""

import re
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import yaml

MAXIMUM_BYTES = 65_536
MAXIMUM_DEPTH = 20

Location = tuple[str | int, ...]


class SourceError(ValueError):
    """An input file that cannot be used: names the file, the line, the field and the fix.

    It never repeats a value of the file.
    """

    def __init__(self, file: str, line: int, field: str, message: str, fix: str) -> None:
        where = f"{file}:{line}: {field}: " if field else f"{file}:{line}: "
        super().__init__(f"{where}{message}. Fix: {fix}.")
        self.file = file
        self.line = line
        self.field = field


@dataclass(frozen=True)
class YamlSource:
    """One document: its content, and the line (from 1) on which each value starts."""

    file: str
    content: object
    lines: dict[Location, int]

    def error(self, location: Location, message: str, fix: str) -> SourceError:
        """The error for the value at `location`, with the nearest line that is known."""
        for length in range(len(location), -1, -1):
            if location[:length] in self.lines:
                line = self.lines[location[:length]]
                break
        else:
            line = 1
        return SourceError(self.file, line, ".".join(map(str, location)), message, fix)


def read_yaml(path: Path) -> YamlSource:
    """Read one YAML document. Raises SourceError with file, line and fix."""
    name = path.name
    data = path.read_bytes()
    if len(data) > MAXIMUM_BYTES:
        raise SourceError(name, 1, "", f"larger than {MAXIMUM_BYTES} bytes", "split the file")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(name, 1, "", "not UTF-8", "save the file as UTF-8") from error
    try:
        _check_events(name, text)
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            raise SourceError(name, 1, "", "the file is empty", "fill it or remove it")
        lines: dict[Location, int] = {}
        content = _build(name, node, (), lines)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SourceError(
            name, line, "", "not valid YAML", "check indentation and quotes"
        ) from error
    except yaml.YAMLError as error:
        raise SourceError(name, 1, "", "not valid YAML", "remove control characters") from error
    return YamlSource(name, content, lines)


class _Loader(yaml.SafeLoader):
    """YAML with decimals instead of floats, and only true and false as booleans."""


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
) -> dict[Hashable, object]:
    result: dict[Hashable, object] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or not key_node.tag.endswith(":str"):
            raise SourceError(name, line, "", "a key is not text", "quote the key")
        key = key_node.value
        if key == "<<":
            raise SourceError(name, line, "", "merge keys are refused", "write it out")
        if key in result:
            raise SourceError(name, line, key, "the key stands twice", "keep one of them")
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
    except ValueError as error:
        raise SourceError(
            name,
            node.start_mark.line + 1,
            ".".join(map(str, at)),
            "the value does not exist in the calendar or is too long",
            "correct it, or quote it as text",
        ) from error
    return text
