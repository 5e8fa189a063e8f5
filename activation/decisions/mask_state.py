"""Mask form, second part: the state that candidates are joined to: what was done, and persons."""

from collections.abc import Iterator
from datetime import datetime

from activation.decisions.literals import boolean, instant, text, values
from activation.decisions.mask_candidates import RESIDENCY_BIT
from activation.decisions.mask_permits import CHANNEL_BIT, Cte, permit_ctes, permit_words
from activation.decisions.terms import Terms
from activation.journeys.policies import Cap, CapUnit

#: The relation of approvals: node, subject_id, person_id, verdict.
APPROVALS = "assent_approval"


def history_ctes(terms: Terms) -> Iterator[Cte]:
    """CTEs act, done, cooling, cap_*_act, group_*_act, volume_act: what was done before."""
    yield (
        "act",
        """
        select
            l.node, l.subject_id, coalesce(s.person_id, l.person_id) as person_id, l.as_of,
            l.once_key, l.purpose, l.channel, coalesce(r.kind, 'action') = 'action' as is_action
        from activation.decision_log as l
        left join activation.release_node as r on r.release = l.release and r.node = l.node
        left join activation.person_successor as s on s.former_person_id = l.person_id
        where l.outcome = 'act'""",
    )
    once = [part.node.id for part in terms.nodes if part.node.limits.once_per]
    yield (
        "done",
        f"""
        select distinct node, once_key, true as already_done
        from act
        where node in {values(once)} and once_key is not null""",
    )
    yield (
        "cooling",
        f"""
        select distinct node, subject_id, person_id, true as is_cooling
        from act
        where {_since({p.node.id: p.cooldown_from for p in terms.nodes})}""",
    )
    for cap in terms.policies.caps:
        yield _cap_cte(cap, terms)
    for group in terms.groups:
        yield (
            f"group_{group.id}_act",
            f"""
        select distinct person_id
        from act
        where node in {values(group.nodes)} and as_of >= {instant(group.acts_from)}""",
        )
    yield (
        "volume_act",
        f"""
        select node, count(*) as acts
        from act
        where {_since({p.node.id: p.volume_from for p in terms.nodes})}
        group by node""",
    )


def _since(from_by_node: dict[str, datetime | None]) -> str:
    """SQL condition: an act of one of these nodes after the node's instant."""
    return " or ".join(
        f"(node = {text(node)} and as_of > {instant(since)})"
        for node, since in from_by_node.items()
        if since
    ) or boolean(False)


def cap_unit(cap: Cap) -> str:
    """Name of the column that a cap counts by beside the person, with a comma, or nothing."""
    return "" if cap.per is CapUnit.PERSON else f", {cap.per}"


def _cap_cte(cap: Cap, terms: Terms) -> Cte:
    unit = cap_unit(cap)
    conditions = ["is_action", f"as_of > {instant(terms.cap_from(cap))}"]
    for column, wanted in (
        ("purpose", cap.purposes),
        ("node", cap.nodes),
        ("channel", cap.channels),
    ):
        if wanted:
            conditions.append(f"{column} in {values(wanted)}")
    if cap.except_purposes:
        conditions.append(f"purpose not in {values(cap.except_purposes)}")
    return (
        f"cap_{cap.id}_act",
        f"""
        select person_id{unit}, count(*) as acts
        from act
        where {" and ".join(conditions)}
        group by person_id{unit}""",
    )


def person_ctes(terms: Terms) -> Iterator[Cte]:
    """CTEs zone, permit, person, approved: the state that the gates read.

    Address book and permits are joined by person once, not for each candidate.
    """
    yield (
        "zone",
        f"""
        select timezone, cast(timezone(timezone, {instant(terms.as_of)}) as time) as local_time
        from (select distinct timezone from contexts.ctx_person where timezone is not null)""",
    )
    yield from permit_ctes(terms)
    reachable = "\n            | ".join(
        f"case when reachable_{channel} then {bit} else 0 end"
        for channel, bit in CHANNEL_BIT.items()
    )
    regions = " ".join(f"when '{region}' then {bit}" for region, bit in RESIDENCY_BIT.items())
    words = "".join(f", m.{word}" for word in permit_words(terms))
    yield (
        "person",
        f"""
        select
            p.person_id, z.local_time{words},
            case p.residency {regions} else 0 end as residency_bit,
            {reachable} as reachable
        from contexts.ctx_person as p
        left join zone as z on z.timezone = p.timezone
        left join permit as m on m.person_id = p.person_id""",
    )
    yield (
        "approved",
        f"""
        select node, subject_id, person_id, max(verdict) as verdict
        from {APPROVALS}
        group by node, subject_id, person_id""",
    )
