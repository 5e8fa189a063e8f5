"""The privacy notices that people were shown: versions, texts held to their hashes, and which of
them still make a consent informed (GDPR Article 4(11); recital 42: the identity of the controller
and the purposes must have been known)."""

import re
from collections.abc import Set
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from activation.consent.events import ConsentEvent, InvalidEvent
from activation.consent.vocabulary import PERMISSIVE_ACTIONS
from expectations.located_yaml import LocatedYaml, Location, read_yaml

NOTICES_FILE = Path(__file__).with_name("notices.yml")
NOTICE_VERSION = re.compile(r"\d{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NoticeText(_Strict):
    """The notice in one language: a file beside the list, and the hash of its bytes."""

    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")]
    file: Annotated[str, Field(pattern=r"^notices/[A-Za-z0-9._-]+$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Notice(_Strict):
    """One version of the notice. Its version sorts by time: year-month, or year-month-day."""

    version: Annotated[str, Field(pattern=f"^{NOTICE_VERSION.pattern}$")]
    effective_from: date
    purposes: Annotated[list[str], Field(min_length=1)]
    material_change: bool
    summary: str
    texts: Annotated[list[NoticeText], Field(min_length=1)]


class Notices(_Strict):
    """The whole file, oldest version first."""

    notices: Annotated[list[Notice], Field(min_length=1)]

    @model_validator(mode="after")
    def _versions_rise(self) -> "Notices":
        versions = [notice.version for notice in self.notices]
        if versions != sorted(set(versions)):
            raise ValueError("list each version once, the oldest first")
        return self

    @property
    def versions(self) -> frozenset[str]:
        return frozenset(notice.version for notice in self.notices)

    def minimum(self, purpose: str) -> str | None:
        """The oldest version under which consent for the purpose still counts: the last one that
        changed it materially. None where no notice speaks about it."""
        material = [n for n in self.notices if n.material_change and purpose in n.purposes]
        return material[-1].version if material else None


def load_notices(path: Path = NOTICES_FILE) -> Notices:
    """Read and check the list, and hold each text to its hash.

    Raises SourceError, which names file, line, field and fix.
    """
    source = read_yaml(path)
    notices = source.validate(Notices)
    for position, notice in enumerate(notices.notices):
        for number, text in enumerate(notice.texts):
            _hold_to_hash(source, path.parent, text, ("notices", position, "texts", number))
    return notices


def with_known_notice(event: ConsentEvent, notices: Set[str]) -> ConsentEvent:
    """The event, unless it is a grant under a notice that nobody knows: it proves nothing.

    A grant that names none is left to the precedence table, which asks for one where it matters; a
    refusal counts whatever it names. Raises InvalidEvent.
    """
    is_permissive = event.action in PERMISSIVE_ACTIONS
    if is_permissive and event.notice_version and event.notice_version not in notices:
        fix = "is no version of notices.yml; add the notice that was shown, or correct the export"
        raise InvalidEvent(event.event_id, "notice_version", fix)
    return event


def _hold_to_hash(source: LocatedYaml, folder: Path, text: NoticeText, at: Location) -> None:
    try:
        written = sha256((folder / text.file).read_bytes()).hexdigest()
    except FileNotFoundError:
        raise source.error(
            (*at, "file"), "there is no such file", "restore the text that people were shown"
        ) from None
    if written != text.sha256:
        raise source.error(
            (*at, "sha256"),
            f"the file's SHA-256 is {written}, so it is not the text that people were shown",
            "restore it, and give a changed text a version of its own",
        )
