"""The policy graph of a dbt project: roots as they are labelled, everything after them inferred."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from expectations.policy.declared import (
    ColumnPolicy,
    Declassify,
    Fault,
    Parser,
    TablePolicy,
)
from expectations.policy.defaults import Defaults, read_defaults
from expectations.policy.definitions import Unproven
from expectations.policy.finding import Code, Finding
from expectations.policy.graph import Field, PolicyGraph, Relation
from expectations.policy.inference import Key, Known, Loosening, declare, released
from expectations.policy.label import Label, is_within
from expectations.policy.lineage.edges import Column, OutputColumn, RelationLineage
from expectations.policy.lineage.manifest import Manifest
from expectations.policy.location import Locator
from expectations.policy.nodes import meta, nodes_by_key, queries
from expectations.policy.proof import prove
from expectations.policy.routes import root_path
from expectations.policy.vocabulary import Vocabulary, nearest, read_vocabulary

Node = Mapping[str, Any]


@dataclass(frozen=True)
class Examined:
    """The graph, and what is wrong with its labels, in the order of the data's path."""

    graph: PolicyGraph
    findings: tuple[Finding, ...]


def examine(
    manifest: Manifest,
    lineages: Mapping[Key, RelationLineage],
    locator: Locator,
    on: date,
    *,
    renderings: Sequence[Manifest] = (),
    vocabulary: Vocabulary | None = None,
    defaults: Defaults | None = None,
) -> Examined:
    """Label every column of the project. `on` is the day that a declassify must not have expired
    on, `renderings` the manifests of later runs, where models compile to other SQL."""
    nodes = nodes_by_key(manifest)
    examiner = _Examiner(
        nodes,
        lineages,
        locator,
        on,
        renderings,
        vocabulary or read_vocabulary(),
        defaults or read_defaults(),
    )
    for key, node in nodes.items():
        if key not in lineages and node["resource_type"] in ("source", "seed"):
            examiner.root(key, node)
    for key in lineages:
        examiner.derived(key, nodes[key])
    return Examined(PolicyGraph(examiner.relations), tuple(examiner.findings))


class _Examiner:
    def __init__(
        self,
        nodes: Mapping[Key, Node],
        lineages: Mapping[Key, RelationLineage],
        locator: Locator,
        on: date,
        renderings: Sequence[Manifest],
        vocabulary: Vocabulary,
        defaults: Defaults,
    ) -> None:
        self.relations: dict[Key, Relation] = {}
        self.findings: list[Finding] = []
        self._nodes = nodes
        self._lineages = lineages
        self._locator = locator
        self._on = on
        self._renderings = renderings
        self._vocabulary = vocabulary
        self._defaults = defaults
        self._parser = Parser(vocabulary)
        self._known = Known()

    def root(self, key: Key, node: Node) -> None:
        """A source, labelled by hand and by the defaults."""
        own = meta(node).get("policy") or {}
        table = self._table(key, node, own)
        fields = tuple(
            self._root_field(key, node, name, column, own)
            for name, column in node["columns"].items()
        )
        self._known.learn_root(key, fields, self._row_label(node, own, table))
        self._keep(key, node, fields, None, table)
        if table.event_time is None and not table.is_derived and (ending := _ending(fields)):
            self._report(
                node,
                key,
                "",
                (
                    Code.NO_EVENT_TIME,
                    f"{ending} ends after some days, but the table has no event_time",
                    "add event_time to the table's config.meta.policy",
                ),
                *("config", "meta", "policy"),
            )

    def _row_label(self, node: Node, own: Any, table: TablePolicy) -> Label:
        shared = self._merged(node, "", own, {})
        policy = self._parser.column({**shared, "categories": sorted(table.row_categories)})
        return policy.label()

    def _merged(self, node: Node, name: str, table: Any, own: Any) -> dict[str, Any]:
        return self._defaults.merged(
            node["original_file_path"],
            node.get("source_name", ""),
            name,
            table if isinstance(table, Mapping) else {},
            own if isinstance(own, Mapping) else {},
        )

    def _root_field(self, key: Key, node: Node, name: str, column: Node, table: Node) -> Field:
        own = meta(column).get("policy")
        if own is not None:
            self._parser.column(own)
            self._reports(node, key, name)
        self._misspelt(node, key, name, column)
        merged = self._merged(node, name, table, own)
        policy = self._parser.column({k: v for k, v in merged.items() if k != "declassify"})
        if own is None:
            self._reports(node, key, name)
        if missing := _missing(policy):
            self._report(
                node,
                key,
                name,
                (
                    Code.UNTAGGED_ROOT,
                    f"its label says no {' and no '.join(missing)}",
                    "add it to the column's config.meta.policy, or to defaults.yml for its folder",
                ),
            )
        at = Column(*key, name.lower())
        type_ = str(column.get("data_type") or "")
        return Field(at, type_, policy.label(), frozenset(), own is not None)

    def derived(self, key: Key, node: Node) -> None:
        """A model or snapshot: its labels follow from its inputs and its own words."""
        lineage = self._lineages[key]
        columns = {name.lower(): one for name, one in node["columns"].items()}
        own = meta(node).get("policy") or {}
        names = {one.name: one for one in lineage.columns}
        table = self._table(key, node, own, names) if own else TablePolicy()
        self._known.learn_rows(key, lineage, table.row_categories)
        fields = tuple(
            self._derived_field(key, node, one, lineage, columns.get(one.name, {}))
            for one in lineage.columns
        )
        self._keep(key, node, fields, lineage, table)

    def _derived_field(
        self, key: Key, node: Node, output: OutputColumn, lineage: RelationLineage, column: Node
    ) -> Field:
        at = Column(*key, output.name)
        label = self._known.infer(key, output, lineage)
        own = meta(column).get("policy") if column else None
        if column:
            self._misspelt(node, key, output.name, column)
        if own is not None:
            policy = self._parser.column(own)
            self._reports(node, key, output.name)
            if policy.declassify is not None:
                label = self._declassified(key, node, output, policy.declassify, label)
            label = self._declared(node, at, label, policy)
        self._known.labels[at] = label
        self._known.selection[at] = self._known.select(key, output)
        return Field(at, output.type, label, self._known.selection[at], own is not None)

    def _declared(self, node: Node, at: Column, inferred: Label, policy: ColumnPolicy) -> Label:
        label, loosened = declare(inferred, policy)
        for one in loosened:
            path = root_path(self._lineages, at, partial(self._is_on_the_way, one))
            self._report(
                node,
                (at.schema, at.table),
                at.name,
                (one.code, one.message, one.fix),
                *("config", "meta", "policy"),
                path=path,
            )
        return label

    def _is_on_the_way(self, loosened: Loosening, column: Column) -> bool:
        return loosened.holds_for(self._known.label(column))

    def _declassified(
        self, key: Key, node: Node, output: OutputColumn, declared: Declassify, inferred: Label
    ) -> Label:
        fault: Fault | None = None
        if declared.expires is not None and declared.expires <= self._on:
            fault = (
                Code.DECLASSIFY_EXPIRED,
                f"declassify expired on {declared.expires}",
                "have it reviewed and approved again, with a new ticket and end",
            )
        else:
            try:
                for sql in queries(node, self._renderings):
                    prove(sql, output.name, output.value, declared, self._vocabulary)
            except Unproven as unproven:
                fault = (
                    Code.DECLASSIFY_UNPROVEN,
                    f"declassify by {declared.method} is not proven: {unproven}",
                    "make the column's expression the declared operation and nothing else",
                )
        if fault is None:
            return released(inferred, declared.released, declared.residency)
        place = ("config", "meta", "policy", "declassify")
        self._report(node, key, output.name, fault, *place)
        return inferred

    def _table(
        self, key: Key, node: Node, own: Any, columns: Mapping[str, Any] | None = None
    ) -> TablePolicy:
        table = self._parser.table(own, node["columns"] if columns is None else columns)
        self._reports(node, key, "")
        return table

    def _keep(
        self,
        key: Key,
        node: Node,
        fields: tuple[Field, ...],
        lineage: RelationLineage | None,
        table: TablePolicy,
    ) -> None:
        kind = node["resource_type"]
        self.relations[key] = Relation(
            schema=key[0],
            table=key[1],
            kind="source" if lineage is None else "snapshot" if kind == "snapshot" else "model",
            fields=fields,
            lineage=lineage,
            path=node["original_file_path"],
            subject=table.subject,
            subject_key=table.subject_key,
            event_time=table.event_time,
        )

    def _misspelt(self, node: Node, key: Key, name: str, column: Node) -> None:
        for word in meta(column):
            if word != "policy" and nearest(word, ("policy",), "") == "did you mean policy?":
                fault = (Code.UNKNOWN_KEY, f"config.meta.{word}", "did you mean policy?")
                self._report(node, key, name, fault, "config", "meta", word)

    def _reports(self, node: Node, key: Key, column: str) -> None:
        for fault in self._parser.faults:
            self._report(node, key, column, fault, "config", "meta", "policy")

    def _report(
        self,
        node: Node,
        key: Key,
        column: str,
        fault: Fault,
        *keys: str,
        path: tuple[Column, ...] = (),
    ) -> None:
        file, line = self._locator.place(node, column, *keys)
        code, message, fix = fault
        self.findings.append(Finding(code, message, fix, file, line, ".".join(key), column, path))


def _missing(policy: ColumnPolicy) -> list[str]:
    """What the label of a root must say and does not. What is not about people may be everywhere,
    for everything and for ever."""
    if not policy.categories:
        return ["categories"]
    if not any(is_within(one, "user") for one in policy.categories):
        return []
    return [
        name
        for name in ("residency", "purposes", "retention_days")
        if getattr(policy, name) is None
    ]


def _ending(fields: Sequence[Field]) -> str:
    return next((one.column.name for one in fields if one.label.retention_days is not None), "")
