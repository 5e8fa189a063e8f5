"""Lineage of a dbt snapshot: its query, and the columns that dbt adds to keep its history."""

from collections.abc import Collection
from dataclasses import replace

from expectations.policy.lineage.edges import RelationLineage
from expectations.policy.lineage.faults import UnsupportedConstruct
from expectations.policy.lineage.manifest import Relation
from expectations.policy.lineage.shadow import ShadowCatalog, quoted

_COLUMNS = ("dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to")


def snapshot_lineage(
    relation: Relation, catalog: ShadowCatalog, arranged: Collection[tuple[str, str]]
) -> RelationLineage:
    """The lineage of a query with the same dependences as dbt's: a version of a row is named by its
    key and the instant of its change, and is valid until the next version of the same key."""
    lineage = catalog.lineage(_history(relation), arranged)
    columns = {one.name: one for one in lineage.columns}
    kept_by = frozenset().union(
        *(columns[name].value | columns[name].selection for name in _deciding(relation, columns))
    )
    return replace(lineage, rows=lineage.rows | kept_by)


def _history(relation: Relation) -> str:
    keys = _names(relation, "unique_key")
    if not keys:
        raise UnsupportedConstruct("a snapshot without unique_key")
    changed = _instant(relation)
    key = ", ".join(f"query.{quoted(name)}" for name in keys)
    until = f"lead({changed}) over (partition by {key} order by {changed})"
    added = [f"md5(concat_ws('|', {key}, {changed}))", changed, changed, until]
    named = relation.setting("snapshot_meta_column_names") or {}
    extra = ", ".join(
        f"{sql} as {quoted(named.get(name) or name)}"
        for name, sql in zip(_COLUMNS, added, strict=True)
    )
    if relation.setting("hard_deletes") == "new_record":
        extra += f", 'False' as {quoted(named.get('dbt_is_deleted') or 'dbt_is_deleted')}"
    return f"select query.*, {extra} from (\n{relation.sql}\n) as query"


def _instant(relation: Relation) -> str:
    """When a row changed: its own column, or the clock at the run that saw it."""
    if relation.setting("strategy") == "timestamp":
        return f"query.{quoted(str(relation.setting('updated_at')))}"
    if relation.setting("strategy") == "check":
        # which run saw the change follows from the compared columns
        compared = _names(relation, "check_cols")
        if compared == ["all"]:
            return "case when query is not null then now()::timestamp end"
        columns = ", ".join(f"query.{quoted(name)}" for name in compared)
        return f"case when ({columns}) is not null then now()::timestamp end"
    raise UnsupportedConstruct(f"snapshot strategy {relation.setting('strategy')}")


def _deciding(relation: Relation, columns: Collection[str]) -> list[str]:
    """The columns that decide whether a row gets a new version."""
    if relation.setting("strategy") == "timestamp":
        names = [*_names(relation, "unique_key"), str(relation.setting("updated_at"))]
    else:
        compared = _names(relation, "check_cols")
        names = list(columns) if compared == ["all"] else compared
        names = [*_names(relation, "unique_key"), *names]
    unknown = [name for name in names if name.lower() not in columns]
    if unknown:
        raise UnsupportedConstruct(f"{unknown[0]} is no column of the snapshot's query")
    return [name.lower() for name in names]


def _names(relation: Relation, setting: str) -> list[str]:
    held = relation.setting(setting) or []
    return [held] if isinstance(held, str) else list(held)
