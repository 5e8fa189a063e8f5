"""The key that signs a home's releases, and the one it trusts."""

import os

from activation.log.keys import load_or_create_key
from activation.log.notes import PublicKey, SigningKey
from activation.release.errors import ReleaseError
from orchestration.environment import Home

RELEASE_ORIGIN = "assent.example/releases"
KEY_FILE = "release.key"
PUBLIC_FILE = "release.pub"


def signing_key(home: Home) -> SigningKey:
    """The key that signs releases, made on first use with its public half beside it.

    A home that has only the public half runs releases that were signed elsewhere.
    """
    public, private = home.keys / PUBLIC_FILE, home.keys / KEY_FILE
    if public.exists() and not private.exists():
        raise ReleaseError(
            f"{KEY_FILE} is not in {home.keys}: this home trusts a key that is kept elsewhere. "
            "Fix: build the release where the key is."
        )
    key = load_or_create_key(home.keys, origin=RELEASE_ORIGIN, entropy=os.urandom, file=KEY_FILE)
    if not public.exists():
        public.write_text(key.public.text() + "\n", encoding="utf-8")
    return key


def public_key(home: Home) -> PublicKey:
    """The key whose signature this home trusts on a release."""
    path = home.keys / PUBLIC_FILE
    if path.exists():
        return PublicKey.parse(path.read_text(encoding="utf-8"))
    return signing_key(home).public
