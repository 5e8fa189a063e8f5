"""The history of releases as Markdown tables, the newest first."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from activation.decisions import DecisionError
from activation.release import ReleaseError, active_id, canary, halts
from activation.release.decision_diff import CHANGES
from activation.release.pointer import former, pointers
from activation.release.registry import builds
from activation.release.review import reviewers
from activation.store import opened_store
from orchestration.environment import Home
from orchestration.release_diff import diff

MOST_ROWS = 50


def history_tables(home: Home) -> dict[str, str]:
    """Title -> Markdown table: releases, activations, canaries, halts."""
    with opened_store(home.store_url) as engine, engine.connect() as store:
        return {
            "releases": _releases(store),
            "activations": _table(
                ("at", "release", "what", "who", "why"),
                (
                    (_time(one.at), one.release_id, one.kind, one.actor, one.note)
                    for one in reversed(pointers(store))
                ),
            ),
            "canaries": _table(
                ("at", "release", "share", "who", "why"),
                (
                    (_time(one.at), one.release_id, _share(one.buckets), one.actor, one.note)
                    for one in reversed(canary.changes(store))
                ),
            ),
            "halts": _table(
                ("at", "node", "what", "who", "why"),
                (
                    (_time(one.at), one.node, one.state, one.actor, one.reason)
                    for one in reversed(halts.changes(store))
                ),
            ),
        }


def last_change(home: Home) -> str:
    """What the active release decides otherwise than the one to go back to, as a table by node."""
    with opened_store(home.store_url) as engine, engine.connect() as store:
        active, back = active_id(store), former(store)
    if active is None or not back:
        return "No release was active before this one."
    try:
        found = diff(home, back[-1], active, rebuild=False)
    except (ReleaseError, DecisionError) as error:
        return _plain(str(error))
    counted = _table(
        ("node", *CHANGES, "same"),
        (
            (one.node, str(one.gained), str(one.lost), str(one.changed), str(one.same))
            for one in found.decisions.nodes
        ),
    )
    return f"{found.before} to {found.after}: {found.sentence()}\n\n{counted}"


def _releases(store: Connection) -> str:
    active = active_id(store)
    return _table(
        ("built", "release", "state", "by", "approved by"),
        (
            (
                _time(one.at),
                one.release.id,
                "active" if one.release.id == active else "",
                ", ".join(one.builders),
                ", ".join(reviewers(store, one.release.id)),
            )
            for one in reversed(builds(store))
        ),
    )


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table of at most MOST_ROWS rows; Dagster shows five columns."""
    lines = [f"| {' | '.join(_plain(cell) for cell in row)} |" for row in rows]
    if not lines:
        return "None."
    more = [f"\n{len(lines) - MOST_ROWS} older rows are in the store."]
    head = [f"| {' | '.join(headings)} |", f"| {' | '.join('---' for _ in headings)} |"]
    return "\n".join([*head, *lines[:MOST_ROWS], *(more if len(lines) > MOST_ROWS else [])])


def _plain(text: str) -> str:
    """A cell can't end its row, nor be read as markup."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _share(buckets: int) -> str:
    return f"{canary.Canary('', buckets).percent} %" if buckets else "ended"
