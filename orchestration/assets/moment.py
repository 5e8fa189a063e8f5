"""The read copy: what decisions at the moment of activation read, published by the run."""

import dagster as dg

from orchestration import moment
from orchestration.observer import stage
from orchestration.project import WAREHOUSE_POOL, source_keys
from orchestration.run_settings import RunSettings


@dg.asset(
    key=["moment", "read_copy"],
    deps=source_keys("activation"),
    group_name="moment",
    owners=["team-marketing@assent.example"],
    kinds={"python", "arrow"},
    description=(
        "Contexts with their allow-listed fields, persons, their identifiers and past acts, as "
        "files that decisions about one person read. A reader has one copy whole or the next."
    ),
    pool=WAREHOUSE_POOL,
)
def read_copy(settings: RunSettings) -> dg.MaterializeResult:
    with stage("read copy"):
        rows = moment.publish(settings.resolved_home(), settings.time())
    return dg.MaterializeResult(metadata={"rows": dg.MetadataValue.json(rows)})
