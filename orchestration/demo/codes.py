"""Identifiers that look random, never repeat, and need no memory of those given before.

A serial number goes through a keyed bijection of its space (a Feistel network over two mixed-radix
halves), so two serials never meet, on whatever day they are given. Each day has its own block of
serials.
"""

import numpy as np
import pyarrow as pa

from orchestration.demo.columns import fixed_width
from orchestration.demo.streams import key

SERIALS_PER_DAY = 50_000_000
_ROUNDS = 4
_ALPHABETS = {10: b"0123456789", 36: b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def serials(day: int, count: int, start: int = 0) -> np.ndarray:
    """The serial numbers of a day's block (int64), from `start` on; day 0 is the base world."""
    return np.arange(count, dtype=np.int64) + (day * SERIALS_PER_DAY + start)


def scramble(serial: np.ndarray, modulus: tuple[int, int], secret: int) -> np.ndarray:
    """A bijection of 0 .. m1 * m2 - 1 for `modulus` (m1, m2), keyed by `secret`."""
    first, second = modulus
    left, right = serial // second, serial % second
    for turn in range(_ROUNDS):
        left = (left + _mix(right, secret + 2 * turn) % first) % first
        right = (right + _mix(left, secret + 2 * turn + 1) % second) % second
    return left * second + right


def codes(
    seed: int, entity: str, serial: np.ndarray, *, prefix: str, width: int, base: int = 36
) -> pa.Array:
    """Identifiers `prefix` + `width` characters of the base (10 or 36), distinct for distinct
    serials.
    """
    half = width // 2
    values = scramble(serial, (base ** (width - half), base**half), key(seed, "codes", entity))
    alphabet = np.frombuffer(_ALPHABETS[base], dtype=np.uint8)
    places = np.empty((len(values), len(prefix) + width), dtype=np.uint8)
    places[:, : len(prefix)] = np.frombuffer(prefix.encode(), dtype=np.uint8)
    for place in range(places.shape[1] - 1, len(prefix) - 1, -1):
        values, digit = np.divmod(values, base)
        places[:, place] = alphabet[digit]
    return fixed_width(places)


def random_text(
    rng: np.random.Generator, alphabet: bytes, width: int, size: int, prefix: str = ""
) -> pa.Array:
    """`size` strings of `width` characters drawn from the alphabet, behind the prefix."""
    places = np.empty((size, len(prefix) + width), dtype=np.uint8)
    places[:, : len(prefix)] = np.frombuffer(prefix.encode(), dtype=np.uint8)
    places[:, len(prefix) :] = np.frombuffer(alphabet, dtype=np.uint8)[
        rng.integers(0, len(alphabet), (size, width))
    ]
    return fixed_width(places)


def _mix(values: np.ndarray, secret: int) -> np.ndarray:
    """SplitMix64's finaliser, as non-negative int64."""
    with np.errstate(over="ignore"):
        mixed = values.astype(np.uint64) + np.uint64(secret % 2**64) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(1)).astype(np.int64)
