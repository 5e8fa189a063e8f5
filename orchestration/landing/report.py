"""What a load did, file by file."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["loaded", "repeated", "failed", "unknown_entity"]


@dataclass(frozen=True)
class FileResult:
    """What became of one file.

    `digest` is None where the file could not be read at all. `reasons` counts the quarantined rows
    by reason; `message` says what is wrong with the file as a whole and how to mend it.
    """

    file: str
    digest: str | None
    system: str | None
    entity: str | None
    status: Status
    rows_in: int = 0
    rows_accepted: int = 0
    rows_quarantined: int = 0
    rows_expired: int = 0
    erased_lines: tuple[int, ...] = ()
    unannounced_columns: tuple[str, ...] = ()
    message: str | None = None
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows_erased(self) -> int:
        """Records of persons who were erased; `erased_lines` are where they begin."""
        return len(self.erased_lines)


@dataclass(frozen=True)
class LoadReport:
    """What one call of load did: files that were new, in the order of their names.

    `unchanged` counts the files that an earlier load had dealt with.
    """

    files: tuple[FileResult, ...]
    unchanged: int

    @property
    def rows_in(self) -> int:
        """Records read from new files."""
        return sum(file.rows_in for file in self.files)

    @property
    def rows_accepted(self) -> int:
        """Records that went to a landing table."""
        return sum(file.rows_accepted for file in self.files)

    @property
    def rows_quarantined(self) -> int:
        """Records that went to quarantine."""
        return sum(file.rows_quarantined for file in self.files)

    @property
    def rows_expired(self) -> int:
        """Records that retention does not allow to keep any more."""
        return sum(file.rows_expired for file in self.files)

    @property
    def rows_erased(self) -> int:
        """Records of persons who were erased."""
        return sum(file.rows_erased for file in self.files)

    @property
    def erased_lines(self) -> dict[str, tuple[int, ...]]:
        """Where records of erased persons begin, by the digest of the file's content."""
        return {f.digest: f.erased_lines for f in self.files if f.digest and f.erased_lines}

    @property
    def reasons(self) -> dict[str, int]:
        """Quarantined records by reason, the most frequent first."""
        total: Counter[str] = Counter()
        for file in self.files:
            total.update(file.reasons)
        return dict(total.most_common())

    @property
    def unannounced_columns(self) -> dict[str, tuple[str, ...]]:
        """Columns that nobody announced, by file."""
        return {f.file: f.unannounced_columns for f in self.files if f.unannounced_columns}

    def with_status(self, status: Status) -> tuple[FileResult, ...]:
        """The files that ended with a status."""
        return tuple(file for file in self.files if file.status == status)
