"""The second opinion: it agrees on what both resolve, and names what an edge is missing for."""

from dataclasses import replace

from expectations.policy.lineage.cross_check import missed_by_ours
from expectations.policy.lineage.edges import Column
from expectations.policy.lineage.shadow import ShadowCatalog

SCHEMA = {"sample": {"main": {"customers": {"id": "int", "email": "varchar", "name": "varchar"}}}}
SQL = "select upper(email) as e, id from sample.main.customers where name is not null"


def test_both_agree(catalog: ShadowCatalog) -> None:
    assert missed_by_ours(SQL, catalog.lineage(SQL), SCHEMA) == {}


def test_an_edge_that_ours_lacks_is_named(catalog: ShadowCatalog) -> None:
    lineage = catalog.lineage(SQL)
    first = replace(lineage.columns[0], value=frozenset())
    defective = replace(lineage, columns=(first, *lineage.columns[1:]))
    assert missed_by_ours(SQL, defective, SCHEMA) == {"e": {Column("main", "customers", "email")}}


def test_what_the_other_cannot_read_has_no_second_opinion(catalog: ShadowCatalog) -> None:
    sql = "select columns(lambda n: n like 'e%') from sample.main.customers"
    assert missed_by_ours(sql, catalog.lineage(sql), SCHEMA) == {}
