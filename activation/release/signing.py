"""The signature of a release: a C2SP signed note over its id and its manifest's digest.

The first line can't be that of a checkpoint, so a note of one kind never passes as the other.
"""

from collections.abc import Sequence
from typing import Final

from activation.log.errors import NoteRefused
from activation.log.notes import PublicKey, SigningKey
from activation.release.errors import ReleaseError
from activation.release.release import Release

_FIRST_LINE: Final = "assent-release/v1"


def sign(release: Release, key: SigningKey) -> str:
    """The signed note of the release."""
    return key.sign(_text(release))


def verify(release: Release, notes: Sequence[str], key: PublicKey) -> None:
    """Check that one of the notes is the key's signature of this release.

    Raises ReleaseError otherwise. Several notes are there after the key was changed.
    """
    for note in notes:
        try:
            if key.open(note) == _text(release):
                return
        except NoteRefused:
            continue
    raise ReleaseError(
        f"release {release.id} is not signed by {key.name}+{key.key_id.hex()}. Fix: build it again "
        "from its files, with the key that this home trusts (keys/release.pub)."
    )


def _text(release: Release) -> str:
    return f"{_FIRST_LINE}\n{release.id}\n{release.digest}\n"
