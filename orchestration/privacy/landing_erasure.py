"""Erases a person's rows from landing tables, quarantine and, inside the home, export files.

The audit stays true at every moment: a rewritten file's new content is noted before the file takes
its name, so that whichever content a crash leaves, the next load knows it and reads it not again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from activation.privacy.keyed import Keyed
from activation.privacy.settings import Exemption
from activation.privacy.suppression import Suppressed
from expectations.policy.graph import Relation
from orchestration.environment import Home
from orchestration.landing.contract import EntityContract, read_contracts
from orchestration.landing.erased import PHONE_TAIL, ErasedRows, Matcher, matchers, phone_tail
from orchestration.landing.expiry import moment, remove_rows
from orchestration.landing.files import LandingFile, discover, is_outside
from orchestration.landing.labels import landing_relations
from orchestration.landing.tables import LOADED_AT, create_tables
from orchestration.privacy.landing_files import digest, put_in_place, rewritten
from orchestration.privacy.retention import STAGING
from orchestration.warehouse import quote, warehouse_transaction

Pair = tuple[str, str]


@dataclass(frozen=True)
class Landing:
    """The landing tables of one open warehouse, with what their labels and contracts say."""

    connection: duckdb.DuckDBPyConnection
    contracts: Sequence[EntityContract]
    relations: Mapping[str, Relation]
    matchers: Mapping[str, Matcher]

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection) -> "Landing":
        """Creates tables and columns that an earlier version left out."""
        contracts, relations = read_contracts(STAGING), landing_relations(STAGING)
        create_tables(connection, contracts)
        return cls(connection, contracts, relations, matchers(relations.values()))

    def marked(self, erased: ErasedRows, table: str, kept: str | None) -> str | None:
        """SQL over rowids: the rows of a table that name the person; not those that are kept."""
        condition = erased.mark(f"landing.{quote(table)}", "rowid", self.matchers.get(table))
        if condition is None:
            return None
        rows = f"select rowid from landing.{quote(table)} where rowid in {condition}"
        chosen = f"{rows} and not ({kept})" if kept else rows
        name = f"erasing_{table}"
        self.connection.execute(f"create or replace temp table {quote(name)} as {chosen}")
        return f"select rowid from {quote(name)}"


def suppressed_of(keyed: Keyed, pairs: Sequence[Pair]) -> Suppressed:
    """The hashes of (kind, value) pairs, with the last digits of phone numbers."""
    return Suppressed(
        keyed, frozenset(keyed.hash(kind, value) for kind, value in with_tails(pairs))
    )


def with_tails(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs, and for each phone number its last digits, by which candidates are found."""
    tails = [(PHONE_TAIL, phone_tail(value)) for kind, value in pairs if kind == "phone"]
    return [*pairs, *tails]


def kept_rows(
    relation: Relation, exemptions: Sequence[Exemption], as_of: datetime
) -> tuple[str, Exemption] | None:
    """SQL for the rows that the law obliges to keep at `as_of`, and by which exemption."""
    for exemption in exemptions:
        if exemption.relation == relation.name:
            since = (
                f"coalesce(cast({quote(relation.event_time)} as timestamptz), {LOADED_AT})"
                if relation.event_time
                else LOADED_AT
            )
            until = f"{moment(as_of)} - interval {exemption.days} day"
            return f"coalesce({since} > {until}, false)", exemption
    return None


def erase_rows(
    landing: Landing, erased: ErasedRows, exemptions: Sequence[Exemption], as_of: datetime
) -> dict[str, int]:
    """Delete the person's rows from the landing tables; counts by table. No commit of its own."""
    gone = {}
    for table, relation in landing.relations.items():
        kept = kept_rows(relation, exemptions, as_of)
        rows = landing.marked(erased, table, kept[0] if kept else None)
        if rows is not None:
            name = f"landing.{quote(table)}"
            count = remove_rows(landing.connection, name, f"rowid in ({rows})", "rows_erased")
            gone[f"landing.{table}"] = count
    return {table: count for table, count in gone.items() if count}


def erase_quarantine(connection: duckdb.DuckDBPyConnection, expression: str | None) -> int:
    """Delete quarantined rows whose text matches, counted in the audit as erased."""
    if expression is None:
        return 0
    connection.execute(
        "update landing.load_audit set rows_quarantined = rows_quarantined - gone.rows, "
        "rows_erased = rows_erased + gone.rows from (select file, digest, count(*) as rows "
        "from landing.quarantine where regexp_matches(raw, $words, 'i') group by all) as gone "
        "where load_audit.file = gone.file and load_audit.digest = gone.digest",
        {"words": expression},
    )
    row = connection.execute(
        "delete from landing.quarantine where regexp_matches(raw, $words, 'i')",
        {"words": expression},
    ).fetchone()
    return int(row[0]) if row else 0


def erase_files(
    home: Home, landing: Landing, lines: Mapping[str, Sequence[int]], values: Sequence[str]
) -> int:
    """Take the records out of the home's export files; returns how many files were rewritten.

    `lines` are record numbers by the digest of the content that holds them. Files outside the home
    are not ours: there the keyed hashes keep the records from being loaded.
    """
    if not (home.landing.is_dir() and home.landing.is_relative_to(home.path)):
        return 0
    changed = 0
    for file in discover(home.landing, landing.contracts):
        if not is_outside(file, home.landing) and file.path.is_file():
            changed += _erase_file(landing.connection, file, lines, values)
    return changed


def erase_truth(home: Home, values: Sequence[str]) -> int:
    """Take the person's lines out of the demo world's record of who is who, where there is one."""
    changed = 0
    for path in sorted((home.path / "truth").rglob("*.csv")):
        partial = rewritten(path, "csv", False, (), values)
        if partial is not None:
            put_in_place(partial, path)
            changed += 1
    return changed


def _erase_file(
    connection: duckdb.DuckDBPyConnection,
    file: LandingFile,
    lines: Mapping[str, Sequence[int]],
    values: Sequence[str],
) -> bool:
    old = digest(file.path)
    gone = lines.get(old, ())
    partial = rewritten(file.path, file.format, file.compressed, gone, values)
    if partial is None:
        return False
    new = digest(partial)
    with warehouse_transaction(connection):
        _announce(connection, file, old, new, gone)
    put_in_place(partial, file.path)
    connection.execute(
        "delete from landing.load_audit where file = ? and digest = ?", [file.name, old]
    )
    return True


def _announce(
    connection: duckdb.DuckDBPyConnection,
    file: LandingFile,
    old: str,
    new: str,
    gone: Sequence[int],
) -> None:
    """Let the audit know the new content as the old one's, and its rows with it."""
    known = {"file": file.name, "old": old, "new": new}
    if file.system and file.entity:
        renumbered = ""
        if file.format == "parquet" and gone:
            # A row of Parquet has no place of its own: those behind a removed one move up.
            numbers = ", ".join(str(int(one)) for one in gone)
            renumbered = (
                f", _line = _line - len(list_filter([{numbers}], lambda gone: gone < _line))"
            )
        connection.execute(
            f"update landing.{quote(f'{file.system}_{file.entity}')} set _digest = $new"
            f"{renumbered} where _file = $file and _digest = $old",
            known,
        )
    connection.execute(
        "update landing.quarantine set digest = $new where file = $file and digest = $old", known
    )
    columns = "system, entity, status, rows_accepted, rows_quarantined, rows_expired"
    rest = "unannounced_columns, message, loaded_at, contract, revision"
    connection.execute(
        f"insert into landing.load_audit (file, digest, rows_in, rows_erased, {columns}, {rest}) "
        f"select file, $new, rows_in - least(rows_erased, $gone), "
        f"rows_erased - least(rows_erased, $gone), {columns}, {rest} from landing.load_audit "
        "where file = $file and digest = $old and not exists (select 1 from landing.load_audit "
        "as other where other.file = $file and other.digest = $new)",
        {**known, "gone": len(gone)},
    )
