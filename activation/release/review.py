"""Four eyes: what may do most harm is not activated by the one person who built it.

Who somebody is, the store takes from whoever writes to it: give each person a login of their own to
the database, or let a pipeline that knows them run the command.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select

from activation.journeys.node import RiskTier
from activation.release.pointer import require_said
from activation.release.registry import builds
from activation.release.release import Release
from activation.store.tables import release_review

# Who may be contacted at all is decided by these.
_PERMISSION_FILES = (
    "activation/consent/",
    "dbt_project/models/consent/",
    "dbt_project/macros/consent/",
)


def sensitive_changes(candidate: Release, base: Release) -> list[str]:
    """What in the candidate needs a second person: nodes of high risk, and rules of consent.

    A node counts as of high risk when it is so in either release, so lowering its tier does not
    avoid the question.
    """
    before, after = base.manifest["journeys"], candidate.manifest["journeys"]
    nodes = [
        name
        for name in sorted(after)
        if after[name] != before.get(name)
        and RiskTier.HIGH in (after[name]["risk_tier"], before.get(name, {}).get("risk_tier"))
    ]
    old, new = base.manifest["files"], candidate.manifest["files"]
    files = [
        path
        for path in sorted({*old, *new})
        if path.startswith(_PERMISSION_FILES) and old.get(path) != new.get(path)
    ]
    return [*nodes, *files]


def approve(
    connection: Connection, release_id: str, *, actor: str, note: str, at: datetime
) -> None:
    """Record that a person has looked at a release and would activate it."""
    require_said(actor, note)
    connection.execute(
        insert(release_review).values(release_id=release_id, actor=actor, note=note, at=at)
    )


def reviewers(connection: Connection, release_id: str) -> tuple[str, ...]:
    """Who approved the release, each once, in order."""
    actors: Sequence[str] = (
        connection.execute(
            select(release_review.c.actor)
            .where(release_review.c.release_id == release_id)
            .order_by(release_review.c.seq)
        )
        .scalars()
        .all()
    )
    return tuple(dict.fromkeys(actors))


def has_second_person(connection: Connection, release_id: str, activating: str) -> bool:
    """Whether anybody but its builders has approved the release or activates it now."""
    builders = {
        who for built in builds(connection) if built.release.id == release_id
        for who in built.builders
    }  # fmt: skip
    return bool({*reviewers(connection, release_id), activating} - builders)
