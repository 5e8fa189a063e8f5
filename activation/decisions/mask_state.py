"""Mask form, first half: candidates from one scan per context, joined to the state of the person.

A channel is a bit, so what is reachable, permitted and quiet are integers, and the choice of the
channel is a few bit tests.
"""

from collections.abc import Iterator

from activation.decisions.buckets import bucket_sql, threshold
from activation.decisions.bundle import Context, context_json, once_key
from activation.decisions.literals import boolean, clock, instant, integer, name, text, values
from activation.decisions.terms import NodeTerms, Terms
from activation.journeys.names import Channel, Residency
from activation.journeys.policies import Cap, CapUnit

Cte = tuple[str, str]

CHANNEL_BIT = {channel: 1 << position for position, channel in enumerate(Channel)}
RESIDENCY_BIT = {region: 1 << position for position, region in enumerate(Residency)}

#: The relation of approvals: node, subject_id, person_id, verdict.
APPROVALS = "assent_approval"


def candidate_ctes(terms: Terms, contexts: tuple[Context, ...]) -> Iterator[Cte]:
    """CTEs node, eligible_*, candidate, new_candidate."""
    yield "node", _node_values(terms)
    index = {part.node.id: position for position, part in enumerate(terms.nodes)}
    parts = []
    for context in contexts:
        bits = "\n            | ".join(
            f"case when {node.condition.sql(lambda f: 'c.' + name(f))} then {1 << bit} else 0 end"
            for bit, node in enumerate(context.nodes)
        )
        fields = "".join(f", c.{name(field)}" for field in context.fields)
        yield (
            f"eligible_{context.table}",
            f"""
        select
            c.person_id, c.subject_id, c.assurance, c.source_at{fields},
            {bits} as eligible
        from contexts.{context.table} as c""",
        )
        rendered = "\n".join(
            f"                when {index[node.id]} then {context_json(node, 'e')}"
            for node in context.nodes
        )
        keys = "\n".join(
            f"                when {index[node.id]} then {once_key(node, 'e')}"
            for node in context.nodes
        )
        parts.append(
            f"""
        select
            n.*, e.person_id, e.subject_id, e.assurance, e.source_at,
            case n.node_index
{rendered}
            end as context,
            case n.node_index
{keys}
            end as once_key
        from eligible_{context.table} as e
        inner join node as n
            on e.eligible <> 0
            and n.context_table = {text(context.table)}
            and (e.eligible >> n.context_bit) & 1 = 1"""
        )
    yield "candidate", "\n        union all".join(parts)
    yield (
        "new_candidate",
        f"""
        select c.*
        from candidate as c
        anti join (
            select node, subject_id, person_id
            from activation.decision_log
            where as_of = {instant(terms.as_of)} and release = {text(terms.release)}
        ) using (node, subject_id, person_id)""",
    )


_NODE_COLUMNS = (
    "node_index, context_table, context_bit, node, journey, action, purpose, priority, is_action, "
    "closed, assurances, stale_before, residencies, channels, channel_1, channel_2, channel_3, "
    "channel_4, channel_5, quiet_channels, quiet_start, quiet_end, held_out_below, "
    "in_universal_holdout, cooldown_from, exclusion_group, volume_maximum, needs_approval, policies"
)


def _node_values(terms: Terms) -> str:
    seen: dict[str, int] = {}
    rows = []
    for position, part in enumerate(terms.nodes):
        bit = seen.setdefault(part.node.context, 0)
        seen[part.node.context] += 1
        rows.append(_node_row(position, bit, part))
    joined = ",\n            ".join(rows)
    return f"""
        select * from (values
            {joined}
        ) as n ({_NODE_COLUMNS})"""


def _node_row(position: int, bit: int, part: NodeTerms) -> str:
    node = part.node
    ordered = [CHANNEL_BIT[channel] for channel in node.action.channels]
    quiet = sum(CHANNEL_BIT[channel] for channel in set(part.quiet.channels))
    experiment, volume = node.experiment, node.limits.volume
    return "({})".format(
        ", ".join(
            [
                str(position),
                text(node.context),
                str(bit),
                text(node.id),
                text(node.journey),
                text(node.action.name),
                text(node.purpose),
                str(node.priority),
                boolean(part.is_action),
                text(part.closed),
                text("".join(part.assurances)),
                instant(part.stale_before),
                str(sum(RESIDENCY_BIT[region] for region in set(node.residency))),
                str(sum(ordered)),
                *(str(channel) for channel in (*ordered, 0, 0, 0, 0)[:5]),
                str(quiet if part.is_action else 0),
                clock(part.quiet.start),
                clock(part.quiet.end),
                integer(threshold(experiment.holdout_percent) if experiment else None),
                boolean(part.in_universal_holdout),
                instant(part.cooldown_from),
                text(node.exclusion_group),
                integer(volume.maximum if volume else None),
                boolean(node.needs_approval),
                text(part.policies),
            ]
        )
    )


def history_ctes(terms: Terms) -> Iterator[Cte]:
    """CTEs act, done, last_act, cap_*_act, group_*_act, volume_act: what was done before."""
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
    yield "done", "select distinct node, once_key from act where once_key is not null"
    yield (
        "last_act",
        """
        select node, subject_id, person_id, max(as_of) as last_acted_at
        from act
        group by node, subject_id, person_id""",
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
    bounded = [part for part in terms.nodes if part.volume_from]
    if bounded:
        since = " or ".join(
            f"(node = {text(part.node.id)} and as_of > {instant(part.volume_from)})"
            for part in bounded
        )
        yield (
            "volume_act",
            f"select node, count(*) as acts from act where {since} group by node",
        )


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
    """CTEs person, zone, permit, approved: the state that the gates read."""
    reachable = "\n            | ".join(
        f"case when reachable_{channel} then {bit} else 0 end"
        for channel, bit in CHANNEL_BIT.items()
    )
    regions = " ".join(f"when '{region}' then {bit}" for region, bit in RESIDENCY_BIT.items())
    yield (
        "person",
        f"""
        select
            person_id, timezone,
            case residency {regions} else 0 end as residency_bit,
            {reachable} as reachable
        from contexts.ctx_person""",
    )
    yield (
        "zone",
        f"""
        select timezone, cast(timezone(timezone, {instant(terms.as_of)}) as time) as local_time
        from (select distinct timezone from contexts.ctx_person where timezone is not null)""",
    )
    purposes = sorted({part.node.purpose for part in terms.nodes})
    bits = " ".join(f"when '{channel}' then {bit}" for channel, bit in CHANNEL_BIT.items())
    yield (
        "permit",
        f"""
        select person_id, purpose, bit_or(case channel {bits} else 0 end) as permitted
        from consent.con_permits
        where verdict = 'permit' and purpose in {values(purposes)}
        group by person_id, purpose""",
    )
    yield (
        "approved",
        f"""
        select node, subject_id, person_id, max(verdict) as verdict
        from {APPROVALS}
        group by node, subject_id, person_id""",
    )


def bucket_columns(terms: Terms) -> str:
    """SQL of node_bucket and universal_bucket; null where no experiment applies."""
    cases = " ".join(
        f"when {position} then {bucket_sql(part.node.experiment.salt, 'c.person_id')}"
        for position, part in enumerate(terms.nodes)
        if part.node.experiment
    )
    node_bucket = f"case c.node_index {cases} end" if cases else integer(None)
    universal = terms.policies.universal_holdout
    universal_bucket = (
        f"case when c.in_universal_holdout then {bucket_sql(universal.salt, 'c.person_id')} end"
        if universal
        else integer(None)
    )
    return f"{node_bucket} as node_bucket,\n            {universal_bucket} as universal_bucket"
