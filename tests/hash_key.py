"""The key of keyed hashes in tests that have no home."""

from activation.store.hash_key import HashKey

HASH_KEY = HashKey(b"a key that only tests use")
