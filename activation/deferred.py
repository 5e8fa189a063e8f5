"""Packages whose names are imported when they are first asked for (PEP 562).

A package that gathers its public names in one place makes whoever needs one of them wait for the
libraries of all: a rollback, which reads a signature, waited 0.5 s for pyarrow.
"""

from collections.abc import Callable, Mapping
from importlib import import_module


def deferred(package: str, modules: Mapping[str, str]) -> Callable[[str], object]:
    """The package's `__getattr__`: `modules` says in which module each name is.

    `.module` is one of the package's own. A name must not be that of a module, which
    once imported would stand in its place.
    """

    def find(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(modules[name], package), name)

    return find
