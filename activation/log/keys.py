"""Where the log's signing key lives: made on first use, readable by its owner alone."""

import os
from pathlib import Path
from typing import Final

from activation.log.durable import PRIVATE, make_directory, sync_directory
from activation.log.errors import KeyProblem
from activation.log.notes import Entropy, SigningKey

KEY_FILE: Final = "decision_log.key"
NEXT_FILE: Final = "decision_log.key.next"
_OTHERS: Final = 0o077
_SEED_BYTES: Final = 32


def load_or_create_key(
    directory: Path, *, origin: str, entropy: Entropy, file: str = KEY_FILE
) -> SigningKey:
    """The signing key in `file` of `directory`, made on first use (file mode 0600).

    `origin` names the log in every checkpoint, such as example.com/decisions, or what else the key
    signs; it can't change once the key exists. Raises KeyProblem when the file is malformed, open
    to others, or of another origin; no message quotes the key.
    """
    make_directory(directory, 0o700)
    path = directory / file
    if not path.exists():
        _create(path, SigningKey(origin, entropy(_SEED_BYTES)))
    if path.stat().st_mode & _OTHERS:
        raise KeyProblem(f"{file}: other users can read the signing key; chmod 600 it")
    key = SigningKey.parse_private(path.read_text(encoding="utf-8"))
    if key.public.name != origin:
        raise KeyProblem(
            f"{file}: the key signs for {key.public.name}, the setting says {origin}; "
            "set the origin back, or start a new log with a new key"
        )
    return key


def adopt_next_key(directory: Path) -> None:
    """Put the next key in the place of the one in use, which is gone then: it signs no more."""
    (directory / NEXT_FILE).replace(directory / KEY_FILE)
    sync_directory(directory)


def _create(path: Path, key: SigningKey) -> None:
    """Linking fails for the later of two first runs, which then reads the winner's key."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(key.private_text() + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return
    finally:
        temporary.unlink(missing_ok=True)
    sync_directory(path.parent)
