"""What a demo world contains: for people on one screen, for tests and scripts as a value."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class FileSummary:
    """A written file: its path below the landing zone, its rows (sound and faulty, without the
    header), its bytes.
    """

    file: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class WorldSummary:
    """What was written. `faults` counts by `file:kind`; `named` is the number of records in the
    truth.
    """

    out: Path
    truth: Path
    people: int
    seed: int
    as_of: datetime
    days: int
    named: int
    files: tuple[FileSummary, ...]
    faults: dict[str, int] = field(default_factory=dict)

    def merged(self, later: "WorldSummary") -> "WorldSummary":
        """This summary with what a later day added."""
        return WorldSummary(
            self.out, self.truth, self.people, self.seed, self.as_of, max(self.days, later.days),
            self.named + later.named, (*self.files, *later.files), {**self.faults, **later.faults},
        )  # fmt: skip


def rendered(summary: WorldSummary) -> RenderableType:
    """The summary as one screen: an entity a line, with its files, rows and faults."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("system / entity")
    for heading in ("files", "rows", "kB"):
        table.add_column(heading, justify="right")
    table.add_column("made to be refused, reported or skipped")
    for entity, files in _by_entity(summary.files).items():
        faults = _kinds(summary.faults, {one.file for one in files})
        table.add_row(
            entity,
            f"{len(files)}",
            f"{sum(one.rows for one in files):,}",
            f"{sum(one.bytes for one in files) / 1000:,.0f}",
            ", ".join(f"{kind.replace('_', ' ')} {count:,}" for kind, count in faults.items()),
        )
    days = (
        f", then {summary.days} more day{'s' if summary.days != 1 else ''}" if summary.days else ""
    )
    head = f"{summary.people:,} people as of {summary.as_of.isoformat()}{days}; seed {summary.seed}"
    foot = f"landing zone {summary.out}; {summary.named:,} records name a person: {summary.truth}"
    return Group(Text(head, style="bold"), table, Text(foot))


def _by_entity(files: tuple[FileSummary, ...]) -> dict[str, list[FileSummary]]:
    groups: dict[str, list[FileSummary]] = {}
    for one in files:
        system, name = one.file.split("/")[:2]
        groups.setdefault(f"{system} / {name.split('.')[0].split('-')[0]}", []).append(one)
    return groups


def _kinds(faults: dict[str, int], files: set[str]) -> dict[str, int]:
    kinds: dict[str, int] = {}
    for name, count in faults.items():
        file, kind = name.rsplit(":", 1)
        if file in files:
            kinds[kind] = kinds.get(kind, 0) + count
    return kinds
