"""What differs between two releases, in the words of the files: which field of which node."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from activation.release.bundle import CONSENT, JOURNEYS
from activation.release.release import Bundle

_LINES_SHOWN = 12


@dataclass(frozen=True)
class RuleChange:
    """One field that differs; None on the side that does not have it.

    `place` is a node, `policies`, or the path of a file; `field` is dotted.
    """

    place: str
    field: str
    before: str | None
    after: str | None


def rule_changes(before: Bundle, after: Bundle) -> list[RuleChange]:
    """The differing fields of nodes, policies and consent rules, and the other files by line count.

    A file of which only comments or layout differ is listed without a field.
    """
    old_rules, new_rules = before.release.manifest, after.release.manifest
    changes = [
        *_nodes(old_rules["journeys"], new_rules["journeys"]),
        *_fields("policies", old_rules["policies"], new_rules["policies"]),
    ]
    for path in sorted({*before.files, *after.files}):
        old, new = before.files.get(path), after.files.get(path)
        if old != new:
            changes += _file(path, old, new, changes)
    return changes


def _nodes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[RuleChange]:
    for name in sorted({*before, *after}):
        if name not in after or name not in before:
            yield RuleChange(
                name,
                "the whole node",
                before[name]["description"] if name in before else None,
                after[name]["description"] if name in after else None,
            )
        else:
            yield from _fields(name, before[name], after[name])


def _fields(place: str, before: Any, after: Any) -> Iterator[RuleChange]:
    old, new = dict(_flat("", before)), dict(_flat("", after))
    # What decides comes before the examples that follow it.
    for field in sorted({*old, *new}, key=lambda one: (one.startswith("examples."), one)):
        if old.get(field) != new.get(field):
            yield RuleChange(place, field, old.get(field), new.get(field))


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every value by its dotted place; a list of plain values is one value."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else str(name), inner)
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        for position, inner in enumerate(value):
            name = inner.get("id") or inner.get("name") if isinstance(inner, Mapping) else None
            yield from _flat(f"{prefix}.{name or position}", inner)
    elif value is not None:
        yield prefix, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _file(path: str, old: str | None, new: str | None, known: list[RuleChange]) -> list[RuleChange]:
    if path.startswith(JOURNEYS):
        name = path.rpartition("/")[2].removesuffix(".yml")
        told = any(change.place == name for change in known)
        return [] if told else [RuleChange(path, "comments or layout", None, None)]
    if path.startswith(CONSENT) and old is not None and new is not None:
        fields = list(_fields(path, yaml.safe_load(old), yaml.safe_load(new)))
        return fields or [RuleChange(path, "comments or layout", None, None)]
    removed, added = _lines(old, new)
    return [
        RuleChange(
            path,
            "lines",
            None if old is None else _told(removed, "removed"),
            None if new is None else _told(added, "added"),
        )
    ]


def _lines(old: str | None, new: str | None) -> tuple[list[str], list[str]]:
    """The lines that one side alone has."""
    compared = list(difflib.ndiff((old or "").splitlines(), (new or "").splitlines()))
    removed, added = (
        [line[2:] for line in compared if line.startswith(mark)] for mark in ("- ", "+ ")
    )
    return removed, added


def _told(lines: list[str], what: str) -> str:
    """How many lines, and the first of them: who judges a change of SQL wants to read it."""
    shown = [line for line in lines if line.strip()][:_LINES_SHOWN]
    rest = ["..."] if len(lines) > len(shown) and shown else []
    return "\n".join([f"{len(lines)} {what}", *shown, *rest])
