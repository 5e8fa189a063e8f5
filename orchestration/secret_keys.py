"""Secret keys for hashing, each in a file of the home that its owner alone can read."""

import hashlib
import os

from orchestration.environment import Home

KEY_BYTES = 32
ERASURE_KEY_FILE = "erasure.key"


def secret_key(home: Home, file: str) -> bytes:
    """The key in `keys/<file>`, made on first use.

    Losing a key costs what was hashed with it: one full comparison of a sync, or, for
    `erasure.key`, that loading is refused until it is restored.
    """
    path = home.keys / file
    if not path.exists():
        home.keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_bytes(os.urandom(KEY_BYTES))
        temporary.chmod(0o600)
        temporary.replace(path)
    return hashlib.sha256(path.read_bytes()).digest()
