"""The `assent` command. Each subcommand's module is imported when it is called: dbt, Dagster and
Great Expectations take seconds to import, and `assent explain` needs none of them."""

import click

from orchestration.lazy_group import LazyGroup

# command -> (module, function); the help line is read from the function's docstring
COMMANDS = {
    "run": ("orchestration.cli_run", "run"),
    "check": ("orchestration.cli_check", "check"),
    "demo": ("orchestration.demo.command", "demo"),
    "decide": ("orchestration.cli_decide", "decide"),
    "approve": ("orchestration.cli_approve", "approve"),
    "explain": ("orchestration.cli_explain", "explain"),
    "sql": ("orchestration.cli_sql", "sql"),
    "policy": ("orchestration.cli_policy", "policy"),
    "evidence": ("orchestration.cli_evidence", "evidence"),
    "release": ("orchestration.cli_release", "release"),
    "log": ("orchestration.cli_log", "log"),
    "consent": ("orchestration.cli_consent", "consent"),
    "identity": ("orchestration.cli_identity", "identity"),
    "retention": ("orchestration.cli_retention", "retention"),
    "erase": ("orchestration.cli_erase", "erase"),
    "access": ("orchestration.cli_access", "access"),
    "ui": ("orchestration.cli_ui", "ui"),
}


@click.group(
    cls=LazyGroup, later=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="assent")
def main() -> None:
    """Decide who may be contacted, about what, through which channel and why, and carry out only
    that."""


if __name__ == "__main__":
    main()
