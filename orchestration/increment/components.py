"""Connected components in this process: the table that the dbt materialisation would make.

Hooking to the least neighbour with pointer jumping. For the few links of an increment that is
cheaper than the materialisation's rounds, each a handful of statements.
"""

from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

_NODES = """
create or replace temp table component_node as
with nodes as (
    select {scope} record_key from component_link
    union
    select {scope} component as record_key from component_link
)
select {scope} record_key, row_number() over (order by {scope} record_key) - 1 as node from nodes
"""
_EDGES = """
select one.node as a, other.node as b
from component_link as link
inner join component_node as one on link.record_key = one.record_key {same_one}
inner join component_node as other on link.component = other.record_key {same_other}
where link.record_key <> link.component
"""
_LABELLED = """
create or replace table {target} as
select {member_scope} member.record_key, least.record_key as component
from component_node as member
inner join component_label as label on member.node = label.node
inner join component_node as least on label.least_node = least.node
"""


def solve_components(
    connection: duckdb.DuckDBPyConnection, links_sql: str, target: str, scope: str | None
) -> None:
    """Write `target`: record_key, component (the least record_key that can be reached), one row per
    record that a link names; `scope` is a column whose values are graphs of their own."""
    connection.execute(f"create or replace temp table component_link as {links_sql}")
    connection.execute(_NODES.format(scope=f"{scope}," if scope else ""))
    same = {
        f"same_{end}": f"and link.{scope} = {end}.{scope}" if scope else ""
        for end in ("one", "other")
    }
    edges = connection.execute(_EDGES.format(**same)).fetchnumpy()
    ((nodes,),) = connection.execute("select count(*) from component_node").fetchall()
    labels = least_labels(np.asarray(edges["a"]), np.asarray(edges["b"]), nodes)
    connection.register("component_label", {"node": np.arange(nodes), "least_node": labels})
    connection.execute(
        _LABELLED.format(target=target, member_scope=f"member.{scope}," if scope else "")
    )
    connection.unregister("component_label")
    for table in ("component_link", "component_node"):
        connection.execute(f"drop table {table}")


def least_labels(a: npt.NDArray[Any], b: npt.NDArray[Any], nodes: int) -> npt.NDArray[np.int64]:
    """The least node of each node's component, of `nodes` nodes joined by the edges a[i] - b[i]."""
    labels = np.arange(nodes)
    while True:
        ours, theirs = labels[a], labels[b]
        apart = ours != theirs
        if not apart.any():
            return labels
        a, b, ours, theirs = a[apart], b[apart], ours[apart], theirs[apart]
        np.minimum.at(labels, np.maximum(ours, theirs), np.minimum(ours, theirs))
        while (labels[labels] != labels).any():
            labels = labels[labels]
