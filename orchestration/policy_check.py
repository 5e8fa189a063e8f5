"""The policy check of this project: dbt compiles it in this process, activation says what journeys
do with data, and expectations judges."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from activation.decisions.bundle import KEYS
from activation.journeys import JourneySet, Kind, load
from activation.release.bundle import JOURNEYS
from expectations.located_yaml import SourceError
from expectations.policy.check import Checked, check_project
from expectations.policy.journeys import JourneyUse
from expectations.policy.location import Locator
from orchestration.dbt_runner import DbtError, lineage_cache
from orchestration.environment import DBT_PROJECT_DIR, PROJECT_ROOT, Home, processing_region
from orchestration.environment import home as home_at
from orchestration.renderings import compiled


def check(home: Home, on: date, root: Path = PROJECT_ROOT, project: Path | None = None) -> Checked:
    """Compile the project below `root` (no warehouse is opened, no data read) and check it as of
    the day `on`. `project` is its dbt project, where that stands elsewhere.

    What dbt compiled, and lineage, are kept below the home. Raises DbtError with dbt's own words
    when it doesn't compile, and SourceError for a journey or a file of the checker's that is wrong.
    """
    project = project or root / DBT_PROJECT_DIR.name
    both = compiled(home, project)
    return check_project(
        both.manifest,
        Locator(project, project.name),
        on,
        journey_uses(load(root / JOURNEYS)),
        lineage_cache(home, project),
        region=processing_region(),
        renderings=both.renderings,
    )


def policy_findings(root: Path) -> Sequence[str]:
    """What the checker objects to in the files of a release below `root`, a line each.

    A release without a dbt project has no columns to check.
    """
    if not (root / DBT_PROJECT_DIR.name / "dbt_project.yml").is_file():
        return ()
    with TemporaryDirectory() as folder:
        try:
            checked = check(home_at(Path(folder)), datetime.now(UTC).date(), root)
        except (DbtError, SourceError) as error:
            return (str(error),)
    return tuple(str(one) for one in checked.findings)


def journey_uses(journeys: JourneySet) -> tuple[JourneyUse, ...]:
    """What the journeys of activation do with data, as the checker needs it."""
    return tuple(
        JourneyUse(
            id=node.id,
            file=f"{JOURNEYS}/{node.id}.yml",
            purpose=node.purpose,
            context=node.context,
            fields=(*KEYS, *node.fields),
            decides_on=tuple(sorted(node.condition.fields)),
            object="audience" if node.kind is Kind.AUDIENCE else "action",
        )
        for node in journeys.nodes
    )
