"""What a person sees while a run goes on: one line per stage, with what it is at."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.status import Status

STARTING = "starting"


class ConsoleListener:
    """Prints each stage as it ends, and spins with the current one while it runs.

    Where the console is no terminal (a log, a pipe), only the lines of the ended stages appear.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status = console.status(STARTING)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the spinner for the length of the block."""
        with self._status:
            yield

    def started(self, name: str) -> None:
        self._status.update(name)

    def detail(self, name: str, text: str) -> None:
        self._status.update(f"{name} [dim]{text}[/dim]")

    def report(self, kind: str, key: str, figures: Mapping[str, Any]) -> None:
        pass

    def ended(self, name: str, seconds: float, failed: bool) -> None:
        mark = "[red]✗[/red]" if failed else "[green]✓[/green]"
        self._console.print(f"{mark} {name} [dim]{seconds:.1f} s[/dim]")
        self._status.update(STARTING)
