"""What a written demo world is to the tests."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestration.demo import WorldSummary

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
PEOPLE, SEED, DAYS = 1_200, 7, 3


@dataclass(frozen=True)
class Written:
    """A world on disk; `digests` are those of the base world's files before any day was added."""

    landing: Path
    truth: Path
    summary: WorldSummary
    digests: dict[str, str]
    days: tuple[WorldSummary, ...] = ()


def digests(landing: Path) -> dict[str, str]:
    """sha256 of every file, by its path below the landing zone."""
    return {
        file.relative_to(landing).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(landing.rglob("*"))
        if file.is_file()
    }
