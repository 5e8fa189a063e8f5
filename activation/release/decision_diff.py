"""What two releases decide about the same inputs: who gains, loses or is treated otherwise."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import duckdb
import pyarrow as pa

from activation.decisions.gates import Gate

Change = Literal["gained", "lost", "changed"]
CHANGES: tuple[Change, ...] = get_args(Change)

# Nobody is named: a person is a keyed hash, which only who has the key can tell from a guess.
_COMPARE = """
-- grain: one row per node, change, decision before and decision after
with
pairs as (
    select
        coalesce(a.node, b.node) as node,
        coalesce(a.person_id, b.person_id) as person_id,
        b.outcome as before_outcome, b.reason as before_reason, b.channel as before_channel,
        a.outcome as after_outcome, a.reason as after_reason, a.channel as after_channel,
        coalesce(b.outcome = 'act', false) as acted,
        coalesce(a.outcome = 'act', false) as acts,
        b.node is not null and a.node is not null
        and b.outcome = a.outcome
        and b.reason = a.reason
        and b.channel is not distinct from a.channel
        and b.action is not distinct from a.action
        and b.purpose is not distinct from a.purpose
        and b.lawful_basis is not distinct from a.lawful_basis
        and b.arm is not distinct from a.arm as is_same
    from decided_after as a
    full outer join decided_before as b
        on a.node = b.node and a.subject_id = b.subject_id and a.person_id = b.person_id
),
named as (
    select
        *,
        case
            when is_same then 'same'
            when acts and not acted then 'gained'
            when acted and not acts then 'lost'
            else 'changed'
        end as change,
        'p~' || left(sha256($secret || sha256($secret || person_id)), 12) as pseudonym
    from pairs
),
grouped as (
    select
        node, change,
        before_outcome, before_reason, before_channel, after_outcome, after_reason, after_channel,
        count(*) as decisions,
        count(distinct person_id) as persons,
        list_sort(list_distinct(list(pseudonym)))[1:$sample] as sample
    from named
    group by all
)
select *
from grouped
order by
    node, list_position(['gained', 'lost', 'changed', 'same'], change), decisions desc,
    before_outcome, before_reason, before_channel, after_outcome, after_reason, after_channel
"""


@dataclass(frozen=True)
class Side:
    """What one release decides; `channel` is None where none was left."""

    outcome: str
    reason: str
    channel: str | None

    def __str__(self) -> str:
        by = f" by {self.channel}" if self.channel and self.outcome == "act" else ""
        return f"{self.outcome}{by}" if self.outcome == "act" else f"{self.outcome}: {self.reason}"


@dataclass(frozen=True)
class Group:
    """Decisions that differ in the same way; None on the side that has no such candidate.

    `sample` holds pseudonyms of some of the persons: a keyed hash, not their ids.
    """

    node: str
    change: Change
    before: Side | None
    after: Side | None
    decisions: int
    persons: int
    sample: tuple[str, ...]


@dataclass(frozen=True)
class NodeCount:
    """Acts of one node under either release, and how many decisions differ."""

    node: str
    acts_before: int
    acts_after: int
    gained: int
    lost: int
    changed: int
    same: int


@dataclass(frozen=True)
class DecisionDiff:
    """The whole comparison, by node."""

    groups: tuple[Group, ...]
    nodes: tuple[NodeCount, ...]

    def total(self, change: Change) -> int:
        """Decisions of one kind of change over all nodes."""
        return sum(one.decisions for one in self.groups if one.change == change)


def compare(before: pa.Table, after: pa.Table, *, key: bytes, sample: int = 5) -> DecisionDiff:
    """Compare two tables of decisions (`contract.SCHEMA`) about the same candidates.

    A decision gains when it acts only after, loses when it acted only before, and is changed when
    outcome, reason, channel, action, purpose, basis or arm differ otherwise. `key` makes the
    pseudonyms, at most `sample` for each group.
    """
    with duckdb.connect() as connection:
        connection.register("decided_before", before)
        connection.register("decided_after", after)
        cursor = connection.execute(_COMPARE, {"secret": key.hex(), "sample": sample})
        names = [column[0] for column in cursor.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    groups = tuple(_group(row) for row in rows if row["change"] != "same")
    return DecisionDiff(groups, tuple(_counts(rows)))


def _group(row: Mapping[str, Any]) -> Group:
    return Group(
        row["node"],
        row["change"],
        _side(row, "before"),
        _side(row, "after"),
        row["decisions"],
        row["persons"],
        tuple(row["sample"]),
    )


def _side(row: Mapping[str, Any], which: str) -> Side | None:
    if row[f"{which}_outcome"] is None:
        return None
    return Side(row[f"{which}_outcome"], row[f"{which}_reason"], row[f"{which}_channel"])


def _counts(rows: list[dict[str, Any]]) -> list[NodeCount]:
    def count(node: str, **wanted: str) -> int:
        return sum(
            row["decisions"]
            for row in rows
            if row["node"] == node and all(row[name] == value for name, value in wanted.items())
        )

    return [
        NodeCount(
            node,
            count(node, before_outcome="act"),
            count(node, after_outcome="act"),
            count(node, change="gained"),
            count(node, change="lost"),
            count(node, change="changed"),
            count(node, change="same"),
        )
        for node in sorted({row["node"] for row in rows})
    ]


def volume_notes(decided: Iterable[pa.Table]) -> Iterator[str]:
    """What to know of a comparison in which a node reached its volume."""
    masks = {mask for rows in decided for mask in rows.column("gate_mask").unique().to_pylist()}
    if any(mask & Gate.VOLUME.bit for mask in masks):
        yield (
            "A node reached its volume. Who is within it is drawn anew for each release, so "
            "persons change places there even where no rule did."
        )
