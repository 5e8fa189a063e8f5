"""A release and its bundle as values; light to import, since a rollback waits for it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Release:
    """What decisions are made under: content-addressed, so equal content has an equal id.

    `activation.release.manifest` makes it; whoever builds it and when does not matter.
    """

    id: str
    digest: str
    manifest: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Bundle:
    """A release and the text of each file that its manifest names, by path."""

    release: Release
    files: Mapping[str, str] = field(repr=False)

    def write(self, directory: Path) -> None:
        """Write the files below a directory, as they stood below the project's root."""
        for path, content in self.files.items():
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8", newline="")


def canonical(manifest: Mapping[str, Any]) -> str:
    """The one JSON text of a manifest: sorted keys, no blanks."""
    return json.dumps(manifest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest_of(text: str) -> str:
    """SHA-256 of a text in UTF-8, hexadecimal."""
    return sha256(text.encode()).hexdigest()
