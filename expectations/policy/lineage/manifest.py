"""The dbt manifest as lineage sees it: which relations there are, how each is made, in what order.

Read from manifest.json alone, written by `dbt compile` (`dbt parse` compiles no SQL).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal

from expectations.policy.lineage.faults import Undeclared

Kind = Literal["source", "model", "snapshot"]
Manifest = Mapping[str, Any]

#: Materialisations that store the rows of the query and nothing else.
STORES_ITS_QUERY = frozenset({"table", "view", "external", "incremental", "materialized_view"})
#: The settings of a model that lineage follows from.
SETTINGS = (
    "hooks",
    "unique_key",
    "strategy",
    "updated_at",
    "check_cols",
    "snapshot_meta_column_names",
    "hard_deletes",
    "incremental_strategy",
)
_BUILT = frozenset({"model", "snapshot", "seed"})
#: What a hook may do without changing what a table holds.
_HARMLESS_HOOKS = ("analyze", "checkpoint", "comment", "create index", "grant", "vacuum")


@dataclass(frozen=True)
class Relation:
    """One relation of the project and how it is made.

    `sql` is None for a source, a seed and a Python model. `declared` are the YAML's columns with
    their types (None where it gives none). `inputs` are the unique ids of the relations that it
    reads, ephemeral models replaced by theirs. `derived` says for a custom materialisation which of
    its query's columns make each column; None when nothing is declared.
    """

    unique_id: str
    kind: Kind
    database: str
    schema: str
    table: str
    path: str
    materialized: str
    declared: Mapping[str, str | None]
    inputs: tuple[str, ...] = ()
    sql: str | None = None
    config: Mapping[str, Any] | None = None
    derived: Mapping[str, tuple[str, ...]] | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.schema.lower(), self.table.lower()

    @property
    def is_root(self) -> bool:
        return self.kind == "source"

    def setting(self, name: str) -> Any:
        return (self.config or {}).get(name)


def relations(manifest: Manifest) -> list[Relation]:
    """Every relation of the project, each after those that it reads.

    Raises Undeclared when the manifest has no compiled SQL, two relations share schema and table,
    or models read each other in a circle.
    """
    nodes = {key: one for key, one in manifest["nodes"].items() if one["resource_type"] in _BUILT}
    found = {
        **{key: _source(one) for key, one in manifest["sources"].items()},
        **{
            key: _built(one, nodes, manifest)
            for key, one in nodes.items()
            if not _is_ephemeral(one)
        },
    }
    _refuse_namesakes(found)
    graph = {key: [name for name in one.inputs if name in found] for key, one in found.items()}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise Undeclared(f"models read each other in a circle: {error.args[1]}") from None
    return [found[key] for key in order]


def _source(node: Mapping[str, Any]) -> Relation:
    return Relation(
        unique_id=node["unique_id"],
        kind="source",
        database=node["database"],
        schema=node["schema"],
        table=node["identifier"],
        path=node["original_file_path"],
        materialized="source",
        declared=_types(node),
    )


def _built(
    node: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]], manifest: Manifest
) -> Relation:
    kind: Kind = {"model": "model", "snapshot": "snapshot", "seed": "source"}[  # type: ignore[assignment]
        node["resource_type"]
    ]
    config = node["config"]
    return Relation(
        unique_id=node["unique_id"],
        kind=kind,
        database=node["database"],
        schema=node["schema"],
        table=node["alias"],
        path=node["original_file_path"],
        materialized=config["materialized"],
        declared={**dict.fromkeys(config.get("column_types") or {}), **_types(node)}
        if kind != "source"
        else {**_types(node), **(config.get("column_types") or {})},
        inputs=tuple(dict.fromkeys(_inputs(node, nodes))),
        sql=None if kind == "source" or node.get("language") == "python" else _compiled(node),
        config={**config, "hooks": _hooks(config)},
        derived=_derivation(config["materialized"], manifest),
    )


def _compiled(node: Mapping[str, Any]) -> str:
    sql: str | None = node.get("compiled_code")
    if not sql:
        raise Undeclared(
            "the manifest holds no compiled SQL for it. Fix: write the manifest with `dbt compile`",
            node["original_file_path"],
        )
    return sql.strip().rstrip(";")


def _inputs(node: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name in (node.get("depends_on") or {}).get("nodes", ()):
        if name in nodes and _is_ephemeral(nodes[name]):
            yield from _inputs(nodes[name], nodes)
        else:
            yield name


def _is_ephemeral(node: Mapping[str, Any]) -> bool:
    return bool(node["config"]["materialized"] == "ephemeral")


def _types(node: Mapping[str, Any]) -> dict[str, str | None]:
    return {one["name"]: one.get("data_type") for one in node["columns"].values()}


def _hooks(config: Mapping[str, Any]) -> list[str]:
    """The SQL of hooks that may change what the table holds."""
    texts = [
        str(hook["sql"] if isinstance(hook, Mapping) else hook).strip()
        for key in ("pre-hook", "post-hook")
        for hook in config.get(key) or ()
    ]
    return [text for text in texts if not text.lower().startswith(_HARMLESS_HOOKS)]


def _derivation(materialized: str, manifest: Manifest) -> Mapping[str, tuple[str, ...]] | None:
    """What the YAML of a custom materialisation declares in `meta.lineage`."""
    ending = f".materialization_{materialized}_"
    for key, macro in (manifest.get("macros") or {}).items():
        if ending in key and (macro.get("meta") or {}).get("lineage"):
            return {
                column: tuple(made_from) for column, made_from in macro["meta"]["lineage"].items()
            }
    return None


def _refuse_namesakes(found: Mapping[str, Relation]) -> None:
    seen: dict[tuple[str, str], Relation] = {}
    for one in found.values():
        other = seen.setdefault(one.key, one)
        if other is not one:
            raise Undeclared(
                f"has the schema and name of {other.unique_id}. Fix: give one another alias",
                one.path,
            )
