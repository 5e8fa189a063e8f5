"""What evidence is made from, gathered: the policy graph of a project and the rules beside it."""

import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from activation.consent.regimes import REGIMES_FILE, load_regimes
from activation.evidence.inputs import EvidenceInputs, TableText
from activation.evidence.organisation import load_organisation
from activation.journeys import load
from activation.release.bundle import CONSENT, JOURNEYS, WAREHOUSE
from expectations.contract import read_contracts
from orchestration import dbt_runner, sync_step
from orchestration.environment import CONTRACTS_DIR, PROJECT_ROOT, Home
from orchestration.policy_graph import policy_graph
from orchestration.translator import asset_key, meta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def evidence_inputs(home: Home, at: datetime, root: Path = PROJECT_ROOT) -> EvidenceInputs:
    """The inputs of the rules below `root`; labels as of the day of `at`, so that an exception that
    expires later does not change what a commit says.

    Raises DbtError when the project does not compile, SourceError when a rule file is wrong.
    """
    project_dir = root / WAREHOUSE
    manifest = dbt_runner.read_manifest(home, project_dir)
    exposures = sorted(manifest["exposures"].values(), key=lambda one: str(one["name"]))
    return EvidenceInputs(
        graph=policy_graph(home, project_dir, at.date()),
        journeys=load(root / JOURNEYS),
        regimes=load_regimes(root / CONSENT / REGIMES_FILE.name),
        syncs=tuple(sync_step.spec_of(one) for one in exposures),
        organisation=load_organisation(),
        contracts=read_contracts(CONTRACTS_DIR),
        tables=_texts(manifest),
        root=PROJECT_ROOT,
    )


def _texts(manifest: Mapping[str, Any]) -> dict[str, TableText]:
    nodes = (*manifest["sources"].values(), *manifest["nodes"].values())
    return {
        ".".join(asset_key(node).path): TableText(
            node["description"],
            meta(node).get("owner"),
            {name.lower(): one["description"] for name, one in sorted(node["columns"].items())},
        )
        for node in nodes
        if node["resource_type"] in ("source", "model", "snapshot")
    }


def commit_time(root: Path = PROJECT_ROOT) -> datetime:
    """When the commit at hand was made; the epoch where the project is no git checkout.

    Documents carry it in place of a clock, so that one commit has one set of bytes.
    """
    git = shutil.which("git")
    if git is None:
        return EPOCH
    done = subprocess.run(  # noqa: S603
        [git, "-C", str(root), "log", "-1", "--format=%cI"],
        capture_output=True,
        text=True,
        check=False,
    )
    return datetime.fromisoformat(done.stdout.strip()) if done.returncode == 0 else EPOCH
