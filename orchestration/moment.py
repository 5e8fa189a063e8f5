"""The home's read copy, and a decision point on it."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta

from sqlalchemy import Engine

from activation.consent.regimes import RuleBook
from activation.journeys import JourneySet
from activation.moment import DecisionPoint, Rules, publish_copy
from activation.moment.publishing import MANIFEST
from activation.release import halts
from activation.release.slices import Slice, slices_of
from activation.store import opened_store
from orchestration.bundles import bundles_of
from orchestration.decision_log import open_log
from orchestration.environment import Home, RecordInputs
from orchestration.rules import active_rules, rules_of
from orchestration.warehouse import open_warehouse

# Until a decision is sealed it is durable but unsigned. Each batch takes 5 ms to verify, and an
# append 0.03 ms more for each that is there (tests/benchmarks/log_many_batches.py).
SEAL_EVERY = timedelta(minutes=1)


def publish(home: Home, as_of: datetime) -> dict[str, int]:
    """Publish the warehouse's tables as of a run; returns rows by table."""
    with opened_store(home.store_url) as store:
        of_slice = _rules_by_slice(home, store, as_of)
    # A canary may read fields that the active release does not: the copy has those of both.
    sets = [rules.journeys for _, rules in of_slice]
    journeys = JourneySet(tuple(node for one in sets for node in one.nodes), sets[0].policies)
    with open_warehouse(home.warehouse) as connection:
        folder = publish_copy(connection, home.read_copy, journeys=journeys, as_of=as_of)
    rows: dict[str, int] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["rows"]
    return rows


@contextmanager
def decision_point(home: Home, at: datetime) -> Iterator[DecisionPoint]:
    """A decision point under the rules that are active now; what it decided is sealed on leaving.

    Releases, canaries and halts are read once: open it anew, or ask the store, to follow them.
    Raises CopyError when no run has published a copy yet, ReleaseError.
    """
    log = open_log(home, writing=True)
    with opened_store(home.store_url) as store:
        of_slice = _rules_by_slice(home, store, at)

        def rules(person_id: str) -> Rules:
            return next(found for part, found in of_slice if part.holds(person_id))

        with log.stream(seal_every=SEAL_EVERY) as stream:
            point = DecisionPoint(
                copies=home.read_copy,
                store=store,
                log=log,
                stream=stream,
                rules=rules,
                record_inputs=home.record_inputs is not RecordInputs.NONE,
            )
            with closing(point):
                yield point


def _rules_by_slice(home: Home, store: Engine, at: datetime) -> list[tuple[Slice, Rules]]:
    """What the persons of each slice are decided under: the active release, and a canary."""
    active = active_rules(home, at)
    with store.connect() as reading:
        slices, halted = slices_of(reading, active.release.id), halts.halted(reading)
    found = []
    for part in slices:
        own = active if part.release_id == active.release.id else rules_of(home, part.release_id)
        book = RuleBook(own.regimes())
        # A node that is refused its bundle decides nothing here either, and its fields stay out of
        # the read copy.
        journeys = bundles_of(home, store, own, at).journeys
        found.append((part, Rules(journeys, own.release, book, halted)))
    return found
