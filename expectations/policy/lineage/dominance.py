"""Whether every row of a query's result belongs to somebody whom a gate permits.

A must-analysis on the bound plan. A query's rows come in along one or more paths (each branch of a
UNION, each side that a subquery adds); on each the analysis keeps what is certain about every row:
which values are equal, which constants they were compared with, and which rows of the gate stand
beside it. What it can't see (a condition under OR, an outer join's missing side, a key that was
computed) it takes for not given, so it may refuse a safe query and never accepts an unsafe one.

It speaks of whose row leaves. What a value in the row says of other people (an aggregate over
everybody, a window) is a matter of lineage.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from expectations.policy.lineage.dominating import Analysis
from expectations.policy.lineage.flow import Node
from expectations.policy.lineage.paths import Path, Token, Witness

Key = tuple[str, str]


@dataclass(frozen=True)
class Gate:
    """The relation that says who is permitted.

    `keys` are its columns that name what is permitted. Each goes with the output column that must
    hold the same value, or with None where it is enough that it was compared as equal with a value
    of some other relation. `conditions` are columns of the gate and the constants they must have.
    """

    relation: Key
    keys: Mapping[str, str | None]
    conditions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dominance:
    """`undominated` describes each path by which a row can come past the gate; empty is safe.

    `carried` gives for each key of the gate an output column that holds it on every path: pass it
    as `dominated` when a further query reads this one's result.
    """

    undominated: tuple[str, ...]
    carried: Mapping[str, str]


def dominated_by(
    plan: Node,
    columns: Sequence[str],
    gate: Gate,
    dominated: Mapping[Key, Mapping[str, str]] | None = None,
    about_nobody: Collection[Key] = (),
) -> Dominance:
    """Whether the gate stands before every row of the plan's result.

    `columns` are the names of the result's columns. `dominated` are relations that were found
    dominated by the same gate, each with its `carried`. `about_nobody` are relations that hold no
    rows about people, which may be joined without a key.
    """
    names = [name.lower() for name in columns]
    wanted = {
        key: names.index(output.lower())
        for key, output in gate.keys.items()
        if output is not None and output.lower() in names
    }
    paths = Analysis(gate.relation, tuple(gate.keys), gate.conditions, dominated or {}).walk(plan)
    faults: list[str] = []
    for path in paths:
        fault = _fault(path, gate, wanted, names, about_nobody)
        if fault is not None:
            faults.append(f"{_described(path)}: {fault}")
    carried = {} if faults else _carried(paths, gate, names)
    return Dominance(tuple(dict.fromkeys(faults)), carried)


def _fault(
    path: Path,
    gate: Gate,
    wanted: Mapping[str, int],
    names: Sequence[str],
    about_nobody: Collection[Key],
) -> str | None:
    """Why the path is not dominated; None when it is."""
    name = ".".join(gate.relation)
    if not path.witnesses:
        return f"no join with {name}"
    reasons = [_unmet(path, witness, gate, wanted, names) for witness in path.witnesses]
    if all(reasons):
        return next(reason for reason in reasons if reason)
    exempt = {".".join(key) for key in about_nobody}
    groups = _groups(path)
    beside = {
        groups[path.root(token)]
        for witness, reason in zip(path.witnesses, reasons, strict=True)
        if reason is None
        for token in witness.row
        if path.root(token) in groups
    }
    for words, tokens in path.scans:
        if words in exempt:
            continue
        if not any(groups.get(path.root(token)) in beside for token in tokens):
            return f"rows of {words} are joined without an equality to {name}"
    return None


def _unmet(
    path: Path, witness: Witness, gate: Gate, wanted: Mapping[str, int], names: Sequence[str]
) -> str | None:
    """What keeps a row of the gate from permitting the rows of the path."""
    name = ".".join(gate.relation)
    for token, value in witness.owed.items():
        if not path.is_constant(token, value):
            return f"the join with {name} does not demand {value!r}"
    for key, output in gate.keys.items():
        if key not in witness.keys:
            if output is None and not path.scans:
                continue  # nothing but rows that are permitted already
            return f"{name}.{key} is not at hand"
        token = witness.keys[key]
        if output is None:
            if not _is_compared(path, token):
                return f"{name}.{key} is not compared as equal with anything"
        elif key not in wanted:
            return f"column {output} is not selected"
        elif not _is_same(path, path.columns[wanted[key]], token):
            return f"column {names[wanted[key]]} is not proven equal to {name}.{key}"
    return None


def _is_same(path: Path, one: Token, other: Token) -> bool:
    """Whether two values are equal, or the same constant."""
    if path.root(one) == path.root(other):
        return True
    return any(
        path.is_constant(one, value) and path.is_constant(other, value)
        for value in path.constants.values()
    )


def _is_compared(path: Path, token: Token) -> bool:
    root = path.root(token)
    return any(path.root(one) == root for _, tokens in path.scans for one in tokens) or not (
        path.scans
    )


def _groups(path: Path) -> dict[Token, int]:
    """For each value the number of its group: values that stand in one relation's row, or were
    compared as equal, are of one group."""
    groups: dict[Token, int] = {}
    sets = [{path.root(token) for token in tokens} for _, tokens in path.scans]
    sets += [{path.root(token) for token in witness.row} for witness in path.witnesses]
    sets += [{path.root(one), path.root(other)} for one, other in path.links]
    for number, members in enumerate(sets):
        merged = {groups[token] for token in members if token in groups}
        for token, group in groups.items():
            if group in merged:
                groups[token] = number
        for token in members:
            groups[token] = number
    return groups


def _carried(paths: Sequence[Path], gate: Gate, names: Sequence[str]) -> dict[str, str]:
    carried: dict[str, str] = {}
    for key in gate.keys:
        for at, name in enumerate(names):
            if all(
                any(
                    key in witness.keys
                    and path.root(witness.keys[key]) == path.root(path.columns[at])
                    for witness in path.witnesses
                )
                for path in paths
            ):
                carried[key] = name
                break
    return carried


def _described(path: Path) -> str:
    scans = list(dict.fromkeys(words for words, _ in path.scans)) or ["no relation"]
    return ", ".join([*path.words, "rows of " + " with ".join(scans)])
