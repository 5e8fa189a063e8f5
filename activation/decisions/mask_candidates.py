"""Mask form, first part: the nodes' constants, and candidates from one scan per context.

A channel is a bit, so what is reachable, permitted and quiet are integers, and the choice of the
channel is a few bit tests.
"""

from collections.abc import Iterator

from activation.decisions.buckets import bucket_sql, threshold
from activation.decisions.bundle import Context, context_json, once_key
from activation.decisions.literals import boolean, clock, instant, integer, name, text
from activation.decisions.mask_permits import CHANNEL_BIT, Cte, first_places
from activation.decisions.terms import NodeTerms, Terms
from activation.journeys.names import Residency

RESIDENCY_BIT = {region: 1 << position for position, region in enumerate(Residency)}


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
        rendered = {index[node.id]: context_json(node, "e") for node in context.nodes}
        keys = {index[node.id]: once_key(node, "e") for node in context.nodes}
        parts.append(
            f"""
        select
            n.*, e.person_id, e.subject_id, e.assurance, e.source_at,
            {_by_node(rendered)} as context,
            {_by_node(keys)} as once_key
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


def _by_node(expressions: dict[int, str]) -> str:
    """One SQL expression for several nodes; those that say the same are written once."""
    nodes: dict[str, list[int]] = {}
    for node, expression in expressions.items():
        nodes.setdefault(expression, []).append(node)
    if len(nodes) == 1:
        return next(iter(nodes))
    cases = "".join(
        f"\n                when n.node_index in ({', '.join(map(str, same))}) then {expression}"
        for expression, same in nodes.items()
    )
    return f"case{cases}\n            end"


# Only what the gates ask of a node; what its rows say besides is added to them at the end
# (deciding.labelled).
_NODE_COLUMNS = (
    "node_index, context_table, context_bit, node, purpose, closed, assurances, stale_before, "
    "residencies, channels, channel_1, channel_2, channel_3, channel_4, channel_5, first_place, "
    "quiet_channels, quiet_start, quiet_end, held_out_below, in_universal_holdout, "
    "exclusion_group, volume_maximum, needs_approval"
)


def _node_values(terms: Terms) -> str:
    seen: dict[str, int] = {}
    places = first_places(terms)
    rows = []
    for position, part in enumerate(terms.nodes):
        bit = seen.setdefault(part.node.context, 0)
        seen[part.node.context] += 1
        rows.append(_node_row(position, bit, part, places[part.node.purpose]))
    joined = ",\n            ".join(rows)
    return f"""
        select * from (values
            {joined}
        ) as n ({_NODE_COLUMNS})"""


def _node_row(position: int, bit: int, part: NodeTerms, place: int) -> str:
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
                text(node.purpose),
                text(part.closed),
                text("".join(part.assurances)),
                instant(part.stale_before),
                str(sum(RESIDENCY_BIT[region] for region in set(node.residency))),
                str(sum(ordered)),
                *(str(channel) for channel in (*ordered, 0, 0, 0, 0)[:5]),
                str(place),
                str(quiet if part.is_action else 0),
                clock(part.quiet.start),
                clock(part.quiet.end),
                integer(threshold(experiment.holdout_percent) if experiment else None),
                boolean(part.in_universal_holdout),
                text(node.exclusion_group),
                integer(volume.maximum if volume else None),
                boolean(node.needs_approval),
            ]
        )
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
