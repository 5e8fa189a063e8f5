"""Files of the landing directory: which entity a name stands for, and how names are ordered."""

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestration.landing.contract import EntityContract

_FORMATS = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
# What may follow the entity in the name of a split file; `claims_history` is no part of `claims`.
_SPLIT = re.compile(r"[-.].*|_(?:\d|part).*")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class LandingFile:
    """One file below the landing directory.

    `system` and `entity` are None where the name stands for no announced entity; `format` is None
    where its extension is none that is read.
    """

    path: Path
    name: str
    system: str | None
    entity: str | None
    format: str | None
    compressed: bool


def discover(landing: Path, contracts: Collection[EntityContract]) -> list[LandingFile]:
    """List the files of a landing directory in the order of their rank.

    Names that begin with a dot are left alone: they are files still being copied. Raises
    FileNotFoundError where the directory does not exist.
    """
    if not landing.is_dir():
        raise FileNotFoundError(f"{landing}: no such landing directory; create it or name another")
    entities: dict[str, list[str]] = {}
    for contract in contracts:
        entities.setdefault(contract.system, []).append(contract.entity)
    names = sorted(_names(landing), key=lambda name: file_rank(name, 0))
    return [_describe(landing, name, entities) for name in names]


def is_outside(file: LandingFile, landing: Path) -> bool:
    """Whether the file is a link that leads out of the landing directory."""
    return not file.path.resolve().is_relative_to(landing.resolve())


def file_format(name: str) -> str | None:
    """Format that a file's name stands for: csv, jsonl, parquet, or None."""
    return _split_name(PurePosixPath(name).name)[1]


def file_rank(name: str, revision: int) -> str:
    """Sort key of a file's name: numbers by value, extension last, then the content's revision.

    A later name outranks an earlier one (`contacts` < `contacts-2` < `contacts-10`), and of one
    name the later content. No two contents share a rank.
    """
    path = PurePosixPath(name)
    stem = str(path.with_name(_split_name(path.name)[0]))
    natural = _DIGITS.sub(lambda digits: digits.group().zfill(20), stem)
    return f"{natural} {name} {revision:06d}"


def _names(landing: Path) -> Iterator[str]:
    # A linked folder is not followed but listed as one name, so that it is refused by name.
    for folder, folders, files in os.walk(landing):
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = [name for name in folders if not name.startswith(".") and name not in links]
        for name in [*files, *links]:
            if not name.startswith("."):
                yield (here / name).relative_to(landing).as_posix()


def _describe(landing: Path, name: str, entities: dict[str, list[str]]) -> LandingFile:
    parts = PurePosixPath(name).parts
    stem, found_format, compressed = _split_name(parts[-1])
    system = parts[0] if len(parts) > 1 and parts[0] in entities else None
    entity = None
    if system is not None:
        entity = _match(stem if len(parts) == 2 else parts[1], entities[system])
    return LandingFile(landing / name, name, system, entity, found_format, compressed)


def _match(stem: str, entities: list[str]) -> str | None:
    """The longest entity that the stem is, or is a split file of."""
    found = [
        entity
        for entity in entities
        if stem == entity
        or (stem.startswith(entity) and _SPLIT.fullmatch(stem[len(entity) :]) is not None)
    ]
    return max(found, key=len, default=None)


def _split_name(name: str) -> tuple[str, str | None, bool]:
    """(stem, format, compressed) of a file's name."""
    compressed = name.lower().endswith(".gz")
    plain = name[:-3] if compressed else name
    suffix = PurePosixPath(plain).suffix
    found = _FORMATS.get(suffix.lower())
    return (plain[: -len(suffix)] if found else plain), found, compressed
