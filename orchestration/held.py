"""What waits for a person's approval, out of the warehouse's copy of the decision log."""

from dataclasses import dataclass
from datetime import datetime

from activation.decisions import current_approvals
from activation.moment import ReadCopy
from activation.store import opened_store
from orchestration.environment import Home
from orchestration.warehouse import open_warehouse

# What is held began with the first hold after the last other outcome. A candidate that the newest
# run did not hold is none any more: its rule holds no longer, or it was decided otherwise.
_HELD = """
    -- grain: one row per candidate (node, subject_id, person_id) that is held
    with decision as (
        select
            node, subject_id, person_id, as_of, outcome, action, channel,
            max(as_of) filter (where outcome <> 'hold') over candidate as not_held_at,
            row_number() over (candidate order by as_of desc, decision_id) as age
        from activation.decision_log
        window candidate as (partition by node, subject_id, person_id)
    ),
    began as (
        select node, subject_id, person_id, min(as_of) as since
        from decision
        where outcome = 'hold' and as_of > coalesce(not_held_at, timestamptz '-infinity')
        group by node, subject_id, person_id
    )
    select d.node, d.subject_id, d.person_id, d.action, d.channel, b.since
    from decision as d
    inner join began as b
        on b.node = d.node and b.subject_id = d.subject_id and b.person_id = d.person_id
    where d.age = 1 and d.outcome = 'hold' and d.as_of >= ?
    order by d.node, b.since, d.subject_id, d.person_id
"""


@dataclass(frozen=True)
class Held:
    """One held candidate; `verdict` is what a person has said since, which the next run follows."""

    node: str
    subject_id: str
    person_id: str
    action: str
    channel: str | None
    since: datetime
    verdict: str | None

    @property
    def candidate(self) -> tuple[str, str, str]:
        """What a verdict is about."""
        return (self.node, self.subject_id, self.person_id)


def held(home: Home) -> list[Held]:
    """Everything that is held, by node, the longest first. Raises CopyError when no run was made,
    WarehouseBusyError while one goes on."""
    newest_run = ReadCopy(home.read_copy).as_of
    with open_warehouse(home.warehouse, locked=True, wait=1) as connection:
        rows = connection.execute(_HELD, [newest_run]).fetchall()
    with opened_store(home.store_url) as store, store.connect() as reading:
        said = current_approvals(reading).to_pylist()
    verdicts = {(one["node"], one["subject_id"], one["person_id"]): one["verdict"] for one in said}
    return [
        Held(node, subject, person, action, channel, since, verdicts.get((node, subject, person)))
        for node, subject, person, action, channel, since in rows
    ]
