"""Whether the consent gate stands before everything that leaves, on every branch of every query."""

from collections.abc import Iterator, Mapping, Sequence

from expectations.policy.lineage.dominance import Gate, dominated_by
from expectations.policy.lineage.edges import RelationLineage
from expectations.policy.lineage.faults import LineageError
from expectations.policy.lineage.manifest import Manifest, Relation, relations
from expectations.policy.lineage.shadow import ShadowCatalog

Key = tuple[str, str]

#: One row per person, purpose and channel says who is permitted. Each row that leaves must stand
#: beside the permit of its own person, for the purpose and channel that it was decided for.
CONSENT_GATE = Gate(
    relation=("consent", "con_permits"),
    keys={"person_id": "person_id", "purpose": None, "channel": None},
    conditions={"verdict": "permit"},
)


#: Materialisations whose rows are those of the query as it is now.
_REMADE = frozenset({"table", "view", "external", "materialized_view"})


def past_the_gate(
    manifest: Manifest,
    lineages: Mapping[Key, RelationLineage],
    leaving: Sequence[Key],
    gate: Gate = CONSENT_GATE,
) -> Iterator[tuple[Key, str]]:
    """Each relation of `leaving` with each way on which a row of it comes past the gate.

    A relation that reads one which is behind the gate is behind it too, as far as its rows are
    those of that relation.
    """
    if not leaving:
        return
    known = {one.key: one for one in relations(manifest)}
    behind: dict[Key, Mapping[str, str]] = {}
    faults: dict[Key, tuple[str, ...]] = {}
    for key in _upstream(lineages, leaving, gate.relation):
        one = known.get(key)
        if one is None or one.sql is None:
            faults[key] = ("its rows are not made by a query that can be followed",)
            continue
        if one.materialized not in _REMADE:
            faults[key] = (
                f"materialisation {one.materialized} keeps rows of earlier runs, and a permit may "
                "have ended since",
            )
            continue
        try:
            with _catalog(known, lineages, lineages[key]) as catalog:
                names = [column.name for column in lineages[key].columns]
                found = dominated_by(catalog.plan(one.sql), names, gate, behind)
        except LineageError as error:
            faults[key] = (error.message,)
            continue
        if found.undominated:
            faults[key] = found.undominated
        else:
            behind[key] = found.carried
    for key in leaving:
        if key not in behind:
            yield from ((key, fault) for fault in faults.get(key, ("it is not behind the gate",)))


def _upstream(
    lineages: Mapping[Key, RelationLineage], leaving: Sequence[Key], gate: Key
) -> list[Key]:
    """The relations that the leaving ones are made from and that may stand behind the gate, in the
    order of the data's path; the leaving ones last."""
    reads_gate: set[Key] = {gate}
    for key, lineage in lineages.items():
        if lineage.relations & reads_gate:
            reads_gate.add(key)
    wanted = set(leaving)
    for key in reversed(list(lineages)):
        if key in wanted:
            wanted |= lineages[key].relations & reads_gate
    return [key for key in lineages if key in wanted and key != gate]


def _catalog(
    known: Mapping[Key, Relation], lineages: Mapping[Key, RelationLineage], of: RelationLineage
) -> ShadowCatalog:
    """A shadow catalog of what one query reads."""
    read = sorted(of.relations)
    catalog = ShadowCatalog(dict.fromkeys(known[key].database for key in read))
    for key in read:
        one = known[key]
        lineage = lineages.get(key)
        columns = (
            {name: kind for name, kind in one.declared.items() if kind}
            if lineage is None
            else {column.name: column.type for column in lineage.columns}
        )
        catalog.create(one.database, one.schema, one.table, columns)
    return catalog
