"""What the gates read of one person: the bundle, the state, consent now, approvals, past acts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from activation.consent.regimes import RuleBook
from activation.consent.standing import stand
from activation.decisions.approvals import verdict
from activation.decisions.reference_world import World
from activation.decisions.terms import Terms
from activation.journeys.evaluation import holds
from activation.journeys.node import Node
from activation.moment.past import Past
from activation.moment.read_copy import ReadCopy
from activation.store.reader import Reader

Row = Mapping[str, Any]
Bundles = Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class PersonWorld(World):
    """A world of one person: of each node only its own bundle, and of others only their acts."""

    bundles: Bundles
    history: Past

    def candidate_rows(self, node: Node) -> list[Row]:
        return list(self.bundles.get(node.id, ()))

    def is_done(self, node: str, once_key: str | None) -> bool:
        return once_key is not None and self.history.is_done(node, once_key)

    def acted_since(self, node: str, since: datetime) -> int:
        return self.history.acted_since(node, since)


@dataclass(frozen=True)
class Situation:
    """What was read of a person for some nodes, before anything is judged.

    `bundles` has candidates only, by node. `seq` is the ledger's watermark, None if it was not
    asked because nobody is a candidate.
    """

    person_id: str
    person: Row
    bundles: Bundles
    permits: Mapping[tuple[str, str, str], Row]
    approvals: Mapping[tuple[str, str, str], str]
    kinds: Mapping[tuple[str, str], str]
    seq: int | None

    def world(self, history: Past) -> PersonWorld:
        """The situation with what has been done by now."""
        return PersonWorld(
            contexts={},
            persons={self.person_id: self.person} if self.person else {},
            permits=self.permits,
            watermark=self.seq,
            log=history.of_person(self.person_id),
            kinds=self.kinds,
            approvals=self.approvals,
            bundles=self.bundles,
            history=history,
        )


def candidates(
    copy: ReadCopy, person_id: str, at: Terms, maximum_copy_age: timedelta
) -> dict[str, list[Row]]:
    """The bundle of each node that has a candidate, by node: only rows for which `when` holds.

    Rows of a copy that is older than allowed have no time of their source any more, which the gate
    of freshness takes for stale: who is linked to whom may have changed as well.
    """
    bundles: dict[str, list[Row]] = {}
    too_old = at.as_of - copy.as_of > maximum_copy_age
    for part in at.nodes:
        rows = [r for r in copy.bundle(part.node, person_id) if holds(part.node.condition, r)]
        if rows:
            bundles[part.node.id] = [r | {"source_at": None} if too_old else r for r in rows]
    return bundles


def situation(
    reader: Reader, copy: ReadCopy, regimes: RuleBook, bundles: Bundles, at: Terms, who: str
) -> Situation:
    """Read what judging the candidates needs: their state, consent and approvals as of now."""
    person = copy.person(who)
    nodes = [part.node for part in at.nodes if part.node.id in bundles]
    scopes = {(node.purpose, str(channel)) for node in nodes for channel in node.action.channels}
    standing = stand(reader, copy.known_person(who, person), scopes, regimes, as_of=at.as_of)
    keys = [
        (node.id, str(row["subject_id"]), who)
        for node in nodes
        if node.needs_approval
        for row in bundles[node.id]
    ]
    verdicts = {key: verdict(reader, *key) for key in keys}
    return Situation(
        person_id=who,
        person=person,
        bundles=bundles,
        permits={
            (who, purpose, channel): {
                "verdict": one.verdict,
                "reason": one.reason,
                "basis": one.basis,
                "evidence": one.evidence,
            }
            for (purpose, channel), one in standing.verdicts.items()
        },
        approvals={key: found for key, found in verdicts.items() if found is not None},
        kinds=copy.kinds | {(at.release, node.id): str(node.kind) for node in nodes},
        seq=standing.seq,
    )
