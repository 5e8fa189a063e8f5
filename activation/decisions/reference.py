"""Plain Python form, one candidate at a time, written to be read.

An oracle for the SQL forms, and what decides about one person at the moment of activation.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, time
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from activation.decisions import reasons
from activation.decisions.buckets import bucket, threshold
from activation.decisions.gates import Gate, Outcome
from activation.decisions.literals import instant_text
from activation.decisions.reference_arbitration import arbitrate
from activation.decisions.reference_text import canonical_json, field_text
from activation.decisions.reference_world import Candidate, World
from activation.decisions.terms import Terms
from activation.journeys.names import Channel


def decide_in_python(terms: Terms, world: World) -> list[dict[str, Any]]:
    """The decision rows of one run, in no particular order."""
    acts = world.acts
    candidates = sorted(_candidates(terms, world), key=lambda candidate: candidate.rank)
    last: dict[tuple[str, str, str], datetime] = {}
    for act in acts:
        key = (act["node"], act["subject_id"], act["person_id"])
        last[key] = max(last.get(key, act["as_of"]), act["as_of"])
    for candidate in candidates:
        _check_alone(candidate, terms, world)
        if world.is_done(candidate.terms.node.id, candidate.once_key):
            candidate.failed[Gate.ONCE] = reasons.ALREADY_DONE
        since, acted = candidate.terms.cooldown_from, last.get(candidate.key)
        if since and acted and acted > since:
            candidate.failed[Gate.COOLDOWN] = reasons.COOLDOWN
    arbitrate(candidates, terms, world, acts)
    return [_decision(candidate, terms, world) for candidate in candidates]


def _candidates(terms: Terms, world: World) -> Iterator[Candidate]:
    decided = {
        (row["node"], row["subject_id"], row["person_id"])
        for row in world.log
        if row["as_of"] == terms.as_of and row["release"] == terms.release
    }
    for part in terms.nodes:
        node = part.node
        for row in world.candidate_rows(node):
            if (node.id, row["subject_id"], row["person_id"]) in decided:
                continue
            tie = sha256((terms.release + row["person_id"]).encode()).hexdigest()
            rank = (node.priority, tie, node.id, row["subject_id"], row["person_id"])
            yield Candidate(part, row, world.persons.get(row["person_id"], {}), rank)


def _check_alone(candidate: Candidate, terms: Terms, world: World) -> None:
    part, row, failed = candidate.terms, candidate.row, candidate.failed
    if part.closed:
        failed[Gate.CLOSED] = part.closed
    if row["assurance"] not in part.assurances:
        failed[Gate.ASSURANCE] = reasons.LOW_ASSURANCE
    if candidate.person.get("residency") not in part.node.residency:
        failed[Gate.RESIDENCY] = reasons.RESIDENCY
    if row["source_at"] is None or row["source_at"] < part.stale_before:
        failed[Gate.FRESHNESS] = reasons.STALE_CONTEXT
    _choose_channel(candidate, terms, world)
    _assign(candidate, terms)
    if part.node.limits.once_per:
        dates = (field_text(row[name]) for name in part.node.limits.once_per[1:])
        candidate.once_key = canonical_json([field_text(row["subject_id"]), *dates])


def _choose_channel(candidate: Candidate, terms: Terms, world: World) -> None:
    node = candidate.terms.node
    reached: list[Channel] = [
        channel for channel in node.action.channels if candidate.person.get(f"reachable_{channel}")
    ]
    if not reached:
        candidate.failed[Gate.REACHABLE] = reasons.UNREACHABLE
        return
    permits = {
        channel: world.permits.get((candidate.person_id, node.purpose, channel), {})
        for channel in reached
    }
    usable = [channel for channel in reached if permits[channel].get("verdict") == "permit"]
    candidate.channel = (usable or reached)[0]
    candidate.permit = permits[Channel(candidate.channel)]
    if not usable:
        candidate.failed[Gate.PERMIT] = candidate.permit.get("reason") or reasons.NO_PERMIT
    elif _is_quiet(candidate, terms):
        candidate.failed[Gate.QUIET_HOURS] = reasons.QUIET_HOURS


def _is_quiet(candidate: Candidate, terms: Terms) -> bool:
    quiet = candidate.terms.quiet
    if not candidate.terms.is_action or candidate.channel not in quiet.channels:
        return False
    if candidate.person["timezone"] is None:
        return True
    local = terms.as_of.astimezone(ZoneInfo(candidate.person["timezone"])).time()
    start, end = time.fromisoformat(quiet.start), time.fromisoformat(quiet.end)
    if start < end:
        return start <= local < end
    return local >= start or local < end


def _assign(candidate: Candidate, terms: Terms) -> None:
    experiment, universal = candidate.terms.node.experiment, terms.policies.universal_holdout
    if experiment:
        candidate.node_bucket = bucket(experiment.salt, candidate.person_id)
        candidate.in_holdout = candidate.node_bucket < threshold(experiment.holdout_percent)
    if candidate.terms.in_universal_holdout and universal:
        candidate.universal_bucket = bucket(universal.salt, candidate.person_id)
        candidate.in_universal = candidate.universal_bucket < threshold(universal.percent)
    if candidate.in_universal:
        candidate.failed[Gate.UNIVERSAL_HOLDOUT] = reasons.UNIVERSAL_HOLDOUT
    if candidate.in_holdout:
        candidate.failed[Gate.HOLDOUT] = reasons.HOLDOUT


def _decision(candidate: Candidate, terms: Terms, world: World) -> dict[str, Any]:
    node, failed = candidate.terms.node, candidate.failed
    first = min(failed, default=None)
    identity = [
        node.id,
        field_text(candidate.row["subject_id"]),
        candidate.person_id,
        instant_text(terms.as_of),
        terms.release,
    ]
    arm = None
    if candidate.node_bucket is not None or candidate.universal_bucket is not None:
        arm = "control" if candidate.in_holdout or candidate.in_universal else "treatment"
    bucket_of = candidate.node_bucket
    return {
        "decision_id": "d_" + sha256(canonical_json(identity).encode()).hexdigest()[:24],
        "person_id": candidate.person_id,
        "node": node.id,
        "journey": node.journey,
        "subject_id": candidate.row["subject_id"],
        "as_of": terms.as_of,
        "outcome": str(_outcome(first, failed)),
        "reason": reasons.SELECTED if first is None else failed[first],
        "action": node.action.name,
        "channel": None if candidate.channel is None else str(candidate.channel),
        "purpose": node.purpose,
        "lawful_basis": candidate.permit.get("basis"),
        "evidence": candidate.permit.get("evidence"),
        "watermark": world.watermark,
        "policies": candidate.terms.policies,
        "once_key": candidate.once_key,
        "gate_mask": sum(gate.bit for gate in failed),
        "arm": arm,
        "bucket": candidate.universal_bucket if bucket_of is None else bucket_of,
        "release": terms.release,
        "context": canonical_json(
            {name: field_text(candidate.row[name]) for name in sorted(node.fields)}
        ),
    }


def _outcome(first: Gate | None, failed: Mapping[Gate, str]) -> Outcome:
    if first is None:
        return Outcome.ACT
    if first is Gate.QUIET_HOURS:
        return Outcome.DEFER
    if first is Gate.APPROVAL and failed[first] == reasons.NEEDS_APPROVAL:
        return Outcome.HOLD
    return Outcome.WITHHOLD
