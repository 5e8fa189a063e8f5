"""Reads a YAML data file as texts, lists and mappings, and remembers the line of each value."""

import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

Path_ = tuple[str | int, ...]
_LARGEST_FILE = 1_000_000
_PYDANTIC_LEVEL = re.compile(r"\[key\]$|(list|literal|constrained-str)\b")
_FIXES = {"extra_forbidden": "is not a known field; remove it", "missing": "is required"}


class DataFileError(ValueError):
    """A data file that cannot be used: names the file, the line, the field and the fix."""

    def __init__(self, path: Path, line: int | None, field: str, fix: str) -> None:
        place = f"{path.name}:{line}" if line else path.name
        super().__init__(f"{place}: {field}: {fix}" if field else f"{place}: {fix}")
        self.path = path
        self.line = line
        self.field = field
        self.fix = fix


class LocatedYaml:
    """The content of a YAML file. `data` holds texts only: NO stays Norway, 2025-11-01 no date."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: dict[Path_, int] = {}
        self.data = self._construct(self._compose(), ())

    def error(self, location: Path_, fix: str) -> DataFileError:
        """An error about the value at `location`, with the line of the nearest value above it."""
        known = location
        while known and known not in self._lines:
            known = known[:-1]
        field = ".".join(str(part) for part in location)
        return DataFileError(self.path, self._lines.get(known), field, fix)

    def invalid(self, error: ValidationError) -> DataFileError:
        """The first complaint of a pydantic model about `data`, in words of the file."""
        first = error.errors(include_url=False, include_input=False)[0]
        # Pydantic names the branch of a union as a level that the file does not have.
        location = tuple(part for part in first["loc"] if not _PYDANTIC_LEVEL.match(str(part)))
        fix = _FIXES.get(first["type"], first["msg"].removeprefix("Value error, "))
        return self.error(location, fix)

    def _compose(self) -> yaml.Node:
        try:
            if self.path.stat().st_size > _LARGEST_FILE:
                raise DataFileError(self.path, None, "", "is too large for a data file")
            node = yaml.compose(self.path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except OSError as error:
            raise DataFileError(self.path, None, "", f"cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise DataFileError(self.path, None, "", "must be UTF-8 text") from None
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else None
            raise DataFileError(self.path, line, "", f"is not YAML: {error.problem}") from None
        except yaml.YAMLError:
            raise DataFileError(self.path, None, "", "is not YAML") from None
        if node is None:
            raise DataFileError(self.path, None, "", "is empty")
        return node

    def _construct(self, node: yaml.Node, location: Path_) -> Any:
        if location in self._lines:
            raise self.error(location, "appears twice; keep one")
        self._lines[location] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            mapping: dict[str, Any] = {}
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise self.error(location, "keys must be plain texts")
                mapping[key.value] = self._construct(value, (*location, key.value))
            return mapping
        if isinstance(node, yaml.SequenceNode):
            return [
                self._construct(item, (*location, index)) for index, item in enumerate(node.value)
            ]
        if not isinstance(node, yaml.ScalarNode):
            raise self.error(location, "must be a text, a list or a mapping")
        # An empty plain scalar is YAML's null.
        return node.value if node.value or node.style else None
