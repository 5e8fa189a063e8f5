"""Window form: the decision as joins and windows over long tables. An oracle for the mask form.

It is written the other way round on purpose: one row per candidate and channel, one row per
candidate and failed gate, one rank for all. It costs several times as much and decides the same.
"""

from collections.abc import Iterator

from activation.decisions import reasons
from activation.decisions.bundle import Context, cleaned
from activation.decisions.contract import COLUMNS
from activation.decisions.gates import Gate
from activation.decisions.literals import instant, instant_text, text, values
from activation.decisions.mask_state import APPROVALS
from activation.decisions.terms import Terms, needs_channel
from activation.decisions.window_state import (
    KEY,
    Cte,
    candidate_ctes,
    channel_ctes,
    early_failures,
    failure,
)
from activation.journeys.policies import Cap, CapUnit


def compile_window(terms: Terms, contexts: tuple[Context, ...]) -> str:
    """The SQL of one run; selects the columns of a decision for each new candidate."""
    ctes = [
        *candidate_ctes(terms, contexts),
        *channel_ctes(terms),
        ("early_failure", "\n        union all".join(early_failures(terms))),
        *_arbitration(terms),
        *_rows(terms),
    ]
    body = ",\n\n".join(f"    {cte} as ({sql}\n    )" for cte, sql in ctes)
    return f"with\n\n{body}\n\nselect {', '.join(COLUMNS)} from decided"


def _arbitration(terms: Terms) -> Iterator[Cte]:
    yield (
        "routed",
        f"""
        select c.*, h.channel, h.basis, h.evidence
        from candidate as c left join chosen as h using ({KEY})""",
    )
    yield "competitor", f"\n        select * from routed anti join early_failure using ({KEY})"
    empty = failure(Gate.CAPS, "''", "candidate as c where false")
    caps = "\n        union".join(
        [empty, *(_cap_failure(cap, terms) for cap in terms.policies.caps)]
    )
    yield "cap_failure", caps
    yield "uncapped", f"\n        select * from competitor anti join cap_failure using ({KEY})"
    yield "exclusion_failure", "\n        union".join(_exclusion_failures(terms))
    yield (
        "winner",
        f"\n        select * from uncapped anti join exclusion_failure using ({KEY})",
    )
    yield "volume_failure", "\n        union all".join(_volume_failures(terms))
    yield (
        "verdict",
        f"""
        select {KEY}, bool_or(verdict = 'granted') and not bool_or(verdict = 'refused') as granted,
            bool_or(verdict = 'refused') as refused
        from {APPROVALS}
        group by {KEY}""",
    )
    approval = [part.node.id for part in terms.nodes if part.node.needs_approval]
    yield (
        "approval_failure",
        f"""
        select c.node, c.subject_id, c.person_id, {int(Gate.APPROVAL)} as gate,
            case when v.refused then {text(reasons.APPROVAL_REFUSED)}
                else {text(reasons.NEEDS_APPROVAL)} end as reason
        from candidate as c left join verdict as v using ({KEY})
        where c.node in {values(approval)} and v.granted is not true""",
    )


def _cap_failure(cap: Cap, terms: Terms) -> str:
    nodes = values([part.node.id for part in terms.nodes if cap in part.caps])
    unit = "person_id" if cap.per is CapUnit.PERSON else f"person_id, {cap.per}"
    same = " and ".join(f"o.{column} = c.{column}" for column in unit.split(", "))
    scope = f"{{alias}}.node in {nodes}"
    if needs_channel(cap):
        scope += " and {alias}.channel is not null"
    if cap.channels:
        scope += f" and {{alias}}.channel in {values(cap.channels)}"
    past = [f"o.as_of > {instant(terms.cap_from(cap))}", "coalesce(o.kind, 'action') = 'action'"]
    past += [f"o.purpose in {values(cap.purposes)}"] if cap.purposes else []
    past += [f"not (o.purpose in {values(cap.except_purposes)})"] if cap.except_purposes else []
    past += [f"o.node in {values(cap.nodes)}"] if cap.nodes else []
    past += [f"o.channel in {values(cap.channels)}"] if cap.channels else []
    return failure(
        Gate.CAPS,
        text(reasons.CAPPED),
        f"""routed as c
        where {scope.format(alias="c")}
            and (select count(*) from act as o where {same} and {" and ".join(past)})
            + (
                select count(*) from competitor as o
                where {same} and o.rank < c.rank and {scope.format(alias="o")}
            ) >= {cap.maximum}""",
    )


def _exclusion_failures(terms: Terms) -> Iterator[str]:
    yield failure(
        Gate.EXCLUSION,
        text(reasons.OUTRANKED),
        """routed as c
        where exists (
            select 1 from uncapped as o
            where o.person_id = c.person_id and o.exclusion_group = c.exclusion_group
                and o.rank < c.rank
        )""",
    )
    for group in terms.groups:
        yield failure(
            Gate.EXCLUSION,
            text(reasons.OUTRANKED),
            f"""routed as c
        where c.exclusion_group = {text(group.id)} and c.person_id in (
            select person_id from act
            where node in {values(group.nodes)} and as_of >= {instant(group.acts_from)}
        )""",
        )


def _volume_failures(terms: Terms) -> Iterator[str]:
    yield failure(Gate.VOLUME, "''", "candidate as c where false")
    for part in terms.nodes:
        if not part.node.limits.volume:
            continue
        yield failure(
            Gate.VOLUME,
            text(reasons.VOLUME_CAP),
            f"""(
            select r.node, r.subject_id, r.person_id,
                count(w.rank) over (order by r.rank) - count(w.rank) over (
                    order by r.rank rows between current row and current row
                ) as ahead
            from routed as r inner join winner as w using ({KEY})
            where r.node = {text(part.node.id)}
        ) as c
        where c.ahead + (
            select count(*) from act
            where node = {text(part.node.id)} and as_of > {instant(part.volume_from)}
        ) >= {part.node.limits.volume.maximum}""",
        )


def _rows(terms: Terms) -> Iterator[Cte]:
    tables = ("early", "cap", "exclusion", "volume", "approval")
    union = " union all ".join(f"select * from {table}_failure" for table in tables)
    yield (
        "failure",
        f"""
        select {KEY}, cast(sum(1 << gate) as integer) as gate_mask,
            min(gate) as gate, arg_min(reason, gate) as reason
        from ({union})
        group by {KEY}""",
    )
    as_of, release = text(instant_text(terms.as_of)), text(terms.release)
    identity = f"c.node, {cleaned('c.subject_id')}, c.person_id, {as_of}, {release}"
    yield (
        "decided",
        f"""
        select
            'd_' || left(sha256(cast(json_array({identity}) as varchar)), 24) as decision_id,
            c.person_id, c.node, c.journey, c.subject_id, {instant(terms.as_of)} as as_of,
            case
                when f.gate is null then 'act'
                when f.gate = {int(Gate.QUIET_HOURS)} then 'defer'
                when f.reason = {text(reasons.NEEDS_APPROVAL)} then 'hold'
                else 'withhold'
            end as outcome,
            coalesce(f.reason, {text(reasons.SELECTED)}) as reason,
            c.action, c.channel, c.purpose, c.basis as lawful_basis, c.evidence, w.seq as watermark,
            c.policies, c.once_key, coalesce(f.gate_mask, 0) as gate_mask,
            case
                when c.node_bucket is null and c.universal_bucket is null then null
                when c.in_holdout or c.in_universal then 'control'
                else 'treatment'
            end as arm,
            coalesce(c.node_bucket, c.universal_bucket) as bucket,
            {release} as release, c.context
        from routed as c
        left join failure as f using ({KEY})
        left join (select max(seq) as seq from consent.con_watermark) as w on true""",
    )
