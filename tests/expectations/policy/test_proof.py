"""What a declassify claims, the SQL must show: at the root of the column, on every branch."""

from datetime import date

import pytest

from expectations.policy.declared import Declassify
from expectations.policy.definitions import Unproven
from expectations.policy.lineage.edges import Column
from expectations.policy.proof import prove
from expectations.policy.vocabulary import read_vocabulary

VOCABULARY = read_vocabulary()
KEY = "(select key from store.hash_key)"
HASH = f"sha256(concat_ws(chr(31), {KEY}, email))"
LINE = "case when line in ('home', 'motor', 'travel') then line end"
GROUPED = "from t group by region having count(distinct person_id) >= 20"


def declassify(method: str, k: int | None = None, generalisation: str | None = None) -> Declassify:
    released = frozenset({"user.contact.email"})
    return Declassify(method, released, frozenset(), k, generalisation, date(2030, 1, 1))


PROVEN = {
    "hash": (f"select {HASH} as x from t", declassify("keyed_hash")),
    "hash through CTEs": (
        f"with a as (select {HASH} as y from t), b as (select * from a) select b.y as x from b",
        declassify("keyed_hash"),
    ),
    "hash on both branches": (
        f"select {HASH} as x from t union all select {HASH} as x from u",
        declassify("keyed_hash"),
    ),
    "aggregate": (f"select avg(age) as x {GROUPED}", declassify("aggregate", 20)),
    "count": (
        f"select count(distinct (cast(age as int))) as x {GROUPED}",
        declassify("aggregate", 20),
    ),
    "of amounts with a default": (
        "with b as (select region, person_id, coalesce(age, 0) * 2 as age from t) "
        f"select avg(b.age + 1) as x {GROUPED.replace('from t', 'from b')}",
        declassify("aggregate", 20),
    ),
    "year": ("select year(born) as x from t", declassify("generalise")),
    "truncated": ("select date_trunc('year', born) as x from t", declassify("generalise")),
    "a decade of a text": ("select decade(born::date) as x from t", declassify("generalise")),
    "listed": (
        f"select {LINE} as x from t",
        declassify("generalise", generalisation="property_line"),
    ),
    "through a star with other columns": (
        f"with a as (select {HASH} as x from t) select a.*, 1 as y from a join u on true",
        declassify("keyed_hash"),
    ),
    "instead of a column of a star": (
        "select * exclude (x), year(x) as x from t",
        declassify("generalise"),
    ),
    "beside a count": (
        "select year(x) as x, count(*) as n from t group by 1",
        declassify("generalise"),
    ),
    "dropped": ("select null as x from t", declassify("drop")),
}
UNPROVEN = {
    "bare md5": ("select md5(email) as x from t", declassify("keyed_hash")),
    "bare sha256": ("select sha256(email) as x from t", declassify("keyed_hash")),
    "hash and value": (f"select {HASH} || email as x from t", declassify("keyed_hash")),
    "hash on one branch": (
        f"select {HASH} as x from t union all select email as x from u",
        declassify("keyed_hash"),
    ),
    "key as a column of the row": (
        "select sha256(key || email) as x from t",
        declassify("keyed_hash"),
    ),
    "another table's key": (
        "select sha256(concat((select key from other.hash_key), email)) as x from t",
        declassify("keyed_hash"),
    ),
    "rows, not people": (
        "select avg(age) as x from t group by region having count(*) >= 20",
        declassify("aggregate", 20),
    ),
    "too few": (f"select avg(age) as x {GROUPED}", declassify("aggregate", 21)),
    "k below the least": (f"select avg(age) as x {GROUPED}", declassify("aggregate", 2)),
    "no having": ("select avg(age) as x from t group by region", declassify("aggregate", 20)),
    "or": (
        f"select avg(age) as x {GROUPED} or region = 'a'",
        declassify("aggregate", 20),
    ),
    "one person's value": (f"select max(age) as x {GROUPED}", declassify("aggregate", 20)),
    "day": ("select date_trunc('day', born) as x from t", declassify("generalise")),
    "an income as a year": (
        "select year(make_date(age, 1, 1)) as x from t",
        declassify("generalise"),
    ),
    "an income as a year, made so below": (
        "with b as (select make_date(age, 1, 1) as born from t) select year(born) as x from b",
        declassify("generalise"),
    ),
    "a diagnosis as a listed line": (
        "with b as (select if(ill, 'home', 'motor') as line from t) "
        "select case when line in ('home', 'motor') then line end as x from b",
        declassify("generalise", generalisation="property_line"),
    ),
    "identity": ("select born as x from t", declassify("generalise")),
    "keeps health": (
        "select case when line in ('home', 'health') then line end as x from t",
        declassify("generalise", generalisation="property_line"),
    ),
    "lets the rest through": (
        "select case when line in ('home') then line else line end as x from t",
        declassify("generalise", generalisation="property_line"),
    ),
    "another column": (
        "select case when line in ('home') then diagnosis end as x from t",
        declassify("generalise", generalisation="property_line"),
    ),
    "no such generalisation": (
        f"select {LINE} as x from t",
        declassify("generalise", generalisation="anything"),
    ),
    "the key as a separator of one part": (
        f"select sha256(concat_ws({KEY}, email)) as x from t",
        declassify("keyed_hash"),
    ),
    "the key where there is no value": (
        f"select sha256(coalesce(email, {KEY})) as x from t",
        declassify("keyed_hash"),
    ),
    "past the last key": (
        f"select {HASH} as x from t".replace("hash_key)", "hash_key offset 1)"),
        declassify("keyed_hash"),
    ),
    "a sample of the keys": (
        f"select {HASH} as x from t".replace("hash_key)", "hash_key tablesample 1%)"),
        declassify("keyed_hash"),
    ),
    "a key of nothing": (
        f"select {HASH} as x from t".replace("hash_key)", "hash_key where false)"),
        declassify("keyed_hash"),
    ),
    "columns of a CTE renamed": (
        f"with c(x, y) as (select max(age) as y, avg(age) as x {GROUPED}) select x from c",
        declassify("aggregate", 20),
    ),
    "columns of a subquery renamed": (
        f"select x from (select max(age) as y, avg(age) as x {GROUPED}) as c(x, y)",
        declassify("aggregate", 20),
    ),
    "columns of a referred CTE renamed": (
        f"with c as (select max(age) as y, avg(age) as x {GROUPED}) select x from c as d(x, y)",
        declassify("aggregate", 20),
    ),
    "the sum of one person": (
        f"select sum(case when email = 'a' then age end) as x {GROUPED}",
        declassify("aggregate", 20),
    ),
    "the sum over one person by weight": (
        f"select sum(cast(age as int) * cast(email = 'a' as int)) as x {GROUPED}",
        declassify("aggregate", 20),
    ),
    "the sum of one person, made so below": (
        "select sum(age) as x from (select region, person_id, if(email = 'a', age, 0) as age "
        "from t) as t group by region having count(distinct person_id) >= 20",
        declassify("aggregate", 20),
    ),
    "the sum of one person by another amount": (
        f"select sum(age * is_one) as x {GROUPED}",
        declassify("aggregate", 20),
    ),
    "people who are none": (
        "with b as (select region, age, uuid()::varchar as person_id from t) "
        "select avg(age) as x from b group by region having count(distinct person_id) >= 20",
        declassify("aggregate", 20),
    ),
    "people who are rows": (
        "with b as (select region, age, row_id as person_id from t) "
        "select avg(age) as x from b group by region having count(distinct person_id) >= 20",
        declassify("aggregate", 20),
    ),
    "a column by its position": ("select #1 as x from t", declassify("drop")),
    "a star that has the column too": (
        "select *, year(born) as x from (select born as x, born from t) as t",
        declassify("generalise"),
    ),
    "a star that has the column under another name": (
        "select * rename (born as x) from (select year(x) as x, born from t) as t",
        declassify("generalise"),
    ),
    "a star that replaces the column": (
        "select * replace (born as x) from (select year(x) as x, born from t) as t",
        declassify("generalise"),
    ),
    "several columns of one name": (
        "select columns('x|b.*') as x, year(born) as y from t",
        declassify("generalise"),
    ),
    "one of two stars": (
        "select a.*, b.* from (select year(x) as x from t) as a join u as b on true",
        declassify("generalise"),
    ),
    "kept": ("select coalesce(email, '') as x from t", declassify("drop")),
    "star of a join": (
        "select * from (select year(born) as x from t) as a join u using (id)",
        declassify("generalise"),
    ),
}
VALUE = frozenset({VOCABULARY.hash_key, Column("main", "t", "email")})


@pytest.mark.parametrize("name", PROVEN)
def test_the_declared_operation_at_the_root_is_proven(name: str) -> None:
    sql, declared = PROVEN[name]
    value = frozenset[Column]() if declared.method == "drop" else VALUE
    prove(sql, "x", value, declared, VOCABULARY)


@pytest.mark.parametrize("name", UNPROVEN)
def test_anything_else_is_not_proven(name: str) -> None:
    sql, declared = UNPROVEN[name]
    with pytest.raises(Unproven):
        prove(sql, "x", VALUE, declared, VOCABULARY)
