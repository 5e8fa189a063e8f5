"""Triggers that refuse UPDATE and DELETE on the tables that only ever grow."""

from collections.abc import Iterable, Mapping, Sequence

# Each migration that adds a table to this list makes its triggers.
APPEND_ONLY_TABLES = (
    "consent_event",
    "identity_change",
    "identity_override",
    "release_pointer",
    "approval",
    "bundle_refusal",
    "sync_outcome",
    "release",
    "release_file",
    "release_signature",
    "release_review",
    "release_canary",
    "node_halt",
)

# What an erasure may do to them, and nothing more: (table, verb, columns that may change).
ERASABLE = (
    ("consent_event", "update", ("identifier", "identifier_nonce")),
    ("identity_change", "delete", ()),
    ("identity_override", "delete", ()),
    ("approval", "delete", ()),
    ("sync_outcome", "delete", ()),
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


def erasable_statements(dialect: str, columns: Mapping[str, Sequence[str]]) -> list[str]:
    """The statements that let a transaction holding a privacy_permit do what ERASABLE names.

    `columns` are all columns of each table to change; those that may not change must be equal.
    Everything else stays refused, also to the holder of a permit.
    """
    statements = [] if dialect == "sqlite" else [_POSTGRESQL_FUNCTION]
    for table, verb, free in ERASABLE:
        if table not in columns:
            continue
        fixed = [name for name in columns[table] if name not in free] if verb == "update" else []
        maker = _sqlite_erasable if dialect == "sqlite" else _postgresql_erasable
        statements += maker(table, verb, fixed)
    return statements


def _sqlite_erasable(table: str, verb: str, fixed: Sequence[str]) -> list[str]:
    changed = "".join(f' or new."{name}" is not old."{name}"' for name in fixed)
    return [
        f"drop trigger {table}_refuse_{verb}",
        f"create trigger {table}_refuse_{verb} before {verb} on {table} "
        f"when not exists (select 1 from privacy_permit){changed} "
        f"begin select raise(abort, '{table} is append-only: {verb} refused'); end",
    ]


def _postgresql_erasable(table: str, verb: str, fixed: Sequence[str]) -> list[str]:
    changed = "".join(f' or new."{name}" is distinct from old."{name}"' for name in fixed)
    other = "delete" if verb == "update" else "update"
    row = "new" if verb == "update" else "old"
    function = f"assent_erasable_{table}"
    return [
        f"drop trigger {table}_refuse_change on {table}",
        f"create trigger {table}_refuse_{other} before {other} on {table} "
        "for each row execute function assent_refuse_change()",
        f"create or replace function {function}() returns trigger language plpgsql as $$ begin "
        f"if not exists (select 1 from privacy_permit){changed} then "
        "raise exception '% is append-only: % refused', tg_table_name, tg_op; end if; "
        f"return {row}; end $$",
        f"create trigger {table}_refuse_{verb} before {verb} on {table} "
        f"for each row execute function {function}()",
    ]
