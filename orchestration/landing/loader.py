"""Loads what is new in a landing directory: incremental by content, one transaction per file."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO

import duckdb

from activation.privacy.suppression import Suppressed
from orchestration.landing.audit import Audit
from orchestration.landing.columnar import read_parquet
from orchestration.landing.content import FileRejectedError, digest_of, open_content
from orchestration.landing.contract import EntityContract, read_contracts
from orchestration.landing.delimited import read_csv
from orchestration.landing.erased import ErasedRows, matchers
from orchestration.landing.files import LandingFile, discover, file_rank, is_outside
from orchestration.landing.json_lines import read_json_lines
from orchestration.landing.labels import landing_relations
from orchestration.landing.records import Batch, Shape
from orchestration.landing.report import FileResult, LoadReport, Status
from orchestration.landing.tables import create_tables, expire_quarantine
from orchestration.landing.writer import FileWriter, LandingPolicy, Origin, Tally
from orchestration.warehouse import warehouse_transaction

_Reader = Callable[[IO[bytes], EntityContract, Shape], Iterator[Batch]]
_READERS: dict[str, _Reader] = {
    "csv": read_csv,
    "jsonl": read_json_lines,
    "parquet": read_parquet,
}
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\- ]{0,62}")


class ReconciliationError(RuntimeError):
    """Rows of a file that came to no end, or to two: a fault of the loader."""


def load(
    connection: duckdb.DuckDBPyConnection,
    landing: Path,
    sources: Path,
    loaded_at: datetime,
    suppressed: Suppressed | None = None,
) -> LoadReport:
    """Load every new file of a landing directory into the schema `landing`.

    `sources` is the folder of dbt's source files, `loaded_at` an aware time: the run's as-of, which
    is written beside every row. A file that can't be loaded is reported and stops no other. Each
    file commits with its rows, quarantine and audit, so a load that is killed goes on where it was.
    What retention does not allow at `loaded_at` is not loaded, nor what names a person of
    `suppressed`: of each file, rows in = accepted + quarantined + expired + erased.

    Raises ContractError for the source files, FileNotFoundError for the landing directory,
    ValueError for a time without offset, ReconciliationError where counts do not add up.
    """
    if loaded_at.utcoffset() is None:
        raise ValueError("loaded_at has no UTC offset; pass an aware datetime")
    contracts = read_contracts(sources)
    files = discover(landing, contracts)
    with warehouse_transaction(connection):
        create_tables(connection, contracts)
        expire_quarantine(connection, loaded_at)
    by_entity = {(contract.system, contract.entity): contract for contract in contracts}
    relations = landing_relations(sources)
    erased = ErasedRows(connection, suppressed) if suppressed else None
    policy = LandingPolicy(relations, matchers(relations.values()), erased)
    loader = _Loader(connection, Audit(connection), landing, loaded_at, policy)
    results = [
        loader.load_file(file, by_entity.get((file.system or "", file.entity or "")))
        for file in files
    ]
    new = tuple(result for result in results if result is not None)
    return LoadReport(new, len(results) - len(new))


@dataclass(frozen=True)
class _Loader:
    connection: duckdb.DuckDBPyConnection
    audit: Audit
    landing: Path
    loaded_at: datetime
    policy: LandingPolicy

    def load_file(self, file: LandingFile, contract: EntityContract | None) -> FileResult | None:
        """Deal with one file; None where an earlier load has done so."""
        try:
            digest = self._digest(file)
        except (OSError, FileRejectedError) as error:
            return self._fail_unread(file, _message(file, error))
        history = self.audit.entries_of(file.name)
        known = next((entry for entry in history if entry.digest == digest), None)
        newest = max((entry.revision for entry in history), default=-1)
        fingerprint = contract.fingerprint if contract else None
        if known and contract and known.status in ("loaded", "repeated"):
            if known.revision < newest:
                with warehouse_transaction(self.connection):
                    self.audit.restore(known, newest + 1)
                    self.audit.settle(contract, file, digest)
            return None
        if known and known.contract == fingerprint:
            return None
        revision = known.revision if known else newest + 1
        try:
            with warehouse_transaction(self.connection):
                self.audit.forget(file.name, digest)
                result = self._new_content(file, contract, digest, revision)
        except (OSError, FileRejectedError) as error:
            result = _result(file, digest, "failed", _message(file, error))
            with warehouse_transaction(self.connection):
                self.audit.forget(file.name, digest)
                self.audit.record(result, self.loaded_at, fingerprint, revision)
        return result

    def _new_content(
        self, file: LandingFile, contract: EntityContract | None, digest: str, revision: int
    ) -> FileResult:
        if contract is None:
            message = (
                f"{file.name}: no announced entity; a file is <system>/<entity>.<format>, "
                "announce new ones in the system's source file"
            )
            result = _result(file, digest, "unknown_entity", message)
            self.audit.record(result, self.loaded_at, None, revision)
            return result
        copies = self.audit.copies_of(contract, file, digest)
        if copies:
            holder = next(entry.file for entry in copies if entry.status == "loaded")
            result = _result(file, digest, "repeated", f"the same bytes as {holder}")
            self.audit.record(result, self.loaded_at, contract.fingerprint, revision)
            self.audit.settle(contract, file, digest)
            return result
        result = self._load_rows(file, contract, digest, revision)
        self.audit.record(result, self.loaded_at, contract.fingerprint, revision)
        return result

    def _load_rows(
        self, file: LandingFile, contract: EntityContract, digest: str, revision: int
    ) -> FileResult:
        reader = _READERS.get(file.format or "")
        if reader is None:
            raise FileRejectedError("the format is not read; export CSV, JSON Lines or Parquet")
        origin = Origin(file.name, file_rank(file.name, revision), digest, self.loaded_at)
        writer = FileWriter(self.connection, contract, origin, self.policy)
        shape = Shape()
        before = file.path.stat()
        with open_content(file.path, file.compressed) as stream:
            for batch in reader(stream, contract, shape):
                writer.write(batch, shape.missing)
        after = file.path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise FileRejectedError("changed while it was read; it is read again by the next run")
        tally = writer.tally
        _reconcile(file, tally)
        if shape.missing:
            message = (
                f"{file.name}: required column missing: {', '.join(shape.missing)}; "
                "export it again with them, or announce them as optional"
            )
            return _with_rows(_result(file, digest, "failed", message), tally)
        result = _with_rows(_result(file, digest, "loaded", None), tally)
        return replace(result, unannounced_columns=_printable(shape.unannounced))

    def _digest(self, file: LandingFile) -> str:
        if is_outside(file, self.landing):
            raise FileRejectedError("a link that leads out of the landing directory; copy the file")
        return digest_of(file.path)

    def _fail_unread(self, file: LandingFile, message: str) -> FileResult:
        """Report a file whose bytes can't be had; it has no digest and is tried by every load."""
        result = _result(file, None, "failed", message)
        with warehouse_transaction(self.connection):
            self.audit.forget(file.name, None)
            self.audit.record(result, self.loaded_at, None, 0)
        return result


def _reconcile(file: LandingFile, tally: Tally) -> None:
    if tally.rows_in != tally.rows_out:
        raise ReconciliationError(
            f"{file.name}: {tally.rows_in} rows read, but {tally.rows_accepted} accepted, "
            f"{tally.rows_quarantined} quarantined, {tally.rows_expired} expired and "
            f"{tally.rows_erased} erased; nothing of it was loaded, report this fault"
        )


def _result(
    file: LandingFile, digest: str | None, status: Status, message: str | None
) -> FileResult:
    return FileResult(file.name, digest, file.system, file.entity, status, message=message)


def _with_rows(result: FileResult, tally: Tally) -> FileResult:
    return replace(
        result,
        rows_in=tally.rows_in,
        rows_accepted=tally.rows_accepted,
        rows_quarantined=tally.rows_quarantined,
        rows_expired=tally.rows_expired,
        erased_lines=tuple(tally.erased_lines),
        reasons=dict(tally.reasons),
    )


def _message(file: LandingFile, error: OSError | FileRejectedError) -> str:
    if isinstance(error, OSError):
        return f"{file.name}: can't be read ({error.strerror}); mend the file or its permissions"
    return f"{file.name}: {error}"


def _printable(names: set[str]) -> tuple[str, ...]:
    """Names fit for a report: what does not look like a column's name may be a person's data."""
    plain = sorted(name for name in names if _PLAIN_NAME.fullmatch(name))
    hidden = len(names) - len(plain)
    return (*plain, *((f"({hidden} of unusual form)",) if hidden else ()))
