"""Looks for an erased person's identifiers in every live file of the home, byte by byte.

Compressed files are searched as what they hold: gzip unpacked, Parquet and the warehouse by their
text columns. The decision log's rows and the copies of them in warehouse and read copy stay as they
are: they hold person and subject ids alone, as proof of what was decided and so that it is not done
again, and are not searched for those.
"""

import gzip
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.environment import Home
from orchestration.privacy.landing_files import pattern_of
from orchestration.warehouse import open_warehouse, quote

_BLOCK = 8 * 2**20
_PROOF_TABLES = {"activation"}
_PROOF_COPIES = {"act.arrow", "done.arrow"}


@dataclass(frozen=True)
class ScanReport:
    """Files and bytes read, and where identifiers remain: (place, hits). Places, never values."""

    files: int
    bytes: int
    found: tuple[tuple[str, int], ...]


def scan(
    home: Home, values: Collection[str], in_proof: Collection[str], *, leave_out: Path
) -> ScanReport:
    """Search every file under the home but `leave_out`, the plan that says what to search for.

    `in_proof` are values that the log's rows may name.
    """
    pattern = pattern_of(values)
    elsewhere = pattern_of([one for one in values if one not in set(in_proof)])
    if pattern is None:
        return ScanReport(0, 0, ())
    files = total = 0
    found: list[tuple[str, int]] = []
    for path in sorted(one for one in home.path.rglob("*") if one.is_file() and one != leave_out):
        files += 1
        total += path.stat().st_size
        wanted = elsewhere if _holds_proof(home, path) else pattern
        hits = sum(len(wanted.findall(part)) for part in _parts(path)) if wanted else 0
        if hits:
            found.append((str(path.relative_to(home.path)), hits))
    if home.warehouse.exists():
        found += _in_warehouse(home, pattern, elsewhere)
    return ScanReport(files, total, tuple(found))


def _holds_proof(home: Home, path: Path) -> bool:
    # The warehouse is searched by table as well; its bytes hold the copy of the log too.
    copied = path.is_relative_to(home.read_copy) and path.name in _PROOF_COPIES
    return copied or path == home.warehouse or path.is_relative_to(home.decision_log / "segments")


def _parts(path: Path) -> Iterator[bytes]:
    """What a file holds, in blocks that overlap by what a value may be long."""
    if path.suffix in (".parquet", ".pq"):
        yield from _parquet_text(path)
        return
    with path.open("rb") as stored:
        stream = gzip.GzipFile(fileobj=stored) if path.suffix == ".gz" else stored
        tail = b""
        try:
            while block := stream.read(_BLOCK):
                yield tail + block
                tail = block[-256:]
        except (OSError, EOFError):  # named like gzip and is none: what it holds is its bytes
            yield path.read_bytes()


def _parquet_text(path: Path) -> Iterator[bytes]:
    for batch in pq.ParquetFile(path).iter_batches():
        for column in batch.columns:
            if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                yield "\n".join(filter(None, column.to_pylist())).encode()


def _in_warehouse(
    home: Home, pattern: re.Pattern[bytes], elsewhere: re.Pattern[bytes] | None
) -> list[tuple[str, int]]:
    found = []
    with open_warehouse(home.warehouse) as connection:
        columns = connection.execute(
            "select table_schema, table_name, column_name from information_schema.columns "
            "where data_type = 'VARCHAR' and table_catalog = current_database() order by all"
        ).fetchall()
        for schema, table, column in columns:
            wanted = elsewhere if schema in _PROOF_TABLES else pattern
            if wanted is None:
                continue
            row = connection.execute(
                f"select count(*) from {quote(schema)}.{quote(table)} "
                f"where regexp_matches({quote(column)}, ?, 'i')",
                [words(wanted)],
            ).fetchone()
            if row and row[0]:
                found.append((f"warehouse: {schema}.{table}.{column}", int(row[0])))
    return found


def words(pattern: re.Pattern[bytes]) -> str:
    """The pattern as RE2 takes it, which has no look-around."""
    inner = pattern.pattern.decode().split("(?:", 1)[1].rsplit(")(?!", 1)[0]
    return f"(^|[^A-Za-z0-9])(?:{inner})($|[^A-Za-z0-9])"
