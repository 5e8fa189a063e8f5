"""The `assent` command. Each subcommand's module is imported when it is called: dbt, Dagster and
Great Expectations take seconds to import, and `assent explain` needs none of them."""

from importlib import import_module

import click

# command -> (module, function); the help line is read from the function's docstring
COMMANDS = {
    "run": ("orchestration.cli_run", "run"),
    "demo": ("orchestration.demo.command", "demo"),
    "explain": ("orchestration.cli_explain", "explain"),
    "sql": ("orchestration.cli_sql", "sql"),
    "log": ("orchestration.cli_log", "log"),
    "identity": ("orchestration.cli_identity", "identity"),
    "retention": ("orchestration.cli_retention", "retention"),
    "ui": ("orchestration.cli_ui", "ui"),
}


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, function = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), function)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="assent")
def main() -> None:
    """Decide who may be contacted, about what, through which channel and why, and carry out only
    that."""


if __name__ == "__main__":
    main()
