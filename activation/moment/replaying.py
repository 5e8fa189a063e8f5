"""Make the decisions of the moment again, from what was recorded with them, and compare leaves."""

from collections.abc import Callable
from functools import cache

import pyarrow as pa

from activation.decisions.contract import SCHEMA
from activation.decisions.reference import decide_in_python
from activation.decisions.replaying import Replay, ReplayImpossible, compare, journeys_of
from activation.decisions.terms import Timetable
from activation.journeys.loading import JourneySet
from activation.log import DecisionLog
from activation.log.requests import FORMAT, TABLE
from activation.moment.reading import parsed
from activation.release.release import Release, canonical, digest_of


def replay_requests(log: DecisionLog, batch: int, release_of: Callable[[str], Release]) -> Replay:
    """Decide the requests of a batch again and compare row by row.

    `release_of` gives a stored release by its id. Requests of erased persons are gone and their
    rows counted as erased. Raises ReplayImpossible, LogDamaged.
    """
    recorded = log.inputs(batch)
    if recorded is None or recorded.inputs.facts.get("format") != FORMAT:
        raise ReplayImpossible(f"batch {batch}: its requests were not recorded, or have expired")

    @cache
    def timetable(release_id: str, halted: frozenset[str]) -> Timetable:
        return Timetable(journeys(release_id), release_id, halted)

    @cache
    def journeys(release_id: str) -> JourneySet:
        release = release_of(release_id)
        if release.id != release_id or release.digest != digest_of(canonical(release.manifest)):
            raise ReplayImpossible(f"batch {batch}: release {release_id} is not what was signed")
        return journeys_of(release.manifest, ())

    rows: dict[str, dict[str, object]] = {}
    for text in recorded.inputs.tables[TABLE]["request"].to_pylist():
        request = parsed(text)
        under = timetable(request.release, request.halted).at(request.as_of, request.nodes)
        for row in decide_in_python(under, request.world):
            # Of a request that was decided twice the log has sealed the first.
            rows.setdefault(row["decision_id"], row)
    opened = log.openings(batch)
    opened = opened.filter(opened["context"].is_valid())
    again = pa.Table.from_pylist(list(rows.values()), SCHEMA)
    return compare(log, batch, log.read(batch), opened, again, whole=False)
