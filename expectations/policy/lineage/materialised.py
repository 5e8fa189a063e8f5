"""Lineage of a relation from that of its query: what the materialisation adds to it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from expectations.policy.lineage.edges import Column, OutputColumn, RelationLineage
from expectations.policy.lineage.faults import Undeclared, UnsupportedConstruct
from expectations.policy.lineage.flow import Columns
from expectations.policy.lineage.manifest import STORES_ITS_QUERY, Relation
from expectations.policy.lineage.shadow import ShadowCatalog, Types
from expectations.policy.lineage.snapshot import snapshot_lineage

Key = tuple[str, str]


def lineage_of(
    relation: Relation,
    renderings: Sequence[Relation],
    catalog: ShadowCatalog,
    inputs: Mapping[Key, Types],
    arranged: Collection[Key],
) -> RelationLineage:
    """Lineage of a model or snapshot whose inputs stand in the catalog.

    `renderings` are the same relation compiled otherwise, `inputs` the types of what it reads,
    `arranged` the relations that queries made. Raises LineageError.
    """
    if relation.setting("hooks"):
        raise UnsupportedConstruct("a hook may change what the table holds")
    if relation.sql is None:
        return opaque(_declared(relation), inputs)
    if relation.kind == "snapshot":
        return snapshot_lineage(relation, catalog, arranged)
    if relation.materialized not in STORES_ITS_QUERY:
        return _custom(relation, catalog.lineage(relation.sql, arranged), inputs)
    lineage = catalog.lineage(relation.sql, arranged)
    if relation.materialized == "incremental" or later_queries(relation, renderings):
        return _incremental(relation, lineage, renderings, catalog, inputs, arranged)
    return lineage


def later_queries(relation: Relation, renderings: Sequence[Relation]) -> list[str]:
    """The queries that dbt compiles a relation to once tables exist, beside that of a first run."""
    texts = (one.sql for one in renderings)
    return list(dict.fromkeys(sql for sql in texts if sql is not None and sql != relation.sql))


def opaque(columns: Types, inputs: Mapping[Key, Types]) -> RelationLineage:
    """A black box: each column depends on every column of every input."""
    everything = _all_columns(inputs)
    return RelationLineage(
        tuple(
            OutputColumn(name.lower(), kind, everything, everything, frozenset())
            for name, kind in columns.items()
        ),
        everything,
        frozenset(inputs),
    )


def _declared(relation: Relation) -> dict[str, str]:
    columns = {name: kind for name, kind in relation.declared.items() if kind}
    if not columns or len(columns) < len(relation.declared):
        raise Undeclared(
            "nothing shows its columns. Fix: declare each with its data_type in the model's YAML"
        )
    return columns


def _custom(
    relation: Relation, query: RelationLineage, inputs: Mapping[Key, Types]
) -> RelationLineage:
    """A materialisation of the project's own. Without a declaration it is a black box; with one,
    each column is made from the named columns of its query, chosen by all of them."""
    if relation.derived is None:
        return opaque({one.name: one.type for one in query.columns}, inputs)
    made = {one.name: one for one in query.columns}
    chosen = query.rows.union(*(one.value | one.selection for one in query.columns))
    columns: list[OutputColumn] = []
    for column in query.columns:
        parts = relation.derived.get(column.name, (column.name,))
        unknown = [name for name in parts if name not in made]
        if unknown:
            raise Undeclared(
                f"materialisation {relation.materialized} declares that {column.name} is made "
                f"from {unknown[0]}, which the query doesn't select"
            )
        columns.append(
            replace(
                column,
                value=frozenset().union(*(made[name].value for name in parts)),
                selection=chosen,
                functions=frozenset().union(*(made[name].functions for name in parts)),
            )
        )
    return RelationLineage(tuple(columns), chosen, query.relations)


def _incremental(
    relation: Relation,
    first: RelationLineage,
    renderings: Sequence[Relation],
    catalog: ShadowCatalog,
    inputs: Mapping[Key, Types],
    arranged: Collection[Key],
) -> RelationLineage:
    """The first run's query and the later runs', which may read the table itself. Where the later
    SQL isn't known, it is a black box over the inputs."""
    types = {one.name: one.type for one in first.columns}
    catalog.create(relation.database, relation.schema, relation.table, types)
    runs = [catalog.lineage(sql, arranged) for sql in later_queries(relation, renderings)]
    if not renderings:
        runs = [opaque(types, inputs)]
    lineage = first
    for run in runs:
        _refuse_other_columns(lineage, run)
        lineage = _united(lineage, run)
    lineage = _without_itself(lineage, relation.key)
    kept_by = _unique_key(relation, lineage) | _event_times(relation, inputs)
    return replace(lineage, rows=lineage.rows | kept_by)


def _refuse_other_columns(first: RelationLineage, run: RelationLineage) -> None:
    if [one.name for one in first.columns] != [one.name for one in run.columns]:
        raise UnsupportedConstruct("its renderings select different columns, or in another order")


def _united(one: RelationLineage, other: RelationLineage) -> RelationLineage:
    columns = tuple(
        replace(
            mine,
            value=mine.value | theirs.value,
            selection=mine.selection | theirs.selection,
            functions=mine.functions | theirs.functions,
        )
        for mine, theirs in zip(one.columns, other.columns, strict=True)
    )
    return RelationLineage(columns, one.rows | other.rows, one.relations | other.relations)


def _without_itself(lineage: RelationLineage, key: Key) -> RelationLineage:
    """References to the table itself replaced by what its columns depend on, to the fixpoint."""
    while True:
        own = {one.name: one for one in lineage.columns}
        columns = tuple(
            replace(
                one,
                value=_followed(one.value, key, own, "value"),
                selection=_followed(one.selection, key, own, "everything")
                | _followed(one.value, key, own, "selection"),
            )
            for one in lineage.columns
        )
        rows = _followed(lineage.rows, key, own, "everything")
        following = RelationLineage(columns, rows, lineage.relations)
        if following == lineage:
            break
        lineage = following
    return RelationLineage(
        tuple(
            replace(one, value=_foreign(one.value, key), selection=_foreign(one.selection, key))
            for one in lineage.columns
        ),
        _foreign(lineage.rows, key),
        lineage.relations - {key},
    )


def _followed(columns: Columns, key: Key, own: Mapping[str, OutputColumn], part: str) -> Columns:
    """The columns, and for each of the table's own what it depends on in that part."""
    found = columns if part != "selection" else frozenset[Column]()
    for column in columns:
        if (column.schema, column.table) == key:
            mine = own[column.name]
            if part in ("value", "everything"):
                found |= mine.value
            if part in ("selection", "everything"):
                found |= mine.selection
    return found


def _foreign(columns: Columns, key: Key) -> Columns:
    return frozenset(one for one in columns if (one.schema, one.table) != key)


def _unique_key(relation: Relation, lineage: RelationLineage) -> Columns:
    """What decides which rows a later run replaces."""
    names = relation.setting("unique_key") or []
    keys = [names] if isinstance(names, str) else list(names)
    columns = {one.name: one for one in lineage.columns}
    unknown = [name for name in keys if name.lower() not in columns]
    if unknown:
        raise UnsupportedConstruct(f"unique_key {unknown[0]} is no column of the model")
    return frozenset().union(
        *(columns[key.lower()].value | columns[key.lower()].selection for key in keys)
    )


def _event_times(relation: Relation, inputs: Mapping[Key, Types]) -> Columns:
    """Microbatches filter each input by its event time, in SQL that dbt writes at run time."""
    if relation.setting("incremental_strategy") != "microbatch":
        return frozenset()
    return _all_columns(inputs)


def _all_columns(inputs: Mapping[Key, Types]) -> Columns:
    return frozenset(
        Column(schema, table, name.lower())
        for (schema, table), types in inputs.items()
        for name in types
    )
