"""The operators of a plan as the gate analysis sees them; see dominance.py."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from expectations.policy.lineage.conditions import compared, conjuncts, projected, reference, where
from expectations.policy.lineage.faults import Undeclared, UnsupportedConstruct
from expectations.policy.lineage.flow import Node
from expectations.policy.lineage.paths import Path, Pending, Token, Witness, fresh

Key = tuple[str, str]
Paths = list[Path]

#: More ways than a query that anybody could review; each join multiplies those of its sides.
MAXIMUM_PATHS = 512


@dataclass
class Analysis:
    """Walks one plan. `relation`, `keys` and `conditions` are the gate's, `dominated` the relations
    behind it with the columns that carry its keys."""

    relation: Key
    keys: Sequence[str]
    conditions: Mapping[str, str]
    dominated: Mapping[Key, Mapping[str, str]]
    ctes: dict[int, Paths] = field(default_factory=dict)

    def walk(self, operator: Node) -> Paths:
        handler = _HANDLERS.get(operator["type"])
        if handler is None:
            raise UnsupportedConstruct(f"operator {operator['type']} is not supported")
        paths = handler(self, operator)
        if len(paths) > MAXIMUM_PATHS:
            raise UnsupportedConstruct(f"more than {MAXIMUM_PATHS} ways for a row to come in")
        return paths

    def inputs(self, operator: Node) -> list[Paths]:
        return [self.walk(child) for child in operator.get("children", [])]

    def scan(self, operator: Node) -> Paths:
        if operator.get("children"):
            (given,) = self.inputs(operator)
            kept = operator.get("projected_input") or []
            width = len(operator.get("projection_ids") or operator["column_indexes"])
            return [
                path.with_columns(_new(width) + tuple(path.columns[at] for at in kept))
                for path in given
            ]
        data = operator.get("function_data") or {}
        names = [name.lower() for name in operator.get("names", [])]
        tokens = dict(zip(names, _new(len(names)), strict=True))
        columns = tuple(
            tokens[names[one["index"]]] if one["index"] < len(names) else fresh()
            for one in operator["column_indexes"]
        )
        kept = operator.get("projection_ids")
        columns = tuple(columns[at] for at in kept) if kept else columns
        if "table" not in data:
            return [Path((), columns)]
        key = (data["schema"].lower(), data["table"].lower())
        row = frozenset(tokens.values())
        if key == self.relation:
            return [Path((), columns, witnesses=(self._witness(tokens),))]
        if key in self.dominated:
            held = {k: tokens[name] for k, name in self.dominated[key].items()}
            return [Path((), columns, witnesses=(Witness(held, {}, row),))]
        return [Path((), columns, scans=((".".join(key), row),))]

    def _witness(self, tokens: Mapping[str, Token]) -> Witness:
        unknown = sorted({*self.keys, *self.conditions} - set(tokens))
        if unknown:
            raise Undeclared(f"the gate {'.'.join(self.relation)} has no column {unknown[0]}")
        return Witness(
            {key: tokens[key] for key in self.keys},
            {tokens[name]: value for name, value in self.conditions.items()},
            frozenset(tokens.values()),
        )

    def without_input(self, operator: Node) -> Paths:
        width = len(operator.get("chunk_types") or ())
        return [Path((), _new(width or 1))]

    def values(self, operator: Node) -> Paths:
        (given,) = self.inputs(operator)
        return [path.with_columns(_new(len(operator["expr_types"]))) for path in given]

    def projection(self, operator: Node) -> Paths:
        (given,) = self.inputs(operator)
        return [projected(path, operator["expressions"]) for path in given]

    def filtered(self, operator: Node) -> Paths:
        (given,) = self.inputs(operator)
        kept = operator.get("projection_map")
        return [
            further.with_columns(_mapped(further.columns, kept))
            for path in given
            for further in where(path, operator["expressions"])
        ]

    def ordered(self, operator: Node) -> Paths:
        (given,) = self.inputs(operator)
        kept = operator.get("projections")
        return [path.with_columns(_mapped(path.columns, kept)) for path in given]

    def unchanged(self, operator: Node) -> Paths:
        (given,) = self.inputs(operator)
        return given

    def extended(self, operator: Node) -> Paths:
        """Windows and UNNEST add computed columns."""
        (given,) = self.inputs(operator)
        width = len(operator["expressions"])
        return [path.with_columns(path.columns + _new(width)) for path in given]

    def aggregated(self, operator: Node) -> Paths:
        """A group's key is that of each of its rows. Without groups the one row is about no row of
        the input, so nothing that was certain about those is certain about it."""
        (given,) = self.inputs(operator)
        groups = operator.get("groups") or []
        width = len(operator.get("expressions") or ()) + len(
            operator.get("grouping_functions") or ()
        )
        if not groups:
            return [Path((), _new(width))]
        # with several grouping sets a key is null in the rows of some
        is_plain = len(operator.get("grouping_sets") or ()) <= 1
        keys = [
            projected(path, groups) if is_plain else path.with_columns(_new(len(groups)))
            for path in given
        ]
        return [path.with_columns(path.columns + _new(width)) for path in keys]

    def pivoted(self, operator: Node) -> Paths:
        (given,) = self.inputs(operator)
        pivot = operator["bound_pivot"]
        width = len(pivot["pivot_values"]) * len(pivot["aggregates"])
        return [
            path.with_columns(path.columns[: pivot["group_count"]] + _new(width)) for path in given
        ]

    def crossed(self, operator: Node) -> Paths:
        left, right = self.inputs(operator)
        return [_side_by_side(one, other) for one, other in product(left, right)]

    def positional(self, operator: Node) -> Paths:
        return [_bare(path) for path in self.crossed(operator)]

    def joined(self, operator: Node) -> Paths:
        left, right = self.inputs(operator)
        kind = operator["join_type"]
        if kind == "ANTI":
            return [_kept(path, operator, "left") for path in left]
        if kind == "MARK":
            return [self._marked(path, right, operator) for path in left]
        return [
            further
            for one, other in product(left, right)
            for further in _joined(one, other, operator)
        ]

    def _marked(self, left: Path, right: Paths, operator: Node) -> Path:
        """IN and EXISTS: the mark is true when a row of the right side agrees."""
        mark = fresh()
        ways = tuple(
            further.supplement()
            for other in right
            for further in _agreeing(_side_by_side(left, other), left, other, operator)
        )
        pending = Pending(frozenset({mark}), ways, is_mark=True)
        return replace(left, columns=(*left.columns, mark), pending=(*left.pending, pending))

    def united(self, operator: Node) -> Paths:
        return [
            replace(path, words=(f"branch {number} of a union", *path.words))
            for number, branch in enumerate(self.inputs(operator), start=1)
            for path in branch
        ]

    def first_branch(self, operator: Node) -> Paths:
        return self.walk(operator["children"][0])

    def named(self, operator: Node) -> Paths:
        self.ctes[operator["table_index"]] = self.walk(operator["children"][0])
        return self.walk(operator["children"][1])

    def cte(self, operator: Node) -> Paths:
        return [path.renamed() for path in self.ctes[operator["cte_index"]]]

    def recursive(self, operator: Node) -> Paths:
        """Nothing is taken for certain about the rows of the step before."""
        columns = _new(operator["column_count"])
        before = Path((), columns, scans=(("the recursion", frozenset(columns)),))
        self.ctes[operator["table_index"]] = [before]
        first, step = self.inputs(operator)
        return first + [replace(path, words=("recursion", *path.words)) for path in step]


def _joined(left: Path, right: Path, operator: Node) -> Paths:
    kind = operator["join_type"]
    both = _side_by_side(left, right)
    agreeing = _agreeing(both, left, right, operator)
    if kind == "INNER":
        return [_kept(path, operator, "left", "right") for path in agreeing]
    if kind == "SEMI":
        certain = [left.supplemented(path.supplement()) for path in agreeing]
        return [_kept(path, operator, "left") for path in certain]
    if kind in ("LEFT", "SINGLE"):
        return [_kept(_outer(both, left, right, agreeing), operator, "left", "right")]
    if kind == "RIGHT":
        return [_kept(_outer(both, right, left, agreeing), operator, "left", "right")]
    if kind in ("OUTER", "FULL"):
        return [_kept(_bare(both), operator, "left", "right")]
    raise UnsupportedConstruct(f"join {kind} is not supported")


def _outer(both: Path, kept: Path, optional: Path, agreeing: Paths) -> Path:
    """Every row of `kept`, and beside it a row of `optional` or nulls."""
    pending = Pending(frozenset(optional.columns), tuple(path.supplement() for path in agreeing))
    return replace(
        kept,
        words=both.words,
        columns=both.columns,
        pending=(*kept.pending, pending),
        scans=both.scans,
        # whose row it is, if there is one
        links=both.links + tuple(link for path in agreeing[:1] for link in path.links),
    )


def _agreeing(both: Path, left: Path, right: Path, operator: Node) -> Paths:
    """The ways in which two rows can fulfil a join's condition."""
    paths = [both]
    sides = (left.columns, right.columns)
    for one in operator.get("conditions") or []:
        if "left" not in one or "right" not in one:
            paths = [further for path in paths for further in where(path, [one])]
            continue
        if _puts_together(operator, one):
            a, b = reference(one["left"], sides[0]), reference(one["right"], sides[1])
            if a is not None and b is not None:
                paths = [path.equate(a, b) for path in paths]
            continue
        paths = [
            further
            for path in paths
            for further in compared(path, one["left"], one["right"], one["comparison"], sides)
        ]
    for key in ("condition", "predicate"):
        if operator.get(key):
            terms = list(conjuncts([operator[key]]))
            paths = [further for path in paths for further in where(path, terms)]
    return paths


def _puts_together(operator: Node, condition: Node) -> bool:
    """A correlated subquery is joined back on the outer row's own values, null or not."""
    return bool(
        operator["type"] == "LOGICAL_DELIM_JOIN"
        and condition["comparison"] == "COMPARE_NOT_DISTINCT_FROM"
    )


def _side_by_side(left: Path, right: Path) -> Path:
    return Path(
        left.words + right.words,
        left.columns + right.columns,
        left.witnesses + right.witnesses,
        left.pending + right.pending,
        {**left.same, **right.same},
        {**left.constants, **right.constants},
        left.scans + right.scans,
        left.links + right.links,
    )


def _bare(path: Path) -> Path:
    """Nothing is certain where either side may be missing."""
    return Path(path.words, path.columns, scans=path.scans)


def _kept(path: Path, operator: Node, *sides: str) -> Path:
    maps = [operator.get(f"{side}_projection_map") for side in sides]
    if any(maps):
        raise UnsupportedConstruct("a join drops columns: the plan was optimised")
    return path


def _new(width: int) -> tuple[Token, ...]:
    return tuple(fresh() for _ in range(width))


def _mapped(columns: tuple[Token, ...], kept: Sequence[int] | None) -> tuple[Token, ...]:
    return tuple(columns[at] for at in kept) if kept else columns


_HANDLERS: dict[str, Callable[[Analysis, Node], Paths]] = {
    "LOGICAL_GET": Analysis.scan,
    "LOGICAL_DUMMY_SCAN": Analysis.without_input,
    "LOGICAL_CHUNK_GET": Analysis.without_input,
    "LOGICAL_COLUMN_DATA_GET": Analysis.without_input,
    "LOGICAL_DELIM_GET": Analysis.without_input,
    "LOGICAL_EXPRESSION_GET": Analysis.values,
    "LOGICAL_PROJECTION": Analysis.projection,
    "LOGICAL_FILTER": Analysis.filtered,
    "LOGICAL_ORDER_BY": Analysis.ordered,
    "LOGICAL_LIMIT": Analysis.unchanged,
    "LOGICAL_SAMPLE": Analysis.unchanged,
    "LOGICAL_DISTINCT": Analysis.unchanged,
    "LOGICAL_WINDOW": Analysis.extended,
    "LOGICAL_UNNEST": Analysis.extended,
    "LOGICAL_AGGREGATE_AND_GROUP_BY": Analysis.aggregated,
    "LOGICAL_PIVOT": Analysis.pivoted,
    "LOGICAL_CROSS_PRODUCT": Analysis.crossed,
    "LOGICAL_POSITIONAL_JOIN": Analysis.positional,
    "LOGICAL_COMPARISON_JOIN": Analysis.joined,
    "LOGICAL_ANY_JOIN": Analysis.joined,
    "LOGICAL_ASOF_JOIN": Analysis.joined,
    "LOGICAL_DELIM_JOIN": Analysis.joined,
    "LOGICAL_UNION": Analysis.united,
    "LOGICAL_EXCEPT": Analysis.first_branch,
    "LOGICAL_INTERSECT": Analysis.first_branch,
    "LOGICAL_MATERIALIZED_CTE": Analysis.named,
    "LOGICAL_CTE_REF": Analysis.cte,
    "LOGICAL_RECURSIVE_CTE": Analysis.recursive,
}
