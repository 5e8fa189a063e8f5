"""Plain Python form, arbitration: candidates come best first and take what is left."""

from collections.abc import Sequence
from typing import Any

from activation.decisions import reasons
from activation.decisions.gates import BEFORE_ARBITRATION, Gate
from activation.decisions.reference_world import Candidate, Row, World
from activation.decisions.terms import Terms, needs_channel
from activation.journeys.policies import Cap, CapUnit


def arbitrate(candidates: list[Candidate], terms: Terms, world: World, acts: Sequence[Row]) -> None:
    """Candidates come best first. A count holds past acts, then each competitor it meets."""
    for cap in terms.policies.caps:
        used: dict[tuple[Any, ...], int] = {}
        for act in acts:
            if _act_counts(cap, act, terms, world):
                _add(used, _unit(cap, act["person_id"], act))
        for candidate in candidates:
            if not _candidate_counts(cap, candidate):
                continue
            this = {
                "channel": candidate.channel,
                "purpose": candidate.terms.node.purpose,
                "node": candidate.terms.node.id,
            }
            unit = _unit(cap, candidate.person_id, this)
            if used.get(unit, 0) >= cap.maximum:
                candidate.failed[Gate.CAPS] = reasons.CAPPED
            if candidate.passes(BEFORE_ARBITRATION):
                _add(used, unit)
    _exclude(candidates, terms, acts)
    _limit_volume(candidates, world)
    for candidate in candidates:
        if candidate.terms.node.needs_approval:
            verdict = world.approvals.get(candidate.key)
            if verdict == "refused":
                candidate.failed[Gate.APPROVAL] = reasons.APPROVAL_REFUSED
            elif verdict != "granted":
                candidate.failed[Gate.APPROVAL] = reasons.NEEDS_APPROVAL


def _add(counts: dict[Any, int], key: Any) -> None:
    counts[key] = counts.get(key, 0) + 1


def _unit(cap: Cap, person_id: str, row: Row) -> tuple[Any, ...]:
    return (person_id,) if cap.per is CapUnit.PERSON else (person_id, row[cap.per])


def _act_counts(cap: Cap, act: Row, terms: Terms, world: World) -> bool:
    return (
        act["as_of"] > terms.cap_from(cap)
        and world.kinds.get((act["release"], act["node"]), "action") == "action"
        and (not cap.purposes or act["purpose"] in cap.purposes)
        and act["purpose"] not in cap.except_purposes
        and (not cap.nodes or act["node"] in cap.nodes)
        and (not cap.channels or act["channel"] in cap.channels)
    )


def _candidate_counts(cap: Cap, candidate: Candidate) -> bool:
    if cap not in candidate.terms.caps:
        return False
    if needs_channel(cap) and candidate.channel is None:
        return False
    return not cap.channels or candidate.channel in cap.channels


def _exclude(candidates: list[Candidate], terms: Terms, acts: Sequence[Row]) -> None:
    before = (*BEFORE_ARBITRATION, Gate.CAPS)
    for group in terms.groups:
        taken = {
            act["person_id"]
            for act in acts
            if act["node"] in group.nodes and act["as_of"] >= group.acts_from
        }
        for candidate in candidates:
            if candidate.terms.node.exclusion_group != group.id:
                continue
            if candidate.person_id in taken:
                candidate.failed[Gate.EXCLUSION] = reasons.OUTRANKED
            if candidate.passes(before):
                taken.add(candidate.person_id)


def _limit_volume(candidates: list[Candidate], world: World) -> None:
    before = (*BEFORE_ARBITRATION, Gate.CAPS, Gate.EXCLUSION)
    used: dict[str, int] = {}
    for candidate in candidates:
        node, since = candidate.terms.node, candidate.terms.volume_from
        if node.limits.volume is None or since is None:
            continue
        if node.id not in used:
            used[node.id] = world.acted_since(node.id, since)
        # Only who passed all before competes. Beyond a volume or not would else tell of others, and
        # could not be decided again once some of those are erased.
        if not candidate.passes(before):
            continue
        if used[node.id] >= node.limits.volume.maximum:
            candidate.failed[Gate.VOLUME] = reasons.VOLUME_CAP
        _add(used, node.id)
