"""Which rule clusters the scores would join: forbidden pairs aside, chains taken apart."""

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.matching.communities import communities
from orchestration.matching.scoring import Model

# The pair of records that scores best speaks for its two clusters. What no score may do comes
# first: to join what a person parted, or two customer numbers.
_PAIRS = """
with pairs as (
    select
        least(one.component, other.component) as component,
        greatest(one.component, other.component) as other_component,
        scores.*
    from identity.id_scores as scores
    inner join identity.id_rule_clusters as one on scores.record_key = one.record_key
    inner join identity.id_rule_clusters as other on scores.other_record_key = other.record_key
    where one.component <> other.component
),

best as (
    select * from pairs
    qualify row_number() over (
        partition by component, other_component
        order by
            doubt is null and probability >= $link desc,
            match_weight desc,
            record_key asc,
            other_record_key asc
    ) = 1
),

customers as (
    select clusters.component, min(traits.customer_group) as customer_group
    from identity.id_rule_clusters as clusters
    inner join identity.id_traits as traits using (record_key)
    where traits.customer_group is not null
    group by clusters.component
),

parted as (
    select distinct
        least(one.component, other.component) as component,
        greatest(one.component, other.component) as other_component
    from store.identity_override as overrides
    inner join identity.id_rule_clusters as one on overrides.record_key = one.record_key
    inner join identity.id_rule_clusters as other on overrides.other_record_key = other.record_key
    where overrides.kind = 'never_link'
)

select
    best.component, best.other_component, best.record_key, best.other_record_key,
    best.match_weight, best.probability, best.evidence, best.doubt,
    case
        when parted.component is not null then 'never_link'
        when customers.customer_group <> other_customers.customer_group then 'two_customers'
        when best.probability < $link or best.doubt is not null then 'review'
        else 'join'
    end as verdict
from best
left join parted
    on best.component = parted.component and best.other_component = parted.other_component
left join customers on best.component = customers.component
left join customers as other_customers on best.other_component = other_customers.component
-- a pair that is forbidden and not even sure is nobody's business
where verdict in ('join', 'review') or best.probability >= $link
order by best.component, best.other_component
"""


def propose(connection: duckdb.DuckDBPyConnection, model: Model) -> pa.Table:
    """Rows of identity.id_proposals, from the scores and rule clusters of the warehouse."""
    pairs = connection.execute(_PAIRS, {"link": model.settings.thresholds.link}).to_arrow_table()
    joins = pairs.filter(pc.equal(pairs["verdict"], "join"))
    if not joins.num_rows:
        return pairs
    verdicts = pairs["verdict"].to_numpy(zero_copy_only=False).copy()
    verdicts[np.flatnonzero(verdicts == "join")[~_together(joins, model)]] = "chain"
    place = pairs.schema.get_field_index("verdict")
    return pairs.set_column(place, "verdict", pa.array(verdicts.tolist(), pa.string()))


def _together(joins: pa.Table, model: Model) -> np.ndarray:
    """Whether the two clusters of each pair stay in one group."""
    ends = np.concatenate(
        [joins[name].to_numpy(zero_copy_only=False) for name in ("component", "other_component")]
    )
    names, numbers = np.unique(ends.astype(str), return_inverse=True)
    left, right = numbers.reshape(2, -1)
    group = communities(
        left,
        right,
        joins["probability"].to_numpy(),
        nodes=len(names),
        resolution=model.settings.resolution,
        seed=model.settings.seed,
    )
    return np.asarray(group[left] == group[right])
