"""Lineage of a whole dbt project, from its manifest alone."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from expectations.policy.lineage.cache import LineageCache
from expectations.policy.lineage.edges import RelationLineage
from expectations.policy.lineage.faults import LineageError, Undeclared, UnsupportedConstruct
from expectations.policy.lineage.manifest import SETTINGS, Manifest, Relation, relations
from expectations.policy.lineage.materialised import lineage_of, opaque
from expectations.policy.lineage.shadow import ShadowCatalog, Types

Key = tuple[str, str]


@dataclass(frozen=True)
class ProjectLineage:
    """Lineage of every model and snapshot by (schema, table), in the order of the data's path.

    A relation with a fault has the lineage of a black box (each column depends on every column of
    every relation that it reads) when its YAML declares its columns' types, and none otherwise.
    """

    relations: Mapping[Key, RelationLineage]
    faults: tuple[LineageError, ...]


def project_lineage(
    manifest: Manifest, renderings: Sequence[Manifest] = (), cache: Path | None = None
) -> Mapping[Key, RelationLineage]:
    """Lineage of every model and snapshot by (schema, table).

    `renderings` are further manifests of the same project in which models compile to other SQL
    (incremental models, once their tables exist); the union of all counts. `cache` is a file that
    remembers lineage from one call to the next.

    Raises the first LineageError: a model that doesn't bind, a construct that isn't supported, a
    source column without a type.
    """
    examined = examine_project(manifest, renderings, cache)
    if examined.faults:
        raise examined.faults[0]
    return examined.relations


def examine_project(
    manifest: Manifest, renderings: Sequence[Manifest] = (), cache: Path | None = None
) -> ProjectLineage:
    """As project_lineage, but with the faults of all models instead of the first's."""
    found = relations(manifest)
    further = [{one.unique_id: one for one in relations(other)} for other in renderings]
    known: dict[str, Relation] = {one.unique_id: one for one in found}
    lineages: dict[Key, RelationLineage] = {}
    types: dict[Key, Mapping[str, str]] = {}
    faults: list[LineageError] = []
    remembered = LineageCache(cache)
    # models whose lineage is remembered are created only for a model that must be bound again
    not_created: dict[Key, Callable[[], None]] = {}
    with ShadowCatalog(_databases(found)) as catalog:
        for one in found:
            inputs = {
                known[name].key: types[known[name].key]
                for name in one.inputs
                if name in known and known[name].key in types
            }
            try:
                if one.is_root:
                    columns = declared_types(one)
                    catalog.create(one.database, one.schema, one.table, columns)
                else:
                    others = [other[one.unique_id] for other in further if one.unique_id in other]
                    lineages[one.key] = remembered.lineage(
                        _follows_from(one, others, inputs, lineages),
                        partial(
                            _lineage, one, others, catalog, inputs, lineages.keys(), not_created
                        ),
                    )
                    _refuse_hidden_inputs(lineages[one.key], inputs)
                    columns = {column.name: column.type for column in lineages[one.key].columns}
                    not_created[one.key] = partial(
                        catalog.create, one.database, one.schema, one.table, columns
                    )
            except LineageError as fault:
                lineages.pop(one.key, None)
                faults.append(fault.of(one.path))
                columns = {name: kind for name, kind in one.declared.items() if kind}
                if one.is_root or not columns or len(columns) < len(one.declared):
                    continue
                lineages[one.key] = opaque(columns, inputs)
                catalog.create(one.database, one.schema, one.table, columns)
            types[one.key] = {name.lower(): kind for name, kind in columns.items()}
    remembered.save()
    return ProjectLineage(lineages, tuple(faults))


def _lineage(
    one: Relation,
    others: Sequence[Relation],
    catalog: ShadowCatalog,
    inputs: Mapping[Key, Types],
    made: Collection[Key],
    not_created: dict[Key, Callable[[], None]],
) -> RelationLineage:
    for key in inputs:
        if key in not_created:
            not_created.pop(key)()
    return lineage_of(one, others, catalog, inputs, made)


def _follows_from(
    one: Relation,
    others: Sequence[Relation],
    inputs: Mapping[Key, Types],
    made: Mapping[Key, object],
) -> dict[str, Any]:
    """Everything that a model's lineage follows from."""
    return {
        "relations": [
            (relation.sql, relation.kind, relation.materialized, relation.derived)
            for relation in (one, *others)
        ],
        "declared": one.declared,
        "settings": {name: one.setting(name) for name in SETTINGS},
        "inputs": [(key, list(types.items()), key in made) for key, types in inputs.items()],
    }


def _refuse_hidden_inputs(lineage: RelationLineage, inputs: Mapping[Key, Types]) -> None:
    """A relation that is read by its plain name may be built later, and in another state."""
    hidden = sorted(lineage.relations - inputs.keys())
    if hidden:
        raise UnsupportedConstruct(
            f"reads {'.'.join(hidden[0])} by its name. Fix: refer to it with ref() or source()"
        )


def catalog_of(manifest: Manifest, lineages: Mapping[Key, RelationLineage]) -> ShadowCatalog:
    """The shadow catalog of a project whose lineage is known, to take plans of its queries from."""
    found = relations(manifest)
    catalog = ShadowCatalog(_databases(found))
    for one in found:
        if one.is_root:
            columns: Mapping[str, str] = declared_types(one)
        elif one.key in lineages:
            columns = {column.name: column.type for column in lineages[one.key].columns}
        else:
            continue
        catalog.create(one.database, one.schema, one.table, columns)
    return catalog


def declared_types(relation: Relation) -> dict[str, str]:
    """The types that the YAML of a relation declares for its columns.

    Raises Undeclared for a column without one.
    """
    types: dict[str, str] = {}
    for name, kind in relation.declared.items():
        if kind is None:
            raise Undeclared(
                f"column {relation.table}.{name} has no type. Fix: add data_type to its YAML"
            )
        types[name] = kind
    return types


def _databases(found: Iterable[Relation]) -> list[str]:
    return list(dict.fromkeys(one.database for one in found))
