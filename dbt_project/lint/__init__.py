"""What sqlfluff sees in place of dbt: the project's variables, and its macros by adapter."""

from pathlib import Path
from typing import Any

import yaml

_PROJECT = yaml.safe_load(Path(__file__).parents[1].joinpath("dbt_project.yml").read_text("utf-8"))
_REQUIRED = {"as_of": "2026-01-01T00:00:00+00:00"}


def var(name: str, default: Any = None) -> Any:
    """The variable as dbt_project.yml has it; one that a run must pass has a value for the lint."""
    variables = _REQUIRED | _PROJECT["vars"]
    return variables[name] if default is None else variables.get(name, default)
