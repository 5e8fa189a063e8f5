"""What people decided about who is who: recorded for good, revoked by a further row.

An override is an input of the partition like a record is, so it survives every rebuild, and
revoking it restores what the records alone say.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Literal

from sqlalchemy import Connection, insert, select

from activation.store.hash_key import HashKey
from activation.store.metadata import instant_text
from activation.store.tables import identity_override

Kind = Literal["block_value", "keep_shared", "detach", "never_link", "always_link"]


class OverrideError(ValueError):
    """The override can't be recorded; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Override:
    """One decision. `rule` and `key_hash` are given for block_value and keep_shared, `record_key`
    for detach, both records (in ascending order) for never_link and always_link. `key_id` tells
    which key the hash was made with; null for none, as before hashes had one. `at` is UTC."""

    override_id: str
    kind: Kind
    rule: str | None
    key_hash: str | None
    record_key: str | None
    other_record_key: str | None
    author: str
    reason: str
    at: datetime
    key_id: str | None = None


def block_value(
    rule: str, values: Sequence[str], key: HashKey, *, author: str, reason: str, at: datetime
) -> Override:
    """A value joins nobody under this rule: a broker's mailbox, a call centre's telephone.

    `values` are the key columns of the rule, normalised, in the rule's order. They are kept as the
    hash that the models make of them.
    """
    key_hash = key.of(rule, values)
    return _identified(
        Override("", "block_value", rule, key_hash, None, None, author, reason, at, key.key_id)
    )


def keep_weak(
    rule: str, key_hash: str, key_id: str, *, blocked: bool, author: str, reason: str, at: datetime
) -> Override:
    """A key stays as weak as it was, though a person who had it in common with others is gone:
    blocked, or shared by a household."""
    kind: Kind = "block_value" if blocked else "keep_shared"
    return _identified(Override("", kind, rule, key_hash, None, None, author, reason, at, key_id))


def detach(record_key: str, *, author: str, reason: str, at: datetime) -> Override:
    """A record is a person of its own, whatever it shares with others."""
    return _identified(Override("", "detach", None, None, record_key, None, author, reason, at))


def pair(
    kind: Literal["never_link", "always_link"],
    records: tuple[str, str],
    *,
    author: str,
    reason: str,
    at: datetime,
) -> Override:
    """Two records are never, or always, one person. Raises OverrideError for one record twice."""
    first, second = sorted(records)
    if first == second:
        raise OverrideError(f"{first} can't be paired with itself; name two records")
    return _identified(Override("", kind, None, None, first, second, author, reason, at))


def record(connection: Connection, override: Override) -> None:
    """Append an override, in a writing transaction.

    Raises OverrideError when it stands already or contradicts one that stands: revoke that first.
    """
    for one in current(connection):
        if replace(one, author="", reason="", at=override.at, override_id="") == replace(
            override, author="", reason="", override_id=""
        ):
            raise OverrideError(f"override {one.override_id} says the same already")
        if _contradict(one, override):
            raise OverrideError(
                f"override {one.override_id} says the contrary; revoke it first: "
                f"assent identity override revoke {one.override_id}"
            )
    fields = {name: getattr(override, name) for name in Override.__dataclass_fields__}
    connection.execute(insert(identity_override).values(**fields))


def record_where_new(connection: Connection, overrides: Sequence[Override]) -> int:
    """Append those that nothing which stands says or contradicts, in a writing transaction;
    returns how many."""
    count = 0
    for one in overrides:
        try:
            record(connection, one)
        except OverrideError:
            continue
        count += 1
    return count


def revoke(
    connection: Connection, override_id: str, *, author: str, reason: str, at: datetime
) -> None:
    """Take a standing override back, in a writing transaction. Raises OverrideError if none."""
    if override_id not in {one.override_id for one in current(connection)}:
        raise OverrideError(
            f"no override {override_id} stands; `assent identity override list` names those that do"
        )
    connection.execute(
        insert(identity_override).values(
            override_id=_digest("revoke", override_id, instant_text(at)),
            kind="revoke",
            revokes=override_id,
            author=author,
            reason=reason,
            at=at,
        )
    )


def current(connection: Connection) -> list[Override]:
    """The overrides that stand, in the order they were recorded."""
    columns = [identity_override.c[name] for name in Override.__dataclass_fields__]
    revoked = select(identity_override.c.revokes).where(identity_override.c.revokes.is_not(None))
    rows = connection.execute(
        select(*columns)
        .where(
            identity_override.c.kind != "revoke", identity_override.c.override_id.not_in(revoked)
        )
        .order_by(identity_override.c.seq)
    )
    return [Override(**row) for row in rows.mappings()]


def current_under(connection: Connection, key: HashKey) -> list[Override]:
    """The overrides that stand, all of whose hashes the models can find again.

    Raises OverrideError for one whose value was hashed with another key or with none: it would
    match nothing, and the value that it blocks would join people.
    """
    standing = current(connection)
    for one in standing:
        if one.key_hash is not None and one.key_id != key.key_id:
            raise OverrideError(
                f"override {one.override_id} ({one.kind}) was recorded "
                + ("with another hash key" if one.key_id else "before hashes had a key")
                + ": restore keys/identity.key, or revoke the override and record it anew: "
                f"assent identity override revoke {one.override_id}"
            )
    return standing


def _contradict(one: Override, other: Override) -> bool:
    """Whether one says that two records are one person and the other that they are not."""
    kinds = {one.kind, other.kind}
    if kinds == {"never_link", "always_link"}:
        return (one.record_key, one.other_record_key) == (other.record_key, other.other_record_key)
    if kinds == {"detach", "always_link"}:
        detached, linked = (one, other) if one.kind == "detach" else (other, one)
        return detached.record_key in (linked.record_key, linked.other_record_key)
    return False


def _identified(override: Override) -> Override:
    parts = (
        override.kind,
        override.rule,
        override.key_hash,
        override.record_key,
        override.other_record_key,
        instant_text(override.at),
    )
    return replace(override, override_id=_digest(*parts))


def _digest(*parts: str | None) -> str:
    return "o_" + sha256("\x1f".join(part or "" for part in parts).encode()).hexdigest()[:12]
