"""Window form, first half: candidates, their channels, and the gates of one candidate alone."""

from collections.abc import Iterator

from activation.decisions import reasons
from activation.decisions.buckets import bucket_sql, threshold
from activation.decisions.bundle import Context, context_json, once_key
from activation.decisions.gates import Gate
from activation.decisions.literals import boolean, clock, instant, name, text, values
from activation.decisions.terms import NodeTerms, Terms

Cte = tuple[str, str]

KEY = "node, subject_id, person_id"


def candidate_ctes(terms: Terms, contexts: tuple[Context, ...]) -> Iterator[Cte]:
    parts = []
    for context in contexts:
        for part in terms.nodes:
            if part.node.context == context.table:
                parts.append(_candidate(terms, context, part))
    yield "every_candidate", "\n        union all".join(parts)
    yield (
        "candidate",
        f"""
        select
            c.*,
            row_number() over (
                order by c.priority, sha256({text(terms.release)} || c.person_id), c.node,
                c.subject_id, c.person_id
            ) as rank
        from every_candidate as c
        anti join (
            select {KEY} from activation.decision_log
            where as_of = {instant(terms.as_of)} and release = {text(terms.release)}
        ) using ({KEY})""",
    )
    yield (
        "act",
        """
        select
            l.* replace (
                ifnull((
                    select s.person_id from activation.person_successor as s
                    where s.former_person_id = l.person_id
                ), l.person_id) as person_id
            ),
            r.kind
        from activation.decision_log as l
        left join activation.release_node as r using (release, node)
        where l.outcome = 'act'""",
    )


def _candidate(terms: Terms, context: Context, part: NodeTerms) -> str:
    node, universal = part.node, terms.policies.universal_holdout
    node_bucket = "cast(null as integer)"
    if node.experiment:
        node_bucket = bucket_sql(node.experiment.salt, "c.person_id")
    universal_bucket = "cast(null as integer)"
    if part.in_universal_holdout and universal:
        universal_bucket = bucket_sql(universal.salt, "c.person_id")
    limit = threshold(node.experiment.holdout_percent) if node.experiment else 0
    universal_limit = threshold(universal.percent) if universal else 0
    return f"""
        select
            c.person_id, c.subject_id, c.assurance, c.source_at,
            {text(node.id)} as node, {text(node.journey)} as journey,
            {text(node.action.name)} as action, {text(node.purpose)} as purpose,
            {node.priority} as priority, {text(node.exclusion_group)} as exclusion_group,
            {text(part.policies)} as policies,
            {context_json(node, "c")} as context,
            {once_key(node, "c")} as once_key,
            {node_bucket} as node_bucket, {universal_bucket} as universal_bucket,
            coalesce({node_bucket} < {limit}, false) as in_holdout,
            coalesce({universal_bucket} < {universal_limit}, false) as in_universal
        from contexts.{context.table} as c
        where {node.condition.sql(lambda field: "c." + name(field))}"""


def channel_ctes(terms: Terms) -> Iterator[Cte]:
    options = [
        f"({text(part.node.id)}, '{channel}', {position}, "
        f"{boolean(part.is_action and channel in part.quiet.channels)}, "
        f"{clock(part.quiet.start)}, {clock(part.quiet.end)})"
        for part in terms.nodes
        for position, channel in enumerate(part.node.action.channels)
    ]
    yield (
        "option",
        f"""
        select * from (values {", ".join(options)})
            as o (node, channel, position, has_quiet_hours, starts, ends)""",
    )
    yield (
        "reach",
        """
        select person_id, timezone, channel
        from (
            unpivot (
                select
                    person_id, timezone, reachable_email as email, reachable_sms as sms,
                    reachable_push as push, reachable_phone as phone, reachable_post as post
                from contexts.ctx_person
            )
            on email, sms, push, phone, post into name channel value reachable
        )
        where reachable""",
    )
    yield (
        "reached",
        f"""
        select
            c.node, c.subject_id, c.person_id, o.channel, o.position, o.has_quiet_hours, o.starts,
            o.ends, p.basis, p.evidence, p.reason as permit_reason,
            coalesce(p.verdict = 'permit', false) as permitted,
            cast(timezone(r.timezone, {instant(terms.as_of)}) as time) as local_time
        from candidate as c
        inner join option as o using (node)
        inner join reach as r on r.person_id = c.person_id and r.channel = o.channel
        left join consent.con_permits as p
            on p.person_id = c.person_id and p.purpose = c.purpose and p.channel = o.channel""",
    )
    yield (
        "chosen",
        f"""
        select *
        from reached
        qualify row_number() over (
            partition by {KEY} order by case when permitted then 0 else 1 end, position
        ) = 1""",
    )


def failure(gate: Gate, reason: str, source: str) -> str:
    return f"""
        select c.node, c.subject_id, c.person_id, {int(gate)} as gate, {reason} as reason
        from {source}"""


def early_failures(terms: Terms) -> Iterator[str]:
    for part in terms.nodes:
        node = part.node
        this = "candidate as c left join contexts.ctx_person as p using (person_id) where node = "
        this += text(node.id)
        if part.closed:
            yield failure(Gate.CLOSED, text(part.closed), this)
        yield failure(
            Gate.ASSURANCE,
            text(reasons.LOW_ASSURANCE),
            f"{this} and (c.assurance is null or c.assurance not in {values(part.assurances)})",
        )
        yield failure(
            Gate.RESIDENCY,
            text(reasons.RESIDENCY),
            f"{this} and (p.residency is null or p.residency not in {values(node.residency)})",
        )
        yield failure(
            Gate.FRESHNESS,
            text(reasons.STALE_CONTEXT),
            f"{this} and (c.source_at is null or c.source_at < {instant(part.stale_before)})",
        )
        if part.cooldown_from:
            yield failure(
                Gate.COOLDOWN,
                text(reasons.COOLDOWN),
                f"{this} and exists (select 1 from act as a where a.node = c.node "
                "and a.subject_id = c.subject_id and a.person_id = c.person_id "
                f"and a.as_of > {instant(part.cooldown_from)})",
            )
    candidates = "candidate as c"
    yield failure(
        Gate.REACHABLE, text(reasons.UNREACHABLE), f"{candidates} anti join chosen using ({KEY})"
    )
    yield failure(
        Gate.PERMIT,
        f"coalesce(c.permit_reason, {text(reasons.NO_PERMIT)})",
        "chosen as c where not c.permitted",
    )
    yield failure(
        Gate.QUIET_HOURS,
        text(reasons.QUIET_HOURS),
        "chosen as c where c.permitted and c.has_quiet_hours and (c.local_time is null or case "
        "when c.starts < c.ends then c.local_time >= c.starts and c.local_time < c.ends "
        "else not (c.local_time >= c.ends and c.local_time < c.starts) end)",
    )
    yield failure(
        Gate.UNIVERSAL_HOLDOUT, text(reasons.UNIVERSAL_HOLDOUT), f"{candidates} where in_universal"
    )
    yield failure(Gate.HOLDOUT, text(reasons.HOLDOUT), f"{candidates} where in_holdout")
    yield failure(
        Gate.ONCE,
        text(reasons.ALREADY_DONE),
        f"{candidates} semi join act using (node, once_key)",
    )
