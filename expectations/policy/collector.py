"""Python's collector of reference cycles, paused while a large graph is built that has none."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """Collect no cycles inside; what nothing refers to is freed as ever.

    A graph of 1,000 models is some 200,000 sets and tuples that all stay. To look through them
    again and again took 0.7 of the 1.2 CPU s that a check cost after an edit.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
