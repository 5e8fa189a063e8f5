"""Named random streams: a draw added to one entity changes no other."""

import hashlib
from collections.abc import Mapping

import numpy as np


class Streams:
    """Independent generators, each a pure function of the seed and its path of names.

    `stream("crm", "phone")` always gives a fresh generator at its start, so callers ask once per
    purpose.
    """

    def __init__(self, seed: int, *path: str) -> None:
        self._seed = seed
        self._path = path

    @property
    def seed(self) -> int:
        """The seed of the world."""
        return self._seed

    def under(self, *names: str) -> "Streams":
        """The streams below this path."""
        return Streams(self._seed, *self._path, *names)

    def stream(self, *names: str) -> np.random.Generator:
        """The generator of this path."""
        return np.random.Generator(np.random.PCG64(key(self._seed, *self._path, *names)))


def key(seed: int, *names: str) -> int:
    """A 64-bit number for a seed and a path of names; the separator can't occur in a name."""
    text = "\x1f".join((str(seed), *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def pick(
    rng: np.random.Generator, shares: Mapping[str, float] | tuple[float, ...], size: int
) -> np.ndarray:
    """Positions in `shares`, drawn with those weights (int64, `size` long); the weights are
    normalised.
    """
    weights = np.fromiter(shares.values() if isinstance(shares, Mapping) else shares, dtype=float)
    edges = np.cumsum(weights) / weights.sum()
    return np.minimum(np.searchsorted(edges, rng.random(size), side="right"), len(weights) - 1)


def repeated(rng: np.random.Generator, counts: Mapping[int, float], size: int) -> np.ndarray:
    """Positions 0 to size - 1, each repeated as often as drawn from `counts` (times -> weight),
    ascending.
    """
    times = np.fromiter(counts.keys(), dtype=np.int64)
    drawn = times[pick(rng, tuple(counts.values()), size)]
    return np.repeat(np.arange(size), drawn)
