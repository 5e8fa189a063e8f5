"""What a release is: everything that decides, and an id that is a digest of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from activation.decisions.gates import Gate
from activation.journeys.loading import JourneySet
from activation.release.release import Release, canonical, digest_of

#: Version of the meaning of a manifest: raise it when the compiled forms decide differently. A
#: release of another format can be read and compared, but not activated.
FORMAT = "assent-release-2"


def build(journeys: JourneySet, regimes_path: Path) -> Release:
    """The release of these journeys and regimes alone, without SQL: for tests and measurements.

    Raises FileNotFoundError when the regimes are missing.
    """
    return release_of(journeys, {regimes_path.name: regimes_path.read_text(encoding="utf-8")})


def release_of(journeys: JourneySet, files: Mapping[str, str]) -> Release:
    """The release of checked journeys and of the files that decide, by path.

    The manifest holds the SHA-256 of each file, and in readable form what the files of the journeys
    say (bucket salts, templates and examples with it), the policies and the order of the gates.
    """
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "gates": [gate.name.lower() for gate in Gate],
        "journeys": {node.id: node.model_dump(mode="json") for node in journeys.nodes},
        "policies": journeys.policies.model_dump(mode="json"),
        "files": {path: digest_of(content) for path, content in files.items()},
    }
    digest = digest_of(canonical(manifest))
    return Release(f"r_{digest[:12]}", digest, manifest)
