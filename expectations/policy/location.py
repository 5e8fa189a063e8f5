"""Where in the YAML a policy stands: file and line, read only when there is something to say."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from expectations.located_yaml import LocatedYaml, Location, SourceError, read_yaml

Node = Mapping[str, Any]


class Locator:
    """Finds lines in the files of a project. `root` is the folder that the manifest's paths start
    from; `shown` stands before them in reports."""

    def __init__(self, root: Path, shown: str = "") -> None:
        self.root = root
        self._shown = shown
        self._read: dict[str, LocatedYaml | None] = {}

    def show(self, path: str) -> str:
        """A path of the manifest as a report names it."""
        return f"{self._shown}/{path}" if self._shown else path

    def place(self, node: Node, column: str = "", *keys: str) -> tuple[str, int]:
        """File and line of a relation's column, or of the nearest thing that has a line.

        `keys` lead into the column's or relation's entry. A model without YAML is placed in its
        SQL.
        """
        path = yaml_path(node)
        document = self._document(path)
        if document is None:
            return self.show(path), 1
        at = _entry(document, node)
        if at and column:
            at = _named(document, (*at, "columns"), column) or at
        for length in range(len(keys), -1, -1):
            if (*at, *keys[:length]) in document.lines:
                return self.show(path), document.lines[*at, *keys[:length]]
        return self.show(path), 1

    def _document(self, path: str) -> LocatedYaml | None:
        if path not in self._read:
            self._read[path] = None
            if path.endswith((".yml", ".yaml")):
                with suppress(SourceError):  # the lint of the files reports it
                    self._read[path] = read_yaml(self.root / path)
        return self._read[path]


def yaml_path(node: Node) -> str:
    """The YAML file of a node, relative to the project; of one without YAML its own file."""
    patch = node.get("patch_path")
    return str(patch).partition("://")[2] if patch else str(node["original_file_path"])


def _entry(document: LocatedYaml, node: Node) -> Location:
    if node["resource_type"] == "source":
        source = _named(document, ("sources",), node["source_name"])
        return _named(document, (*source, "tables"), node["name"]) if source else ()
    return _named(document, (node["resource_type"] + "s",), node["name"])


def _named(document: LocatedYaml, at: Location, name: str) -> Location:
    """Where in a list the entry of that name stands; () when there is none."""
    content: Any = document.content
    for step in at:
        try:
            content = content[step]
        except (KeyError, IndexError, TypeError):
            return ()
    if isinstance(content, list):
        for position, one in enumerate(content):
            if isinstance(one, Mapping) and str(one.get("name", "")).lower() == name.lower():
                return (*at, position)
    return ()
