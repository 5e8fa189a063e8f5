"""dbt's adapter: the lint reads each macro as it is written for the default engine."""

from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context


@pass_context
def dispatch(context: Context, macro_name: str, macro_namespace: str | None = None) -> Any:
    """The macro `default__<name>` of the project."""
    return context.resolve(f"default__{macro_name}")
