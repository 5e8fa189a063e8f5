"""What the plain Python form works on: the tables as rows, and a candidate on its way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from activation.decisions.gates import Gate
from activation.decisions.terms import NodeTerms
from activation.journeys.evaluation import holds
from activation.journeys.node import Node

Row = Mapping[str, Any]


@dataclass(frozen=True)
class World:
    """What the SQL forms read, as rows: contexts by table, persons and permits by key.

    `log` holds rows of decisions under the person whom they count for today.
    """

    contexts: Mapping[str, Sequence[Row]]
    persons: Mapping[str, Row]
    permits: Mapping[tuple[str, str, str], Row]
    watermark: int | None
    log: Sequence[Row]
    kinds: Mapping[tuple[str, str], str]
    approvals: Mapping[tuple[str, str, str], str]

    def candidate_rows(self, node: Node) -> list[Row]:
        """The rows of the node's context for which its `when` holds."""
        return [row for row in self.contexts[node.context] if holds(node.condition, row)]

    @cached_property
    def acts(self) -> list[Row]:
        """The rows of the log that act."""
        return [row for row in self.log if row["outcome"] == "act"]

    def is_done(self, node: str, once_key: str | None) -> bool:
        """Whether anybody's act has used up what the node does only once."""
        return once_key is not None and (node, once_key) in self._done

    @cached_property
    def _done(self) -> set[tuple[str, str]]:
        return {(act["node"], act["once_key"]) for act in self.acts}

    def acted_since(self, node: str, since: datetime) -> int:
        """How many acts of a node, on anybody, are later than an instant."""
        return sum(act["node"] == node and act["as_of"] > since for act in self.acts)


@dataclass
class Candidate:
    """One candidate on its way through the gates."""

    terms: NodeTerms
    row: Row
    person: Row
    rank: tuple[int, str, str, str, str]
    channel: str | None = None
    permit: Row = field(default_factory=dict)
    once_key: str | None = None
    node_bucket: int | None = None
    universal_bucket: int | None = None
    in_holdout: bool = False
    in_universal: bool = False
    failed: dict[Gate, str] = field(default_factory=dict)

    @property
    def person_id(self) -> str:
        return str(self.row["person_id"])

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.terms.node.id, str(self.row["subject_id"]), self.person_id)

    def passes(self, gates: Sequence[Gate]) -> bool:
        return not any(gate in self.failed for gate in gates)
