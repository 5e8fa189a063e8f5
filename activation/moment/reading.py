"""What a decision of the moment was made from, as a JSON text for the log, and back.

The log keeps it beside the batch (activation.log.inputs), so that the decision can be made again:
the person's state, bundles, permits and approvals as they were read, and what the past answered.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from activation.decisions.terms import Terms
from activation.moment.one_person import PersonWorld, Row, Situation
from activation.moment.past import Heard, Told

_WRITTEN = {date: "date", datetime: "instant", Decimal: "decimal"}
_READ: dict[str, Callable[[str], object]] = {
    "date": date.fromisoformat,
    "instant": datetime.fromisoformat,
    "decimal": Decimal,
}


@dataclass(frozen=True)
class RecordedRequest:
    """One request as the log keeps it: under which release and nodes, and from what."""

    as_of: datetime
    release: str
    halted: frozenset[str]
    nodes: frozenset[str]
    world: PersonWorld


def written(
    under: Terms, halted: frozenset[str], read: Situation, heard: Heard, rows: Sequence[Row]
) -> bytes:
    """The request as JSON; `rows` are what it came to."""
    nodes = {part.node.id for part in under.nodes}
    named = {(under.release, node) for node in nodes}
    named |= {(act["release"], act["node"]) for act in heard.acts}
    document = {
        "decisions": [row["decision_id"] for row in rows],
        "person_id": read.person_id,
        "as_of": under.as_of,
        "release": under.release,
        "nodes": sorted(nodes),
        "halted": sorted(halted & nodes),
        "person": dict(read.person),
        "bundles": {
            node: [dict(row) for row in rows]
            for node, rows in read.bundles.items()
            if node in nodes
        },
        "permits": [[*key, dict(permit)] for key, permit in read.permits.items()],
        "approvals": [[*key, verdict] for key, verdict in read.approvals.items()],
        "kinds": [[*key, kind] for key, kind in read.kinds.items() if key in named],
        "seq": read.seq,
        "acts": [dict(act) for act in heard.acts],
        "done": heard.done,
        "acted": heard.acted,
    }
    return _encode(document).encode()


def parsed(text: str) -> RecordedRequest:
    """The reverse of `written`."""
    said = json.loads(text, object_hook=_untagged)
    world = Situation(
        person_id=said["person_id"],
        person=said["person"],
        bundles=said["bundles"],
        permits={(who, purpose, channel): one for who, purpose, channel, one in said["permits"]},
        approvals={(node, subject, who): one for node, subject, who, one in said["approvals"]},
        kinds={(release, node): kind for release, node, kind in said["kinds"]},
        seq=said["seq"],
    ).world(Told(said["acts"], frozenset(map(tuple, said["done"])), said["acted"]))
    return RecordedRequest(
        said["as_of"],
        said["release"],
        frozenset(said["halted"]),
        frozenset(said["nodes"]),
        world,
    )


def _tagged(value: object) -> dict[str, str]:
    # json has neither dates nor exact numbers: {"$instant": "2026-11-20T06:00:00+00:00"}.
    return {"$" + _WRITTEN[type(value)]: str(value)}


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_tagged).encode


def _untagged(document: dict[str, Any]) -> Any:
    if len(document) == 1:
        [(tag, value)] = document.items()
        if tag.startswith("$") and tag[1:] in _READ:
            return _READ[tag[1:]](value)
    return document
