"""Identity's last step: this run's changes enter the id map that outlives the warehouse."""

import dagster as dg

from orchestration import identity_map
from orchestration.observer import stage
from orchestration.project import WAREHOUSE_POOL, model_keys
from orchestration.run_settings import RunSettings
from orchestration.warehouse import open_warehouse


@dg.asset(
    key=["identity", "id_commit"],
    deps=model_keys("identity"),
    group_name="identity",
    owners=["team-data@assent.example"],
    kinds={"python", "sqlite"},
    description=(
        "Appends this run's identity changes (created, joined, moved, merged, split, retired) to "
        "the store. It comes last: a run killed before it repeats and gets the same ids."
    ),
    pool=WAREHOUSE_POOL,
)
def id_commit(settings: RunSettings) -> dg.MaterializeResult:
    home = settings.resolved_home()
    with stage("identity map"), open_warehouse(home.warehouse) as connection:
        changes = identity_map.commit(connection, home.store_url)
    return dg.MaterializeResult(metadata={"changes": changes})
