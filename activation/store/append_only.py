"""Triggers that refuse UPDATE and DELETE on the tables that only ever grow."""

from collections.abc import Iterable

# Each migration that adds a table to this list makes its triggers.
APPEND_ONLY_TABLES = (
    "consent_event",
    "identity_change",
    "identity_override",
    "release_pointer",
    "approval",
    "sync_outcome",
)

_POSTGRESQL_FUNCTION = """
create or replace function assent_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only: % refused', tg_table_name, tg_op;
end
$$
"""


def trigger_statements(dialect: str, tables: Iterable[str]) -> list[str]:
    """The statements that make `tables` append-only on `dialect` (sqlite or postgresql)."""
    if dialect == "sqlite":
        return [
            f"create trigger {table}_refuse_{verb} before {verb} on {table} "
            f"begin select raise(abort, '{table} is append-only: {verb} refused'); end"
            for table in tables
            for verb in ("update", "delete")
        ]
    if dialect == "postgresql":
        statements = [_POSTGRESQL_FUNCTION]
        for table in tables:
            statements += [
                f"create trigger {table}_refuse_change before update or delete on {table} "
                "for each row execute function assent_refuse_change()",
                f"create trigger {table}_refuse_truncate before truncate on {table} "
                "for each statement execute function assent_refuse_change()",
            ]
        return statements
    raise ValueError(f"no append-only triggers for dialect {dialect!r}")
