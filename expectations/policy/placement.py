"""Lints the YAML files themselves: dbt drops a `policy` in the wrong place without a word."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from expectations.located_yaml import LocatedYaml, Location, SourceError, read_yaml
from expectations.policy.finding import Code, Finding

#: What `config.meta` may hold for us; anywhere else dbt may drop it.
OURS = ("policy", "sync")
_MENTIONED = re.compile(r"^[^#\n]*\b(policy|policies|polices|sync)['\"]?\s*:", re.MULTILINE)
#: Whose content is rows or arguments, where a column may have any name.
_FREE = ("unit_tests", "data_tests", "tests", "given", "expect", "rows", "arguments", "vars")


def misplaced(root: Path, folders: tuple[str, ...], shown: str = "") -> Iterator[Finding]:
    """A finding for each misplaced key of the YAML files below `folders` of the project `root`.

    Files that mention no such key are not parsed.
    """
    for folder in folders:
        for path in sorted((root / folder).rglob("*.y*ml")):
            if not _MENTIONED.search(path.read_text(encoding="utf-8", errors="replace")):
                continue
            relative = path.relative_to(root).as_posix()
            name = f"{shown}/{relative}" if shown else relative
            try:
                document = read_yaml(path)
            except SourceError as error:
                yield Finding(
                    Code.UNREADABLE,
                    str(error),
                    "mend the file; labels in it can't be trusted",
                    name,
                    error.line or 1,
                )
                continue
            yield from _of_document(document, name)


def _of_document(document: LocatedYaml, file: str) -> Iterator[Finding]:
    for at in _mentions(document.content, ()):
        if at[-3:-1] == ("config", "meta"):
            continue
        where = "/".join(str(one) for one in at[:-1] if not isinstance(one, int))
        yield Finding(
            Code.MISPLACED_KEY,
            f"{at[-1]} stands under {where or 'the file'}, where nothing reads it",
            f"move it to config: {{meta: {{{at[-1]}: ...}}}} of the same entry",
            file,
            document.lines[at],
            model=_name(document.content, at),
        )


def _mentions(content: object, at: Location) -> Iterator[Location]:
    if isinstance(content, Mapping):
        for key, value in content.items():
            if key in OURS:
                yield (*at, key)
            elif key not in _FREE:
                yield from _mentions(value, (*at, key))
    elif isinstance(content, list):
        for position, one in enumerate(content):
            yield from _mentions(one, (*at, position))


def _name(content: object, at: Location) -> str:
    """The names of the entries on the way, as `model.column`."""
    names = []
    for step in at:
        content = content[step]  # type: ignore[index]
        if isinstance(content, Mapping) and isinstance(content.get("name"), str):
            names.append(content["name"])
    return ".".join(names)
