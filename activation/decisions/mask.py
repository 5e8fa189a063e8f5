"""Mask form, the production form: the gates of one candidate as bits, and the decision row."""

from collections.abc import Iterator

from activation.decisions import reasons
from activation.decisions.buckets import threshold
from activation.decisions.bundle import Context, field_text
from activation.decisions.contract import COLUMNS
from activation.decisions.gates import Gate, Outcome
from activation.decisions.literals import instant, instant_text, text
from activation.decisions.mask_arbitration import arbitration_ctes
from activation.decisions.mask_state import (
    CHANNEL_BIT,
    Cte,
    bucket_columns,
    candidate_ctes,
    history_ctes,
    person_ctes,
)
from activation.decisions.terms import Terms
from activation.journeys.fields import FieldType


def compile_mask(terms: Terms, contexts: tuple[Context, ...]) -> str:
    """The SQL of one run: selects the columns of a decision for each new candidate."""
    ctes = [
        *candidate_ctes(terms, contexts),
        *history_ctes(terms),
        *person_ctes(terms),
        *_gate_ctes(terms),
        *arbitration_ctes(terms),
        *_row_ctes(terms),
    ]
    body = ",\n\n".join(f"    {cte} as ({sql}\n    )" for cte, sql in ctes)
    return (
        "-- grain: one row per new candidate (person, subject, node)\n"
        f"with\n\n{body}\n\nselect {', '.join(COLUMNS)} from decided\n"
        "order by node_index, subject_id, person_id"
    )


def _gate_ctes(terms: Terms) -> Iterator[Cte]:
    yield (
        "situated",
        f"""
        select
            c.*,
            coalesce(p.residency_bit, 0) as residency_bit,
            coalesce(p.reachable, 0) & c.channels as reached,
            coalesce(p.reachable, 0) & c.channels & coalesce(m.permitted, 0) as usable,
            z.local_time,
            d.once_key is not null as already_done,
            coalesce(a.last_acted_at > c.cooldown_from, false) as cooling,
            {bucket_columns(terms)}
        from new_candidate as c
        left join person as p on p.person_id = c.person_id
        left join zone as z on z.timezone = p.timezone
        left join permit as m on m.person_id = c.person_id and m.purpose = c.purpose
        left join done as d on d.node = c.node and d.once_key = c.once_key
        left join last_act as a
            on a.node = c.node
            and a.subject_id = c.subject_id
            and a.person_id = c.person_id""",
    )
    first = "case " + " ".join(
        f"when {{mask}} & channel_{position} <> 0 then channel_{position}"
        for position in range(1, 6)
    )
    names = " ".join(f"when {bit} then '{channel}'" for channel, bit in CHANNEL_BIT.items())
    yield (
        "routed",
        f"""
        select
            *,
            case case when usable <> 0 then {first.format(mask="usable")} end
                else {first.format(mask="reached")} end end {names} end as channel
        from situated""",
    )
    yield (
        "quieted",
        """
        select
            *,
            usable <> 0
            and quiet_channels & case channel """
        + " ".join(f"when '{channel}' then {bit}" for channel, bit in CHANNEL_BIT.items())
        + """ else 0 end <> 0
            and coalesce(
                case
                    when quiet_start < quiet_end
                        then local_time >= quiet_start and local_time < quiet_end
                    else local_time >= quiet_start or local_time < quiet_end
                end,
                true
            ) as is_quiet
        from routed""",
    )
    universal = terms.policies.universal_holdout
    universal_limit = threshold(universal.percent) if universal else 0
    failed = {
        Gate.CLOSED: "closed is not null",
        Gate.ASSURANCE: "not coalesce(contains(assurances, nullif(assurance, '')), false)",
        Gate.RESIDENCY: "residency_bit & residencies = 0",
        Gate.FRESHNESS: "coalesce(source_at < stale_before, true)",
        Gate.REACHABLE: "reached = 0",
        Gate.PERMIT: "reached <> 0 and usable = 0",
        Gate.QUIET_HOURS: "is_quiet",
        Gate.UNIVERSAL_HOLDOUT: f"coalesce(universal_bucket < {universal_limit}, false)",
        Gate.HOLDOUT: "coalesce(node_bucket < held_out_below, false)",
        Gate.ONCE: "already_done",
        Gate.COOLDOWN: "cooling",
    }
    mask = "\n            | ".join(
        f"case when {condition} then {gate.bit} else 0 end" for gate, condition in failed.items()
    )
    # What a node says of all its candidates is joined again at the end: windows and sorts copy
    # each column that they carry; the statement took 26 % more CPU time with those.
    yield (
        "gated",
        f"""
        select
            node_index, node, purpose, exclusion_group, volume_maximum, person_id, subject_id,
            context, once_key, channel, node_bucket, universal_bucket,
            {mask} as early_mask
        from quieted""",
    )


def _row_ctes(terms: Terms) -> Iterator[Cte]:
    yield (
        "evidenced",
        """
        select j.*, e.reason as permit_reason, e.basis, e.evidence
        from judged as j
        left join consent.con_permits as e
            on e.person_id = j.person_id and e.purpose = j.purpose and e.channel = j.channel""",
    )
    codes = {
        Gate.CLOSED: "n.closed",
        Gate.ASSURANCE: text(reasons.LOW_ASSURANCE),
        Gate.RESIDENCY: text(reasons.RESIDENCY),
        Gate.FRESHNESS: text(reasons.STALE_CONTEXT),
        Gate.REACHABLE: text(reasons.UNREACHABLE),
        Gate.PERMIT: f"coalesce(permit_reason, {text(reasons.NO_PERMIT)})",
        Gate.QUIET_HOURS: text(reasons.QUIET_HOURS),
        Gate.UNIVERSAL_HOLDOUT: text(reasons.UNIVERSAL_HOLDOUT),
        Gate.HOLDOUT: text(reasons.HOLDOUT),
        Gate.ONCE: text(reasons.ALREADY_DONE),
        Gate.COOLDOWN: text(reasons.COOLDOWN),
        Gate.CAPS: text(reasons.CAPPED),
        Gate.EXCLUSION: text(reasons.OUTRANKED),
        Gate.VOLUME: text(reasons.VOLUME_CAP),
        Gate.APPROVAL: (
            f"case when verdict = 'refused' then {text(reasons.APPROVAL_REFUSED)} "
            f"else {text(reasons.NEEDS_APPROVAL)} end"
        ),
    }
    ladder = "\n                ".join(
        f"when {gate.bit} then {code}" for gate, code in codes.items()
    )
    universal = terms.policies.universal_holdout
    universal_limit = threshold(universal.percent) if universal else 0
    subject = field_text("e.subject_id", FieldType.TEXT)
    as_of, release = text(instant_text(terms.as_of)), text(terms.release)
    yield (
        "decided",
        f"""
        select
            'd_' || substr(sha256(cast(
                json_array(e.node, {subject}, e.person_id, {as_of}, {release}) as varchar
            )), 1, 24) as decision_id,
            e.person_id, e.node, n.journey, e.subject_id,
            {instant(terms.as_of)} as as_of,
            case
                when gate_mask = 0 then '{Outcome.ACT}'
                when gate_mask & -gate_mask = {Gate.QUIET_HOURS.bit} then '{Outcome.DEFER}'
                when gate_mask = {Gate.APPROVAL.bit} and verdict is distinct from 'refused'
                    then '{Outcome.HOLD}'
                else '{Outcome.WITHHOLD}'
            end as outcome,
            case gate_mask & -gate_mask
                {ladder}
                else {text(reasons.SELECTED)}
            end as reason,
            n.action, e.channel, e.purpose, e.basis as lawful_basis, e.evidence,
            (select max(seq) from consent.con_watermark) as watermark,
            n.policies, e.once_key, e.gate_mask,
            case
                when n.held_out_below is null and not n.in_universal_holdout then null
                when coalesce(e.node_bucket < n.held_out_below, false)
                    or coalesce(e.universal_bucket < {universal_limit}, false) then 'control'
                else 'treatment'
            end as arm,
            coalesce(e.node_bucket, e.universal_bucket) as bucket,
            {release} as release, e.context, e.node_index
        from evidenced as e
        inner join node as n on n.node_index = e.node_index""",
    )
