"""Writes a demo world as a landing zone: one folder per system, files per entity, the truth beside
it.
"""

import csv
import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.demo import rates
from orchestration.demo.codes import SERIALS_PER_DAY, random_text
from orchestration.demo.columns import DAY, rows_of
from orchestration.demo.faults import with_faults
from orchestration.demo.files import (
    compressed,
    csv_lines,
    json_lines,
    parquet_bytes,
    with_line_ends,
    write_whole,
)
from orchestration.demo.people import PEOPLE_AT_MOST
from orchestration.demo.streams import Streams
from orchestration.demo.summary import FileSummary, WorldSummary
from orchestration.demo.world import World, world

ENTITIES = (
    "crm/contacts", "policy/policyholders", "policy/policies", "policy/claims", "billing/invoices",
    "service/tickets", "service/satisfaction", "product/accounts", "product/milestones",
    "communications/messages", "communications/engagement", "events/login", "events/feature_used",
    "events/claim_milestone", "events/ticket_resolved", "consent/consent_events",
)  # fmt: skip
LATE_ENTITIES = (
    "product/milestones", "communications/engagement", "events/login", "events/feature_used",
    "events/claim_milestone",
)  # fmt: skip
PEOPLE_AT_LEAST = 20  # below that, some nodes of the journeys would have no candidate
DAYS_AT_MOST = 90  # each takes a block of the 10^10 customer numbers: see codes.SERIALS_PER_DAY
_INVOICE_ARCHIVE_DAYS, _MILESTONE_ARCHIVE_DAYS, _LOGIN_ARCHIVE_DAYS = 180, 30, 90

# Without the letters that people read as digits.
REFERRAL_LETTERS = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # pragma: allowlist secret


@dataclass(frozen=True)
class _File:
    """A file to be written: its path below the landing zone, rows, bytes, faults by kind."""

    file: str
    rows: int
    content: bytes
    faults: dict[str, int]


def write_world(
    out: Path, *, people: int, seed: int, as_of: datetime, days: int = 0, truth: Path | None = None
) -> WorldSummary:
    """Writes the landing zone of `people` persons as of `as_of` (aware) into `out`, then `days`
    days after it.

    The truth (system, entity, record_id, person) goes to `truth`, by default
    `../truth/identity.csv` beside `out`; rows that are made to be refused are not in it. Equal
    arguments give equal bytes. Raises ValueError for arguments out of range and FileExistsError
    when `out` holds something already; `out` appears only when it is complete.
    """
    made = _world(people, seed, as_of, days)
    truth = _truth_path(out, truth)
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(
            f"{out} is not empty: choose another directory with --out, or remove it first"
        )
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    summary = _write(partial, out, truth, made, 0, as_of)
    write_whole(truth, _truth_bytes(made.truth(made.window(0)), header=True))
    if out.exists():
        out.rmdir()
    partial.rename(out)
    for day in range(1, days + 1):
        summary = summary.merged(_add_day(out, truth, made, day, as_of))
    return summary


def write_day(
    out: Path, *, people: int, seed: int, as_of: datetime, day: int, truth: Path | None = None
) -> WorldSummary:
    """Adds the files of day 1, 2, ... after `as_of` to the landing zone `out` of the same world,
    and to its truth.

    Pure in (people, seed, as_of, day): the base world is made again in memory, and files of other
    days are not read. Doing it again writes the same bytes. Raises ValueError for arguments out of
    range and FileNotFoundError when the base world has not been written.
    """
    if day < 1:
        raise ValueError("day must be 1 or more: day 0 is the base world, written by write_world")
    truth = _truth_path(out, truth)
    if not out.is_dir() or not truth.is_file():
        raise FileNotFoundError(
            f"no demo world at {out} with its truth at {truth}: write the base world first"
        )
    return _add_day(out, truth, _world(people, seed, as_of, day), day, as_of)


def _world(people: int, seed: int, as_of: datetime, days: int) -> World:
    if as_of.tzinfo is None:
        raise ValueError("as_of must have a UTC offset, for example 2026-11-20T06:00:00+00:00")
    at_most = min(PEOPLE_AT_MOST // 2, SERIALS_PER_DAY // 10)
    if not PEOPLE_AT_LEAST <= people <= at_most:
        raise ValueError(f"people must be {PEOPLE_AT_LEAST} to {at_most:,}")
    if not 0 <= days <= DAYS_AT_MOST:
        raise ValueError(f"days must be 0 to {DAYS_AT_MOST}")
    return world(people, seed, int(as_of.timestamp()), days)


def _truth_path(out: Path, truth: Path | None) -> Path:
    path = truth or out.parent / "truth" / "identity.csv"
    if path.resolve().is_relative_to(out.resolve()):
        message = f"the truth {path} must lie outside the landing zone {out}: no step may read it"
        raise ValueError(message)
    return path


def _add_day(out: Path, truth: Path, made: World, day: int, as_of: datetime) -> WorldSummary:
    summary = _write(out, out, truth, made, day, as_of)
    known = {
        tuple(row[:3])
        for row in csv.reader(io.StringIO(truth.read_text(encoding="utf-8"), newline=""))
    }
    table = made.truth(made.window(day))
    new = [(r["system"], r["entity"], r["record_id"]) not in known for r in table.to_pylist()]
    write_whole(
        truth,
        truth.read_bytes() + _truth_bytes(rows_of(table, np.array(new, dtype=bool)), header=False),
    )
    return summary


def _write(
    where: Path, out: Path, truth: Path, made: World, day: int, as_of: datetime
) -> WorldSummary:
    written: list[FileSummary] = []
    faults: dict[str, int] = {}
    for one in _base_files(made, as_of) if day == 0 else _day_files(made, day, as_of):
        write_whole(where / one.file, one.content)
        written.append(FileSummary(one.file, one.rows, len(one.content)))
        faults |= {f"{one.file}:{kind}": count for kind, count in one.faults.items()}
    named = len(made.truth(made.window(day)))
    return WorldSummary(out, truth, made.size, made.seed, as_of, day, named, tuple(written), faults)


def _base_files(made: World, as_of: datetime) -> Iterator[_File]:
    window, streams, today = made.window(0), Streams(made.seed, "faults"), _day_name(as_of, 0)
    for entity in ENTITIES:
        if entity == "billing/invoices":
            cutoff = window.until // DAY - _INVOICE_ARCHIVE_DAYS
            name = f"{entity}-{_day_name(as_of, -_INVOICE_ARCHIVE_DAYS)}.csv.gz"
            archive = made.invoices.export(window, issued_before=cutoff)
            yield _File(name, len(archive), compressed(_csv(archive, csv_lines(archive))), {})
            yield _with_faults(streams, entity, made.invoices.export(window, issued_from=cutoff))
            continue
        table = made.export(entity, window)
        if entity == "product/accounts":
            table = _with_unannounced_column(streams, table)
            yield _File(
                f"{entity}.csv",
                len(table),
                _csv(table, csv_lines(table)),
                {"unannounced_column": 1},
            )
            continue
        if entity == "product/milestones":
            old, table = _split(table, "reached_at", window.until - _MILESTONE_ARCHIVE_DAYS * DAY)
            reached = pc.strptime(
                old.column("reached_at"), format="%Y-%m-%dT%H:%M:%S+00:00", unit="us"
            )
            typed = old.set_column(2, "reached_at", reached.cast(pa.timestamp("us", tz="UTC")))
            yield _File(f"{entity}/part-0.parquet", len(old), parquet_bytes(typed), {})
        if entity == "events/login":
            old, table = _split(table, "time", window.until - _LOGIN_ARCHIVE_DAYS * DAY)
            name = f"{entity}-{_day_name(as_of, -_LOGIN_ARCHIVE_DAYS)}.jsonl.gz"
            yield _File(name, len(old), compressed(with_line_ends(json_lines(old), "\n")), {})
        one = _with_faults(streams, entity, table)
        yield one
        if entity == "crm/contacts":
            yield _older_versions(made, streams, today, window.until)
        if entity == "policy/claims":
            yield _File(
                f"{entity}-{today}-redelivered.csv", one.rows, one.content, {"repeated_file": 1}
            )


def _day_files(made: World, day: int, as_of: datetime) -> Iterator[_File]:
    window, today = made.window(day), _day_name(as_of, day)
    for entity in ENTITIES:
        yield from _sound(entity, f"{entity}-{today}", made.export(entity, window))
    for entity in LATE_ENTITIES:
        late = made.latecomers(entity, window)
        for one in _sound(entity, f"{entity}-{today}-late", late):
            yield _File(one.file, one.rows, one.content, {"late_row": one.rows})
    yesterday = made.window(day - 1)
    if day == 1:
        again = _older_versions(
            made, Streams(made.seed, "faults"), _day_name(as_of, 0), yesterday.until
        )
    else:
        (again,) = _sound("crm/contacts", "", made.export("crm/contacts", yesterday))
    yield _File(
        f"crm/contacts-{today}-redelivered.csv", again.rows, again.content, {"repeated_file": 1}
    )


def _sound(entity: str, stem: str, table: pa.Table) -> Iterator[_File]:
    """The rows as a file without faults; no file for no rows."""
    if not len(table):
        return
    if _is_json(entity):
        yield _File(f"{stem}.jsonl", len(table), with_line_ends(json_lines(table), "\n"), {})
    else:
        yield _File(f"{stem}.csv", len(table), _csv(table, csv_lines(table)), {})


def _with_faults(streams: Streams, entity: str, table: pa.Table) -> _File:
    file = f"{entity}.jsonl" if _is_json(entity) else f"{entity}.csv"
    lines, counts = with_faults(
        streams, file, table, json_lines(table) if _is_json(entity) else csv_lines(table)
    )
    content = with_line_ends(lines, "\n") if _is_json(entity) else _csv(table, lines)
    return _File(file, len(lines), content, counts)


def _older_versions(made: World, streams: Streams, today: str, until: int) -> _File:
    """A later file of contacts: older versions of some, and some again as they are."""
    register = made.contacts
    size = len(register.host)
    older, again = (
        np.sort(streams.stream("contacts", name).permutation(size)[: max(1, round(share * size))])
        for name, share in (("older", rates.STALE_VERSION_SHARE), ("overlap", rates.OVERLAP_SHARE))
    )
    table = pa.concat_tables(
        [
            register.older_versions(streams.stream("contacts", "age"), older),
            rows_of(register.table, again),
        ]
    )
    counts = {"older_version": len(older), "overlapping_row": len(again)}
    return _File(f"crm/contacts-{today}.csv", len(table), _csv(table, csv_lines(table)), counts)


def _with_unannounced_column(streams: Streams, table: pa.Table) -> pa.Table:
    code = random_text(streams.stream("referral"), REFERRAL_LETTERS, 6, len(table))
    return table.append_column("referral_code", code)


def _split(table: pa.Table, column: str, before: int) -> tuple[pa.Table, pa.Table]:
    """Rows older than that moment, and the others; ISO timestamps in UTC sort as text."""
    limit = datetime.fromtimestamp(before, UTC).isoformat()
    older = pc.less(table.column(column), limit).to_numpy()
    return rows_of(table, older), rows_of(table, ~older)


def _csv(table: pa.Table, lines: pa.Array) -> bytes:
    return ",".join(table.column_names).encode() + b"\r\n" + with_line_ends(lines, "\r\n")


def _truth_bytes(table: pa.Table, *, header: bool) -> bytes:
    return _csv(table, csv_lines(table)) if header else with_line_ends(csv_lines(table), "\r\n")


def _is_json(entity: str) -> bool:
    return entity.startswith(("events/", "consent/"))


def _day_name(as_of: datetime, day: int) -> str:
    return (as_of.astimezone(UTC) + timedelta(days=day)).date().isoformat()
