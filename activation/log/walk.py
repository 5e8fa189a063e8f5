"""What a verification carries from file to file: what was found, and what is known so far."""

from dataclasses import dataclass, field

import pyarrow as pa

from activation.log.checkpoints import NO_FORMER, BatchHeader
from activation.log.layout import Layout
from activation.log.merkle import Frontier
from activation.log.notes import PublicKey
from activation.log.rotation import KeyChain


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that doesn't hold. `seq` is the row concerned, or None for the whole file."""

    file: str
    seq: int | None
    code: str
    problem: str

    def __str__(self) -> str:
        place = self.file if self.seq is None else f"{self.file} seq {self.seq}"
        return f"{place}: {self.problem} ({self.code})"


@dataclass
class Walk:
    """State carried from batch to batch. None: not known, because something before it is broken."""

    at: Layout
    key: PublicKey
    keys: KeyChain
    findings: list[Finding] = field(default_factory=list)
    header: BatchHeader | None = None
    former: str | None = NO_FORMER
    frontier: Frontier | None = field(default_factory=Frontier)
    next_seq: int | None = 0
    rows: int = 0
    openings: int = 0
    decisions: list[tuple[str, pa.Table]] = field(default_factory=list)

    def found(self, code: str, file: str, problem: str, seq: int | None = None) -> None:
        self.findings.append(Finding(file, seq, code, problem))
