"""The `assent` command as a whole: its list of commands, without waiting for any of them."""

import subprocess
import sys

import click
import pytest

from orchestration import cli, cli_release
from orchestration.lazy_group import LazyGroup, docstring

GROUPS = [cli.main, cli_release.release]


@pytest.mark.parametrize("group", GROUPS, ids=["assent", "release"])
def test_the_list_of_commands_says_of_each_what_the_command_says_of_itself(
    group: click.Group,
) -> None:
    assert isinstance(group, LazyGroup)
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        written = click.Command(name, help=docstring(*group._later[name]))
        assert written.get_short_help_str(200) == command.get_short_help_str(200) != ""


def test_help_lists_the_commands_without_importing_what_they_use() -> None:
    heavy = ["sqlalchemy", "pyarrow", "duckdb", "pydantic", "dagster", "dbt", "sqlglot"]
    code = (
        "import sys\n"
        "from orchestration.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        f"print([one for one in {heavy} if one in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"
    assert "rollback" not in ran.stdout
    assert "  release" in ran.stdout
