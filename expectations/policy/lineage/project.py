"""Lineage of a whole dbt project, from its manifest alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from expectations.policy.lineage.edges import RelationLineage
from expectations.policy.lineage.faults import LineageError, Undeclared
from expectations.policy.lineage.manifest import Manifest, Relation, relations
from expectations.policy.lineage.materialised import lineage_of, opaque
from expectations.policy.lineage.shadow import ShadowCatalog

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
    manifest: Manifest, renderings: Sequence[Manifest] = ()
) -> Mapping[Key, RelationLineage]:
    """Lineage of every model and snapshot by (schema, table).

    `renderings` are further manifests of the same project in which models compile to other SQL
    (incremental models, once their tables exist); the union of all counts.

    Raises the first LineageError: a model that doesn't bind, a construct that isn't supported, a
    source column without a type.
    """
    examined = examine_project(manifest, renderings)
    if examined.faults:
        raise examined.faults[0]
    return examined.relations


def examine_project(manifest: Manifest, renderings: Sequence[Manifest] = ()) -> ProjectLineage:
    """As project_lineage, but with the faults of all models instead of the first's."""
    found = relations(manifest)
    further = [{one.unique_id: one for one in relations(other)} for other in renderings]
    known: dict[str, Relation] = {one.unique_id: one for one in found}
    lineages: dict[Key, RelationLineage] = {}
    types: dict[Key, Mapping[str, str]] = {}
    faults: list[LineageError] = []
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
                else:
                    others = [other[one.unique_id] for other in further if one.unique_id in other]
                    lineages[one.key] = lineage_of(one, others, catalog, inputs, set(lineages))
                    columns = {column.name: column.type for column in lineages[one.key].columns}
                catalog.create(one.database, one.schema, one.table, columns)
            except LineageError as fault:
                faults.append(fault.of(one.path))
                columns = {name: kind for name, kind in one.declared.items() if kind}
                if one.is_root or not columns or len(columns) < len(one.declared):
                    continue
                lineages[one.key] = opaque(columns, inputs)
                catalog.create(one.database, one.schema, one.table, columns)
            types[one.key] = {name.lower(): kind for name, kind in columns.items()}
    return ProjectLineage(lineages, tuple(faults))


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
