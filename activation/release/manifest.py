"""What a release is: everything that decides, and an id that is a digest of it."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from activation.decisions.contract import Release
from activation.decisions.gates import Gate
from activation.journeys.loading import JourneySet

#: Version of the meaning of a manifest: raise it when the compiled forms decide differently.
FORMAT = "assent-release-1"


def build(journeys: JourneySet, regimes_path: Path) -> Release:
    """Build the release of these journeys and consent regimes.

    The manifest holds the checked content of each node (bucket salts, templates and examples with
    it), the policies, the gate order and the text of the regimes. Comments and layout of a journey
    file do not matter; those of the regimes do, because they are kept as text. Raises
    FileNotFoundError when the regimes are missing.
    """
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "gates": [gate.name.lower() for gate in Gate],
        "journeys": {node.id: node.model_dump(mode="json") for node in journeys.nodes},
        "policies": journeys.policies.model_dump(mode="json"),
        "regimes": {regimes_path.name: regimes_path.read_text(encoding="utf-8")},
    }
    digest = sha256(canonical(manifest).encode()).hexdigest()
    return Release(f"r_{digest[:12]}", digest, manifest)


def canonical(manifest: Mapping[str, Any]) -> str:
    """The one JSON text of a manifest: sorted keys, no blanks."""
    return json.dumps(manifest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
