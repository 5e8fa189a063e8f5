"""What the documents are made from, and the digest that names it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from activation.consent.regimes import Regimes
from activation.evidence.organisation import Organisation
from activation.journeys.loading import JourneySet
from activation.syncs.spec import SyncSpec
from expectations.contract import Contract
from expectations.policy import graph_file
from expectations.policy.graph import PolicyGraph


@dataclass(frozen=True)
class TableText:
    """What a relation's YAML says of it in words: description, owner, and its columns."""

    description: str = ""
    owner: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EvidenceInputs:
    """Everything that a document may speak of. `tables` maps schema.table to its words; `root` is
    the folder below which attestations name their files."""

    graph: PolicyGraph
    journeys: JourneySet
    regimes: Regimes
    syncs: tuple[SyncSpec, ...]
    organisation: Organisation
    contracts: tuple[Contract, ...] = ()
    tables: Mapping[str, TableText] = field(default_factory=dict)
    root: Path = Path()

    @property
    def revision(self) -> str:
        """A digest of all of it: equal inputs have equal documents."""
        content: dict[str, Any] = {
            "graph": sha256(graph_file.dump(self.graph)).hexdigest(),
            "nodes": [node.model_dump(mode="json") for node in self.journeys.nodes],
            "policies": self.journeys.policies.model_dump(mode="json"),
            "regimes": self.regimes.model_dump(mode="json"),
            "syncs": [one.model_dump(mode="json") for one in self.syncs],
            "organisation": self.organisation.model_dump(mode="json"),
            "contracts": [one.model_dump(mode="json") for one in self.contracts],
            "tables": {
                name: [one.description, one.owner, dict(one.columns)]
                for name, one in self.tables.items()
            },
        }
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def text(self, relation: str) -> TableText:
        """The words on a relation (schema.table); empty where there are none."""
        return self.tables.get(relation, TableText())
