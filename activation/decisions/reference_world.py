"""What the plain Python form works on: the tables as rows, and a candidate on its way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from activation.decisions.gates import Gate
from activation.decisions.terms import NodeTerms

Row = Mapping[str, Any]


@dataclass(frozen=True)
class World:
    """What the SQL forms read, as rows: contexts by table, persons and permits by key."""

    contexts: Mapping[str, Sequence[Row]]
    persons: Mapping[str, Row]
    permits: Mapping[tuple[str, str, str], Row]
    watermark: int | None
    log: Sequence[Row]
    kinds: Mapping[tuple[str, str], str]
    approvals: Mapping[tuple[str, str, str], str]


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
