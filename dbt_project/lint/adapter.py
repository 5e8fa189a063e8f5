"""What sqlfluff sees in place of dbt's adapter: a dispatched macro reads as a call of its name.

The jinja templater knows no database; each engine's own SQL is linted where its macro is called with
real text, by `dbt parse`.
"""

from collections.abc import Callable


def dispatch(macro_name: str, macro_namespace: str | None = None) -> Callable[..., str]:
    """A stand-in macro that renders as `name(arguments)`."""

    def call(*arguments: object, **_: object) -> str:
        return f"{macro_name}({', '.join(str(one) for one in arguments)})"

    return call
