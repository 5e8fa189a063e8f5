"""A group of commands each of which is imported when it is called.

The list of commands takes its lines from the docstrings as they stand in the files: importing all
of them to print `assent --help` took 3 CPU s.
"""

import ast
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click

_ROOT = Path(__file__).parents[1]


class LazyGroup(click.Group):
    """`later` says for each command in which module it is, and under which name."""

    def __init__(self, *args: Any, later: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._later = later

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._later)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._later:
            return None
        module, function = self._later[cmd_name]
        command: click.Command = getattr(import_module(module), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = formatter.width - 6 - max(map(len, self._later), default=0)
        rows = [
            (name, click.Command(name, help=docstring(*place)).get_short_help_str(width))
            for name, place in self._later.items()
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def docstring(module: str, function: str) -> str:
    """The docstring of a function of this project, without importing it or its packages."""
    file = _ROOT.joinpath(*module.split(".")).with_suffix(".py")
    for statement in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.FunctionDef) and statement.name == function:
            return ast.get_docstring(statement) or ""
    raise ImportError(f"{module} has no function {function}")
