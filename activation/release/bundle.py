"""A release with the text of its files, so that it decides again without a checkout of anything.

What belongs to a bundle is what the same inputs are decided by: the journeys and their policies,
the consent rules, templates, prompts and declared models where there are any, and the dbt project
from landing's contracts to the outbound models. What only judges (data contracts, the policy
checker) stands outside: it may stop a run and never changes a decision.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from activation.journeys.loading import JourneySet, load
from activation.release.errors import ReleaseError
from activation.release.manifest import release_of
from activation.release.release import Bundle, Release

JOURNEYS = "activation/journeys"
CONSENT = "activation/consent"
WAREHOUSE = "dbt_project"

#: The kinds of files that dbt reads.
WAREHOUSE_SUFFIXES = (".sql", ".yml", ".yaml", ".py", ".csv")

# Folder -> the suffixes of the files in it that decide.
_PARTS: Mapping[str, tuple[str, ...]] = {
    JOURNEYS: (".yml",),
    CONSENT: (".yml", ".md"),  # the notices, and their texts as they were shown
    "activation/templates": (".txt", ".html", ".yml"),
    "activation/prompts": (".txt", ".md", ".yml"),
    "activation/models": (".yml", ".json"),
    WAREHOUSE: WAREHOUSE_SUFFIXES,
}
# dbt's own output, where somebody ran it by hand.
_OUTPUT = {"target", "logs", "dbt_packages"}


def read_bundle(root: Path) -> Bundle:
    """The bundle of the files below a project's root, after checking the journeys.

    Raises SourceError with file, line, field and fix, FileNotFoundError when there is no journey,
    ReleaseError for a file that is not text.
    """
    return bundle_of(root, load(root / JOURNEYS))


def bundle_of(root: Path, journeys: JourneySet) -> Bundle:
    """The same, with the journeys loaded already."""
    files = read_files(root)
    return Bundle(release_of(journeys, files), files)


def read_files(root: Path) -> dict[str, str]:
    """The text of each file below the root that decides, by path, in the order of the paths."""
    paths = (path for folder, suffixes in _PARTS.items() for path in _files(root, folder, suffixes))
    return {path: _text(root, path) for path in sorted(paths)}


def same_warehouse(one: Release, other: Release) -> bool:
    """Whether both build the same tables, so that they differ at most in what they decide."""
    return _warehouse_files(one) == _warehouse_files(other)


def _warehouse_files(release: Release) -> dict[str, str]:
    files: Mapping[str, str] = release.manifest["files"]
    return {path: one for path, one in files.items() if path.startswith((CONSENT, WAREHOUSE))}


def _text(root: Path, path: str) -> str:
    try:
        return (root / path).read_bytes().decode()
    except UnicodeDecodeError:
        raise ReleaseError(f"{path}: is not UTF-8. Fix: save it as UTF-8.") from None


def _files(root: Path, folder: str, suffixes: tuple[str, ...]) -> Iterator[str]:
    for path in (root / folder).rglob("*"):
        relative = path.relative_to(root)
        if path.suffix in suffixes and path.is_file() and not _OUTPUT & set(relative.parts):
            yield relative.as_posix()
