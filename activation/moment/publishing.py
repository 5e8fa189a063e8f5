"""Publish the read copy: what a decision about one person needs, out of the warehouse.

    read_copy/<name>/*.arrow       tables, sorted by their first columns, for binary search
    read_copy/<name>/manifest.json what they are, and the run that they are of
    read_copy/current              link to the newest whole copy, swapped by an atomic rename

The tables are uncompressed Arrow files that readers map into memory, and not Parquet: any number of
processes share the pages of one copy, and opening it takes no time at all (docs/decisions/0011).
It holds addresses of persons, so it is for its owner alone.
"""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from activation.decisions.bundle import Context, projection, read_contexts
from activation.decisions.literals import instant_text, name
from activation.decisions.tables import ensure_tables
from activation.journeys.loading import JourneySet
from activation.journeys.names import Channel

FORMAT = "assent-read-copy-1"
CURRENT = "current"
MANIFEST = "manifest.json"
_ROWS_AT_ONCE = 122_880

_PERSON = f"""
    -- grain: one row per person
    select
        p.person_id, p.residency, p.timezone,
        {", ".join(f"p.reachable_{channel}" for channel in Channel)},
        c.jurisdiction, coalesce(c.has_relationship, false) as has_relationship,
        coalesce(c.is_existing_customer, false) as is_existing_customer,
        coalesce(c.is_minor, false) as is_minor
    from contexts.ctx_person as p
    left join consent.con_persons as c on c.person_id = p.person_id
    order by p.person_id
"""
_LINK = """
    -- grain: one row per person and identifier
    select
        person_id, identifier_type, identifier,
        bool_or(not is_restriction_only and status = 'ok' and assurance in ('A', 'B'))
            as may_permit,
        bool_or(status = 'blocked') as is_blocked
    from identity.id_person_identifiers
    group by person_id, identifier_type, identifier
    order by person_id, identifier_type, identifier
"""
_FORMER_LINK = """
    -- grain: one row per person and identifier of somebody they were one person with
    select person_id, identifier_type, identifier, parted_at
    from consent.con_former_links
    order by person_id, identifier_type, identifier
"""
_ACT = """
    -- grain: one row per act of the past, under the person it counts for today
    select
        coalesce(s.person_id, l.person_id) as person_id, l.node, l.subject_id, l.as_of, l.once_key,
        l.purpose, l.channel, l.outcome, l.release
    from activation.decision_log as l
    left join activation.person_successor as s on s.former_person_id = l.person_id
    where l.outcome = 'act'
    order by 1, l.as_of, l.node, l.subject_id
"""
_DONE = """
    -- grain: one row per node and once_key that an act has used up
    select distinct once_key, node
    from activation.decision_log
    where outcome = 'act' and once_key is not null
    order by once_key, node
"""
_VOLUME = """
    -- grain: one row per act, by node and time
    select node, as_of from activation.decision_log where outcome = 'act' order by node, as_of
"""
_RELEASE_NODE = "select release, node, kind from activation.release_node order by release, node"
_SUCCESSOR = """
    select former_person_id, person_id from activation.person_successor order by former_person_id
"""
_TABLES = {
    "person": _PERSON,
    "link": _LINK,
    "former_link": _FORMER_LINK,
    "act": _ACT,
    "done": _DONE,
    "volume": _VOLUME,
    "release_node": _RELEASE_NODE,
    "successor": _SUCCESSOR,
}


def publish_copy(
    connection: duckdb.DuckDBPyConnection,
    directory: Path,
    *,
    journeys: JourneySet,
    as_of: datetime,
) -> Path:
    """Write a new copy below `directory` and make it the current one; returns its folder.

    `as_of` is the instant of the run that built the warehouse's tables: the copy ages from there.
    Of each context only the keys and the fields that some node may read are copied. A reader has
    the former copy or the new one whole, never a mixture; copies that nothing names any more are
    removed, which does not disturb readers that have mapped them.
    """
    ensure_tables(connection)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = 1 + max((int(path.name) for path in _copies(directory)), default=0)
    target = directory / f"{number:06d}"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(mode=0o700)
    tables = dict(_TABLES) | dict(_context_tables(read_contexts(connection, journeys)))
    rows = {
        table: _write(connection, sql, target / f"{table}.arrow") for table, sql in tables.items()
    }
    batches = connection.execute("select distinct batch from activation.decision_log").fetchall()
    manifest = {
        "format": FORMAT,
        "as_of": instant_text(as_of),
        "batches": sorted(batch for (batch,) in batches if batch is not None),
        "rows": rows,
    }
    (target / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    _make_current(directory, target)
    return target


def _copies(directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if path.is_dir() and path.name.isdecimal()]


def _context_tables(contexts: tuple[Context, ...]) -> Iterator[tuple[str, str]]:
    for context in contexts:
        columns = ", ".join(name(column) for column in projection(context))
        yield (
            context.table,
            f"select {columns} from contexts.{context.table} order by person_id, subject_id",
        )


def _write(connection: duckdb.DuckDBPyConnection, sql: str, path: Path) -> int:
    """Stream a query into an Arrow file, durably; returns its rows."""
    reader = connection.execute(sql).to_arrow_reader(_ROWS_AT_ONCE)
    count = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        with pa.ipc.new_file(stream, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
                count += batch.num_rows
        stream.flush()
        os.fsync(stream.fileno())
    return count


def _make_current(directory: Path, target: Path) -> None:
    """Swap the link, and remove all copies but the new one and its predecessor."""
    link = directory / f".{CURRENT}"
    link.unlink(missing_ok=True)
    link.symlink_to(target.name, target_is_directory=True)
    link.replace(directory / CURRENT)
    for path in sorted(_copies(directory))[:-2]:
        shutil.rmtree(path)
