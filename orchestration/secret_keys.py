"""Secret keys for hashing, each in a file of the home that its owner alone can read."""

import hashlib
import os

from activation.store.hash_key import HashKey
from orchestration.environment import Home

KEY_BYTES = 32
ERASURE_KEY_FILE = "erasure.key"
IDENTITY_KEY_FILE = "identity.key"


def secret_key(home: Home, file: str) -> bytes:
    """The key in `keys/<file>`, made on first use.

    Losing a key costs what was hashed with it: one full comparison of a sync; for `erasure.key`,
    that loading is refused until it is restored; for `identity.key`, one full build and score of
    identity, and a run is refused while an override stands whose value was hashed with it.
    """
    path = home.keys / file
    if not path.exists():
        home.keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_bytes(os.urandom(KEY_BYTES))
        temporary.chmod(0o600)
        temporary.replace(path)
    return hashlib.sha256(path.read_bytes()).digest()


def identity_hash_key(home: Home) -> HashKey:
    """What the identity models hash values with."""
    return HashKey(secret_key(home, IDENTITY_KEY_FILE))
