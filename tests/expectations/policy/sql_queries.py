"""The SQL of a small project in parts, written at random in ways that let nothing more out.

Three models: `hashed` turns an e-mail address into a keyed hash, `spend` averages amounts over at
least 20 people, `leaving` sends the hash of whoever has a permit. What an edit does is known from
how it is made, not from the checker. Each is written in a query that people might have written: in
CTEs, subqueries, unions, with filters, other columns and orders.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random

KEY = "(select key from shop.store.hash_key)"
HASH = f"sha256(concat_ws(chr(31), {KEY}, lower(email)))"
HAVING = "count(distinct person_id) >= 20"
KEYS = ("person_id", "purpose", "channel")
PERMIT = "c.verdict = 'permit'"
COLUMNS = {
    "hashed": "person_id, purpose, channel, email_hash",
    "spend": "region, amount",
    "leaving": "person_id, email_hash",
}


@dataclass(frozen=True)
class Branch:
    """One select of `leaving`."""

    hash: str = "h.email_hash"
    person: str = "h.person_id"
    join: str = "join"
    keys: tuple[str, ...] = tuple(f"h.{key} = c.{key}" for key in KEYS)
    where: tuple[str, ...] = (PERMIT,)
    gate: str = "shop.consent.con_permits"
    also: str = ""

    def sql(self) -> str:
        on = f"on {' and '.join(self.keys)}" if self.keys else ""
        where = f"where {' and '.join(self.where)}" if self.where else ""
        gate = f"{self.join} {self.gate} as c {on}" if self.gate else ""
        return (
            f"select {self.person} as person_id, {self.hash} as email_hash "
            f"from shop.mart.hashed as h {self.also} {gate} {where}"
        )


@dataclass(frozen=True)
class Queries:
    """The parts of the three models that edits change."""

    hash: str = HASH
    hashed_where: str = ""
    amount: str = "avg(amount)"
    having: str = HAVING
    spend_where: str = ""
    branches: tuple[Branch, ...] = (Branch(),)
    around: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def sql(self) -> dict[str, str]:
        having = f"having {self.having}" if self.having else ""
        made = {
            "hashed": f"select person_id, purpose, channel, {self.hash} as email_hash "
            f"from shop.raw.person {self.hashed_where}",
            "spend": f"select region, {self.amount} as amount "
            f"from shop.raw.person {self.spend_where} group by region {having}",
            "leaving": " union all ".join(one.sql() for one in self.branches),
        }
        for name, wraps in self.around.items():
            for wrap in wraps:
                made[name] = wrap.format(sql=made[name], columns=COLUMNS[name])
        return made


#: What may be put around any query without changing what it lets out.
WRAPS = (
    "with made as ({sql}) select * from made",
    "select * from ({sql}) as made",
    "select {columns} from ({sql}) as made",
    "with made as ({sql}), listed as (select {columns} from made) select listed.* from listed",
    "-- one row per what it says\n{sql}",
    "({sql})",
    "select * from ({sql}) as made order by 1",
    "select *, 1 as made_by from ({sql}) as made",
    "select made.* exclude (extra) from (select *, 2 as extra from ({sql}) as made) as made",
    "with made as ({sql}) select {columns} from made union all select {columns} from made",
    "with unused as (select region from shop.raw.person) select * from ({sql}) as made",
)
#: Not around `hashed`: who removes duplicates by a hash chooses rows by what is hashed.
_DISTINCT = "select distinct * from ({sql}) as made"
_FILTERS = ("purpose <> 'none'", "channel in ('email', 'sms')", "person_id is not null", "true")


def dressed(queries: Queries, model: str, rng: Random) -> Queries:
    """One model written otherwise, letting out the same or less."""
    known = WRAPS if model == "hashed" else (*WRAPS, _DISTINCT)
    wraps = tuple(rng.choices(known, k=rng.randint(0, 2)))
    queries = replace(queries, around={**queries.around, model: wraps})
    kept = f"where {' and '.join(rng.sample(_FILTERS, rng.randint(1, 2)))}"
    if model == "hashed" and rng.random() < 0.5:
        return replace(queries, hashed_where=kept)
    if model == "spend" and rng.random() < 0.5:
        return replace(queries, spend_where=kept)
    if model == "leaving":
        return replace(queries, branches=tuple(_dressed(one, rng) for one in queries.branches))
    return queries


def _dressed(branch: Branch, rng: Random) -> Branch:
    if rng.random() < 0.5:
        branch = replace(branch, keys=tuple(rng.sample(branch.keys, len(branch.keys))))
    if rng.random() < 0.5:
        kept = f"h.{rng.choice(_FILTERS[:3])}"
        branch = replace(branch, where=(*branch.where, kept))
    return branch


def harmless(rng: Random) -> dict[str, str]:
    """The three models after one to three edits that let nothing more out."""
    queries = Queries()
    if rng.random() < 0.4:
        queries = replace(queries, branches=(Branch(),) * rng.randint(2, 3))
    if rng.random() < 0.3:
        queries = replace(queries, amount=rng.choice(_AMOUNTS))
    if rng.random() < 0.3:
        people = rng.randint(20, 99)
        bounds = [f"count(distinct person_id) {sign} {people}" for sign in (">=", ">")]
        queries = replace(
            queries, having=f"{rng.choice(bounds)} and count(*) > {rng.randint(1, 50)}"
        )
    if rng.random() < 0.3:
        queries = replace(queries, hash=HASH.replace("lower(email)", rng.choice(_NORMALISED)))
    for model in rng.sample(list(COLUMNS), rng.randint(1, 3)):
        queries = dressed(queries, model, rng)
    return queries.sql()


_AMOUNTS = ("sum(amount)", "count(amount)", "avg(coalesce(amount, 0))", "stddev(amount * 100)")
_NORMALISED = ("trim(email)", "lower(trim(email))", "email", "coalesce(email, '')")
