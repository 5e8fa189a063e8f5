"""Mask form, the production form: the gates of one candidate as bits, and the decision row.

What costs is the width of what joins, windows and sorts carry. So a candidate gets a number; limits
and evidence are worked out for narrow rows with that number; and what a node says of all its
decisions (contract.NODE_COLUMNS) is not in the statement at all but added to its rows afterwards.
"""

from collections.abc import Iterator

from activation.decisions import reasons
from activation.decisions.buckets import threshold
from activation.decisions.bundle import Context, json_text
from activation.decisions.gates import Gate, Outcome
from activation.decisions.literals import instant_text, text, values
from activation.decisions.mask_arbitration import arbitration_ctes, has_volume
from activation.decisions.mask_candidates import bucket_columns, candidate_ctes
from activation.decisions.mask_permits import CHANNEL_BIT, Cte, evidence_ctes, permitted
from activation.decisions.mask_state import history_ctes, person_ctes
from activation.decisions.terms import Terms


def compile_mask(terms: Terms, contexts: tuple[Context, ...]) -> str:
    """The SQL of one run: node_index, and the columns of a decision that its node doesn't give."""
    ctes = [
        *candidate_ctes(terms, contexts),
        *history_ctes(terms),
        *person_ctes(terms),
        *_gate_ctes(terms),
        *arbitration_ctes(terms),
        *evidence_ctes(terms),
        *_row_ctes(terms),
    ]
    body = ",\n\n".join(f"    {cte} as ({sql}\n    )" for cte, sql in ctes)
    return (
        "-- grain: one row per new candidate (person, subject, node)\n"
        f"with\n\n{body}\n\nselect * from decided\norder by node_index, subject_id, person_id"
    )


def _gate_ctes(terms: Terms) -> Iterator[Cte]:
    yield (
        "situated",
        f"""
        select
            c.*,
            p.local_time,
            coalesce(p.residency_bit, 0) as residency_bit,
            coalesce(p.reachable, 0) & c.channels as reached,
            coalesce(p.reachable, 0) & c.channels & {permitted(terms)} as usable,
            coalesce(d.already_done, false) as already_done,
            coalesce(a.is_cooling, false) as is_cooling,
            {bucket_columns(terms)}
        from new_candidate as c
        left join person as p on p.person_id = c.person_id
        left join done as d on d.node = c.node and d.once_key = c.once_key
        left join cooling as a
            on a.node = c.node
            and a.subject_id = c.subject_id
            and a.person_id = c.person_id""",
    )
    first = "case " + " ".join(
        f"when {{mask}} & channel_{position} <> 0 then channel_{position}"
        for position in range(1, 6)
    )
    yield (
        "routed",
        f"""
        select
            *,
            case when usable <> 0 then {first.format(mask="usable")} end
                else {first.format(mask="reached")} end end as channel_bit
        from situated""",
    )
    yield (
        "quieted",
        """
        select
            *,
            usable <> 0
            and quiet_channels & channel_bit <> 0
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
    universal_limit = _universal_limit(terms)
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
        Gate.COOLDOWN: "is_cooling",
    }
    mask = "\n            | ".join(
        f"case when {condition} then {gate.bit} else 0 end" for gate, condition in failed.items()
    )
    names = " ".join(f"when {bit} then '{channel}'" for channel, bit in CHANNEL_BIT.items())
    yield (
        "gated",
        f"""
        select
            row_number() over () as number,
            node_index, node, purpose, exclusion_group, volume_maximum, person_id, subject_id,
            context, once_key,
            case channel_bit {names} end as channel,
            first_place + bit_count(channel_bit - 1) as place,
            coalesce(node_bucket, universal_bucket) as bucket,
            case
                when held_out_below is null and not in_universal_holdout then null
                when coalesce(node_bucket < held_out_below, false)
                    or coalesce(universal_bucket < {universal_limit}, false) then 'control'
                else 'treatment'
            end as arm,
            {mask} as early_mask
        from quieted""",
    )


def _universal_limit(terms: Terms) -> int:
    universal = terms.policies.universal_holdout
    return threshold(universal.percent) if universal else 0


def _row_ctes(terms: Terms) -> Iterator[Cte]:
    asking = [part.node.id for part in terms.nodes if part.node.needs_approval]
    volume_bits, volume_join = "", ""
    if has_volume(terms):
        volume_bits = " | coalesce(o.bits, 0)"
        volume_join = "\n        left join over_volume as o on o.number = g.number"
    yield (
        "judged",
        f"""
        select
            g.*, e.permit_reason, e.basis, e.evidence, v.verdict,
            g.early_mask | coalesce(a.bits, 0){volume_bits}
            | case
                when g.node in {values(asking)} and v.verdict is distinct from 'granted'
                    then {Gate.APPROVAL.bit}
                else 0
            end as gate_mask
        from gated as g
        left join arbitrated as a on a.number = g.number{volume_join}
        left join evidenced as e on e.number = g.number
        left join approved as v
            on v.node = g.node
            and v.subject_id = g.subject_id
            and v.person_id = g.person_id""",
    )
    closed = " ".join(
        f"when {position} then {text(part.closed)}"
        for position, part in enumerate(terms.nodes)
        if part.closed
    )
    codes = {
        Gate.CLOSED: f"case node_index {closed} end" if closed else text(None),
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
    as_of, release = text(instant_text(terms.as_of)), text(terms.release)
    identity = json_text(
        lambda clean: (
            f"cast(json_array(node, {clean('subject_id')}, person_id, {as_of}, {release}) "
            "as varchar)"
        )
    )
    yield (
        "decided",
        f"""
        select
            node_index,
            'd_' || substr(sha256({identity}), 1, 24) as decision_id,
            person_id, subject_id,
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
            channel, basis as lawful_basis, evidence,
            (select max(seq) from consent.con_watermark) as watermark,
            once_key, gate_mask, arm, bucket, context
        from judged""",
    )
