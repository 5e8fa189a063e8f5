"""Mask form, arbitration: caps, exclusion groups and volume as windows over the candidates.

Within a person the rank is priority, node, subject, and nodes are numbered in that order: the
tie-break by sha256 of release and person is the same for all of them. It is worked out only where
persons compete, for a volume.
"""

from collections.abc import Iterator

from activation.decisions.gates import Gate
from activation.decisions.literals import boolean, name, text, values
from activation.decisions.mask_state import Cte, cap_unit
from activation.decisions.terms import Terms, needs_channel
from activation.journeys.policies import Cap

_RANK = "order by node_index, subject_id rows between unbounded preceding and 1 preceding"


def arbitration_ctes(terms: Terms) -> Iterator[Cte]:
    """CTEs ahead, capped, excluded, bounded, judged; the last has gate_mask and verdict.

    Only what passed every earlier gate counts as ahead; everyone is judged against that.
    """
    yield "ahead", _cap_windows(terms)
    yield "capped", _capped(terms)
    groups = " or ".join(
        f"(exclusion_group = {text(group.id)} and exists ("
        f"select 1 from group_{group.id}_act as g where g.person_id = capped.person_id))"
        for group in terms.groups
    )
    if groups:
        excluded = f"""coalesce({groups}, false)
            or (exclusion_group is not null and count(*) filter (cap_mask = 0) over (
                partition by person_id, exclusion_group {_RANK}
            ) > 0)"""
    else:
        excluded = boolean(False)
    yield (
        "excluded",
        f"""
        select
            *,
            cap_mask | case when {excluded} then {Gate.EXCLUSION.bit} else 0 end as exclusion_mask
        from capped""",
    )
    yield "bounded", _bounded(terms)
    asking = [part.node.id for part in terms.nodes if part.node.needs_approval]
    yield (
        "judged",
        f"""
        select
            b.*,
            v.verdict,
            b.volume_mask | case
                when b.node in {values(asking)} and v.verdict is distinct from 'granted'
                    then {Gate.APPROVAL.bit}
                else 0
            end as gate_mask
        from bounded as b
        left join approved as v
            on v.node = b.node
            and v.subject_id = b.subject_id
            and v.person_id = b.person_id""",
    )


def _cap_scope(cap: Cap, terms: Terms) -> str:
    nodes = [part.node.id for part in terms.nodes if cap in part.caps]
    scope = f"node in {values(nodes)}"
    if needs_channel(cap):
        scope += " and channel is not null"
    if cap.channels:
        scope += f" and channel in {values(cap.channels)}"
    return f"({scope})"


def _cap_windows(terms: Terms) -> str:
    windows = "".join(
        f""",
            count(*) filter (early_mask = 0 and {_cap_scope(cap, terms)}) over (
                partition by person_id{cap_unit(cap)} {_RANK}
            ) as {name("ahead_" + cap.id)}"""
        for cap in terms.policies.caps
    )
    return f"\n        select\n            *{windows}\n        from gated"


def _capped(terms: Terms) -> str:
    joins, tests = [], []
    for position, cap in enumerate(terms.policies.caps):
        alias = f"h{position}"
        unit = cap_unit(cap).lstrip(", ")
        match = f" and {alias}.{unit} = a.{unit}" if unit else ""
        joins.append(
            f"\n        left join cap_{cap.id}_act as {alias} "
            f"on {alias}.person_id = a.person_id{match}"
        )
        scope = (
            _cap_scope(cap, terms).replace("node in", "a.node in").replace("channel", "a.channel")
        )
        ahead = f"a.{name('ahead_' + cap.id)}"
        tests.append(f"({scope} and coalesce({alias}.acts, 0) + {ahead} >= {cap.maximum})")
    over = " or ".join(tests) or boolean(False)
    return f"""
        select
            a.*,
            a.early_mask | case when {over} then {Gate.CAPS.bit} else 0 end as cap_mask
        from ahead as a{"".join(joins)}"""


def _bounded(terms: Terms) -> str:
    if not any(part.volume_from for part in terms.nodes):
        return "\n        select *, exclusion_mask as volume_mask from excluded"
    return f"""
        select
            x.*,
            x.exclusion_mask | case
                when x.volume_maximum is not null and x.exclusion_mask = 0
                    and coalesce(h.acts, 0) + count(*) filter (x.exclusion_mask = 0) over (
                        partition by x.node
                        order by
                            case when x.volume_maximum is not null
                                then sha256({text(terms.release)} || x.person_id) end,
                            x.subject_id
                        rows between unbounded preceding and 1 preceding
                    ) >= x.volume_maximum
                    then {Gate.VOLUME.bit}
                else 0
            end as volume_mask
        from excluded as x
        left join volume_act as h on h.node = x.node"""
