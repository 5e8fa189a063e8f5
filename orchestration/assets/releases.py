"""What decided when: releases, activations, canaries, halts, and what the last change came to."""

import dagster as dg

from orchestration.assets.gates import BEFORE_DECISIONS
from orchestration.observer import stage
from orchestration.project import WAREHOUSE_POOL, source_keys
from orchestration.release_history import history_tables, last_change
from orchestration.run_settings import RunSettings


@dg.asset(
    key=["activation", "release_history"],
    deps=[*source_keys("activation"), BEFORE_DECISIONS],
    group_name="activation",
    owners=["team-marketing@assent.example"],
    kinds={"python"},
    description=(
        "Releases, activations and rollbacks, canaries and halts, the newest first, and what the "
        "active release decides otherwise than the one before it. See docs/releases.md."
    ),
    pool=WAREHOUSE_POOL,
)
def release_history(settings: RunSettings) -> dg.MaterializeResult:
    home = settings.resolved_home()
    with stage("release history"):
        tables = history_tables(home)
        change = last_change(home)
    return dg.MaterializeResult(
        metadata={
            **{title: dg.MetadataValue.md(table) for title, table in tables.items()},
            "last change": dg.MetadataValue.md(change),
        }
    )
