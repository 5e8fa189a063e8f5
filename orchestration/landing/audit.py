"""The audit: one row per file name and content, from which each load knows what is new."""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from orchestration.landing.contract import EntityContract
from orchestration.landing.files import LandingFile, file_format, file_rank
from orchestration.landing.report import FileResult
from orchestration.landing.tables import landing_table

_COLUMNS = (
    "file, digest, system, entity, status, rows_in, rows_accepted, rows_quarantined, "
    "rows_expired, rows_erased, unannounced_columns, message, loaded_at, contract, revision"
)


@dataclass(frozen=True)
class Entry:
    """What the audit says of one file name and content."""

    file: str
    digest: str
    status: str
    contract: str | None
    revision: int


class Audit:
    """Reads and writes landing.load_audit; every change goes to the caller's transaction."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def entries_of(self, file: str) -> list[Entry]:
        """Contents that a name has had, oldest first; files without a digest are left out."""
        return self._entries("file = ? and digest is not null", [file])

    def copies_of(self, contract: EntityContract, file: LandingFile, digest: str) -> list[Entry]:
        """Names under which an entity's content was loaded before, in the same format."""
        condition = "digest = ? and system = ? and entity = ? and status in ('loaded', 'repeated')"
        entries = self._entries(condition, [digest, contract.system, contract.entity])
        return [entry for entry in entries if file_format(entry.file) == file.format]

    def forget(self, file: str, digest: str | None) -> None:
        """Delete what is known of a file that is to be tried again, its quarantine included."""
        parameters = [file, digest]
        self._connection.execute(
            "delete from landing.quarantine where file = ? and digest = ?", parameters
        )
        self._connection.execute(
            "delete from landing.load_audit where file = ? and digest is not distinct from ?",
            parameters,
        )

    def record(
        self, result: FileResult, loaded_at: datetime, contract: str | None, revision: int
    ) -> None:
        """Write the row of one file."""
        self._connection.execute(
            f"insert into landing.load_audit ({_COLUMNS}) values "
            "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                result.file,
                result.digest,
                result.system,
                result.entity,
                result.status,
                result.rows_in,
                result.rows_accepted,
                result.rows_quarantined,
                result.rows_expired,
                result.rows_erased,
                ", ".join(result.unannounced_columns) or None,
                result.message,
                loaded_at,
                contract,
                revision,
            ],
        )

    def restore(self, entry: Entry, revision: int) -> None:
        """Note that a name has got an earlier content back."""
        self._connection.execute(
            "update landing.load_audit set revision = ? where file = ? and digest = ?",
            [revision, entry.file, entry.digest],
        )

    def settle(self, contract: EntityContract, file: LandingFile, digest: str) -> None:
        """Let a content's rows stand under the least of its names, whichever arrived first.

        The counts in the audit move with the rows, so that each name's row stays true.
        """
        copies = self.copies_of(contract, file, digest)
        ranked = {entry.file: file_rank(entry.file, entry.revision) for entry in copies}
        least = min(ranked, key=ranked.__getitem__)
        holder = next(entry.file for entry in copies if entry.status == "loaded")
        self._connection.execute(
            f"update {landing_table(contract)} set _file = ?, _file_rank = ? where _digest = ? "
            "and _file = ?",
            [least, ranked[least], digest, holder],
        )
        if least != holder:
            self._move(contract, digest, holder, least)

    def _move(self, contract: EntityContract, digest: str, holder: str, least: str) -> None:
        key = [digest, contract.system, contract.entity]
        same = "digest = ? and system = ? and entity = ?"
        self._connection.execute(
            f"update landing.quarantine set file = ? where {same} and file = ?",
            [least, *key, holder],
        )
        self._connection.execute(
            "update landing.load_audit as target set status = 'loaded', "
            "rows_in = held.rows_in, rows_accepted = held.rows_accepted, "
            "rows_quarantined = held.rows_quarantined, "
            "rows_expired = held.rows_expired, rows_erased = held.rows_erased, "
            "unannounced_columns = held.unannounced_columns, contract = held.contract, "
            "message = null "
            f"from (select * from landing.load_audit where {same} and file = ?) as held "
            "where target.digest = held.digest and target.file = ?",
            [*key, holder, least],
        )
        self._connection.execute(
            "update landing.load_audit set status = 'repeated', rows_in = 0, rows_accepted = 0, "
            "rows_quarantined = 0, rows_expired = 0, rows_erased = 0, "
            f"unannounced_columns = null, message = ? where {same} "
            "and file = ?",
            [f"the same bytes as {least}", *key, holder],
        )

    def _entries(self, condition: str, parameters: list[str]) -> list[Entry]:
        rows = self._connection.execute(
            "select file, digest, status, contract, revision from landing.load_audit "
            f"where {condition} order by revision, file",
            parameters,
        ).fetchall()
        return [Entry(*row) for row in rows]
