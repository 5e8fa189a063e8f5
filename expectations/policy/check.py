"""The policy check of a whole project: labels, lineage, journeys and everything that leaves.

Journeys belong to activation, which this package must not know: they come in as plain data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from expectations.policy.collector import paused
from expectations.policy.defaults import Defaults
from expectations.policy.finding import Code, Finding
from expectations.policy.graph import PolicyGraph
from expectations.policy.journeys import JourneyUse, journey_findings
from expectations.policy.leaving import sync_findings, ungated_findings
from expectations.policy.lineage.manifest import Manifest
from expectations.policy.lineage.project import examine_project
from expectations.policy.location import Locator
from expectations.policy.nodes import lineage_findings
from expectations.policy.placement import misplaced
from expectations.policy.project import examine
from expectations.policy.vocabulary import Vocabulary


@dataclass(frozen=True)
class Checked:
    """A project's graph and everything that is wrong with it, by place."""

    graph: PolicyGraph
    findings: tuple[Finding, ...]

    @property
    def ungated(self) -> Mapping[str, str]:
        """Each relation that leaves past the consent gate, with what was found first."""
        ungated = [one for one in self.findings if one.code is Code.NOT_GATED]
        return {one.model: one.message for one in reversed(ungated)}


def check_project(
    manifest: Manifest,
    locator: Locator,
    on: date,
    journeys: Sequence[JourneyUse] = (),
    cache: Path | None = None,
    *,
    region: str | None = None,
    renderings: Sequence[Manifest] = (),
    vocabulary: Vocabulary | None = None,
    defaults: Defaults | None = None,
) -> Checked:
    """Check a compiled project as of the day `on`.

    `region` is where decisions are made; without it that is not checked. `renderings` are the
    manifests of later runs, in which models compile to other SQL. `cache` is a
    file that remembers lineage, so that an edit costs the edit. `vocabulary` and `defaults` are
    those of another revision; today's if not given. Raises SourceError when one of these files is
    wrong.
    """
    with paused():
        known = examine_project(manifest, renderings, cache)
        examined = examine(
            manifest,
            known.relations,
            locator,
            on,
            renderings=renderings,
            vocabulary=vocabulary,
            defaults=defaults,
        )
        findings = [
            *misplaced(
                locator.root, ("models", "snapshots", "seeds"), locator.show("").rstrip("/")
            ),
            *lineage_findings(known.faults, manifest, locator),
            *examined.findings,
            *journey_findings(examined.graph, journeys, region),
            *sync_findings(examined.graph, manifest, locator, on, journeys),
            *ungated_findings(manifest, known, locator),
        ]
    return Checked(examined.graph, tuple(sorted(set(findings), key=Finding.order)))


def build_graph(
    manifest: Manifest,
    locator: Locator,
    on: date,
    cache: Path | None = None,
    *,
    renderings: Sequence[Manifest] = (),
    vocabulary: Vocabulary | None = None,
    defaults: Defaults | None = None,
) -> PolicyGraph:
    """The labelled graph of a compiled project, whatever the checker has to say of it; with the
    arguments of `check_project`."""
    with paused():
        lineages = examine_project(manifest, renderings, cache).relations
        examined = examine(
            manifest,
            lineages,
            locator,
            on,
            renderings=renderings,
            vocabulary=vocabulary,
            defaults=defaults,
        )
    return examined.graph
