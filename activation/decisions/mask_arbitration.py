"""Mask form, arbitration: caps, exclusion groups and volume as windows over the candidates.

Within a person the rank is priority, node, subject, and nodes are numbered in that order: the
tie-break by sha256 of release and person is the same for all of them. It is worked out only where
persons compete, for a volume.

A window copies what it sorts, so it gets the candidates of those persons alone for whom a limit can
bind, as narrow rows that the wide ones find by their number.
"""

from collections.abc import Iterator

from activation.decisions.gates import Gate
from activation.decisions.literals import boolean, name, text, values
from activation.decisions.mask_permits import Cte
from activation.decisions.mask_state import cap_unit
from activation.decisions.terms import GroupTerms, Terms, needs_channel
from activation.journeys.policies import Cap

_RANK = "order by node_index, subject_id rows between unbounded preceding and 1 preceding"
_CONTENDER = "early_mask = 0"


def arbitration_ctes(terms: Terms) -> Iterator[Cte]:
    """CTEs crowd, contested, capped, arbitrated, over_volume: bits of some candidates, by number.

    Only what passed every earlier gate counts as ahead; everyone is judged against that.
    """
    limits = [_crowd_of_cap(cap, terms) for cap in terms.policies.caps]
    limits += [_crowd_of_group(group) for group in terms.groups]
    nobody = "\n        select person_id from gated where false"
    yield "crowd", "\n        union".join(limits) or nobody
    yield (
        "contested",
        f"""
        select
            number, node_index, node, purpose, exclusion_group, person_id, subject_id, channel,
            early_mask{_cap_windows(terms)}
        from gated
        semi join crowd using (person_id)""",
    )
    yield "capped", _capped(terms)
    groups = " or ".join(
        f"(exclusion_group = {text(group.id)} and exists ("
        f"select 1 from group_{group.id}_act as g where g.person_id = capped.person_id))"
        for group in terms.groups
    )
    excluded = boolean(False)
    if groups:
        excluded = f"""coalesce({groups}, false)
            or (exclusion_group is not null
                and count(*) filter ({_CONTENDER} and cap_bit = 0) over (
                    partition by person_id, exclusion_group {_RANK}
                ) > 0)"""
    yield (
        "arbitrated",
        f"""
        select
            number,
            cap_bit | case when {excluded} then {Gate.EXCLUSION.bit} else 0 end as bits
        from capped""",
    )
    if has_volume(terms):
        yield "over_volume", _over_volume(terms)


def has_volume(terms: Terms) -> bool:
    """Whether any node bounds how many persons it acts on."""
    return any(part.volume_from for part in terms.nodes)


def _cap_scope(cap: Cap, terms: Terms, alias: str = "") -> str:
    nodes = [part.node.id for part in terms.nodes if cap in part.caps]
    scope = f"{alias}node in {values(nodes)}"
    if needs_channel(cap):
        scope += f" and {alias}channel is not null"
    if cap.channels:
        scope += f" and {alias}channel in {values(cap.channels)}"
    return f"({scope})"


def _crowd_of_cap(cap: Cap, terms: Terms) -> str:
    """Persons of whom the acts before and all contenders together reach the cap."""
    unit = cap_unit(cap)
    if cap.maximum == 0:
        return "\n        select person_id from gated"
    return f"""
        select person_id
        from (
            select person_id{unit}, 1 as acts
            from gated
            where {_CONTENDER} and {_cap_scope(cap, terms)}
            union all
            select person_id{unit}, acts from cap_{cap.id}_act
        )
        group by person_id{unit}
        having sum(acts) >= {cap.maximum}"""


def _crowd_of_group(group: GroupTerms) -> str:
    """Persons with an act of the group before, or with a contender beside another candidate."""
    return f"""
        select person_id from group_{group.id}_act
        union
        select person_id
        from gated
        where exclusion_group = {text(group.id)}
        group by person_id
        having count(*) > 1 and bool_or({_CONTENDER})"""


def _cap_windows(terms: Terms) -> str:
    return "".join(
        f""",
            count(*) filter ({_CONTENDER} and {_cap_scope(cap, terms)}) over (
                partition by person_id{cap_unit(cap)} {_RANK}
            ) as {name("ahead_" + cap.id)}"""
        for cap in terms.policies.caps
    )


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
        ahead = f"a.{name('ahead_' + cap.id)}"
        scope = _cap_scope(cap, terms, "a.")
        tests.append(f"({scope} and coalesce({alias}.acts, 0) + {ahead} >= {cap.maximum})")
    over = " or ".join(tests) or boolean(False)
    return f"""
        select
            a.number, a.node_index, a.exclusion_group, a.person_id, a.subject_id, a.early_mask,
            case when {over} then {Gate.CAPS.bit} else 0 end as cap_bit
        from contested as a{"".join(joins)}"""


def _over_volume(terms: Terms) -> str:
    """Those who come after a node's volume is used up, of who passed everything before it."""
    return f"""
        select w.number, {Gate.VOLUME.bit} as bits
        from (
            select
                g.number, g.node, g.volume_maximum,
                row_number() over (
                    partition by g.node
                    order by sha256({text(terms.release)} || g.person_id), g.subject_id
                ) - 1 as ahead
            from gated as g
            left join arbitrated as a on a.number = g.number
            where g.volume_maximum is not null and g.{_CONTENDER} and coalesce(a.bits, 0) = 0
        ) as w
        left join volume_act as h on h.node = w.node
        where coalesce(h.acts, 0) + w.ahead >= w.volume_maximum"""
