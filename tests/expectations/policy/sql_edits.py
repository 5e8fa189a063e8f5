"""Edits of the queries of `sql_queries` that let more out, made at random.

What an edit does is known from how it is made, not from the checker.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from expectations.policy.finding import Code
from tests.expectations.policy.sql_queries import (
    COLUMNS,
    HASH,
    KEY,
    KEYS,
    PERMIT,
    Branch,
    Queries,
    dressed,
)

Edit = Callable[[Queries, Random], Queries]

#: What stands for the keyed hash instead. `{n}` is a small number.
LEAKS = (
    *("email", "lower(email)", "upper(email)", "trim(email)", "reverse(email)", "email || ''"),
    *("md5(email)", "sha1(email)", "sha256(email)", "sha256(lower(email))", "hash(email)::varchar"),
    *("base64(email::blob)", "hex(email)", "to_base64(encode(email))", "substr(email, {n})"),
    *("left(email, {n})", "split_part(email, '@', 1)", "regexp_extract(email, '[^@]+')"),
    *(
        "email || {hash}",
        "{hash} || email",
        "concat({hash}, email)",
        "concat_ws(' ', {hash}, email)",
    ),
    *("coalesce(email, {hash})", "coalesce({hash}, email)", "nullif(email, {hash})"),
    *("greatest(email, {hash})", "least(email, {hash})", "if(length(email) > {n}, email, {hash})"),
    "case when purpose = 'a' then {hash} else email end",
    "case when email like '%{n}%' then 'yes' else 'no' end",
    *(
        "sha256(concat_ws({key}, email))",
        "sha256(coalesce(email, {key}))",
        "sha256(email || 'salt{n}')",
    ),
    *("[email, {hash}]::varchar", "{{'a': email}}::varchar", "to_json(email)::varchar"),
    *("max(email) over (partition by person_id)", "lag(email) over (order by person_id)"),
    *("(select max(email) from shop.raw.person)", "string_split(email, '@')[1]"),
    "list_reduce([email, 'x'], lambda a, b: a || b)",
    "sha256(concat_ws(chr(31), (select key from shop.store.hash_key offset {n}), email))",
    "sha256(concat_ws(chr(31), (select key from shop.store.hash_key where false), email))",
    "substr({hash}, 1, {n}) || substr(email, {n})",
)
AMOUNTS = (
    *("max(amount)", "min(amount)", "any_value(amount)", "first(amount)", "last(amount)"),
    *("mode(amount)", "median(amount)", "quantile_cont(amount, 0.{n})", "arg_max(amount, email)"),
    *(
        "list(amount)[{n}]",
        "string_agg(amount::varchar)::double",
        "bit_xor(amount::bigint)::double",
    ),
    *("avg(amount) + max(amount)", "avg(amount) + any_value(amount)", "product(amount)"),
    "sum(case when person_id = 'P{n}' then amount end)",
    "sum(if(email = 'a{n}@example.com', amount, 0))",
    "sum(amount * (person_id = 'P{n}')::int)",
    "sum(amount) filter (where person_id = 'P{n}')",
    "max(amount) filter (where true)",
    "histogram(amount)::varchar::double",
    "entropy(amount) + max(amount)",
)
GROUPS = (
    *("", "count(*) >= 20", "count(person_id) >= 20", "count(distinct region) >= 20"),
    *("count(distinct person_id) >= {n}", "count(distinct person_id) > {n}"),
    *("count(distinct person_id) <= 20", "count(distinct person_id) <> 20", "20 >= {n}"),
    *("count(distinct person_id) >= 20 or region = 'r{n}'", "not count(distinct person_id) >= 20"),
    *("count(distinct person_id) + {n} >= 20", "sum(1) >= 20", "count(distinct email) >= 20"),
    "count(distinct person_id) >= 20 or count(*) >= {n}",
)


def _filled(text: str, rng: Random) -> str:
    return text.format(n=rng.randint(1, 9), hash=HASH, key=KEY)


def _in_a_branch(queries: Queries, rng: Random, **parts: object) -> Queries:
    """One of one to three branches is changed."""
    branches = [Branch()] * rng.randint(1, 3)
    branches[rng.randrange(len(branches))] = replace(Branch(), **parts)  # type: ignore[arg-type]
    return replace(queries, branches=tuple(branches))


def _gate_edit(queries: Queries, rng: Random) -> Queries:
    """The gate taken away or widened."""
    key = rng.randrange(len(KEYS))
    keys = Branch().keys
    left = tuple(one for place, one in enumerate(keys) if place != key)
    other = rng.choice([one for one in KEYS if one != KEYS[key]])
    shared = rng.choice(("purpose", "channel"))
    verdicts = ("c.verdict = 'deny'", "c.verdict <> 'deny'", "c.verdict is not null", "true")
    return _in_a_branch(
        queries,
        rng,
        **rng.choice(
            [
                {"gate": "", "keys": (), "where": ()},
                {"where": ()},
                {"where": (rng.choice(verdicts),)},
                {"where": (f"({PERMIT} or {rng.choice(verdicts)})",)},
                {"where": (f"({PERMIT} or h.channel = '{rng.choice(['email', 'sms'])}')",)},
                {"where": (f"not ({PERMIT})",)},
                {"keys": left},
                {"keys": (*left, f"h.{KEYS[key]} = c.{other}")},
                {"keys": (*left, f"h.{KEYS[key]} <> c.{KEYS[key]}")},
                {"keys": (*left, f"({keys[key]} or h.{KEYS[key]} is null)")},
                {"join": "left join", "keys": (*keys, PERMIT), "where": ()},
                {"join": "full join", "keys": (*keys, PERMIT), "where": ()},
                {"join": "anti join", "keys": (*keys, PERMIT), "where": ()},
                {"join": "cross join", "keys": ()},
                {"gate": "shop.raw.permits"},
                {
                    "gate": "",
                    "keys": (),
                    "where": ("h.person_id in (select person_id from shop.consent.con_permits)",),
                },
                {
                    "gate": "",
                    "keys": (),
                    "where": (
                        "exists (select 1 from shop.consent.con_permits as c where "
                        f"c.person_id = h.person_id and {PERMIT})",
                    ),
                },
                {
                    "person": "p.person_id",
                    "also": f"join shop.raw.person as p on p.{shared} = h.{shared}",
                },
            ]
        ),
    )


def _raw_column(queries: Queries, rng: Random) -> Queries:
    """A raw column joined in, beside or instead of what may leave."""
    also = "join shop.raw.person as p on p.person_id = h.person_id"
    leak = rng.choice(
        [
            *("p.email", "coalesce(p.email, h.email_hash)", "coalesce(h.email_hash, p.email)"),
            *("h.email_hash || p.email", "p.amount::varchar", "max(p.email) over ()"),
            *("case when p.amount > 9 then h.email_hash end", "md5(p.email)", "left(p.email, 3)"),
        ]
    )
    if rng.random() < 0.3:
        return _in_a_branch(queries, rng, also=also, person=leak)
    return _in_a_branch(queries, rng, also=also, hash=leak)


def _chosen(queries: Queries, rng: Random) -> Queries:
    """Rows chosen by what the destination may not learn."""
    n = rng.randint(1, 99)
    join = "join shop.raw.person as p on p.person_id = h.person_id"
    return _in_a_branch(
        queries,
        rng,
        **rng.choice(
            [
                {"also": f"{join} and p.amount > {n}"},
                {"also": join, "where": (PERMIT, f"p.amount < {n}")},
                {"also": join, "where": (PERMIT, f"p.email like 'a{n}%'")},
                {
                    "where": (
                        PERMIT,
                        "h.person_id in (select person_id from shop.raw.person "
                        f"where amount > {n})",
                    )
                },
                {
                    "where": (
                        PERMIT,
                        "exists (select 1 from shop.raw.person as p where "
                        f"p.person_id = h.person_id and p.amount = {n})",
                    )
                },
            ]
        ),
    )


def _leak(queries: Queries, rng: Random) -> Queries:
    return replace(queries, hash=_filled(rng.choice(LEAKS), rng))


def _one_persons_amount(queries: Queries, rng: Random) -> Queries:
    return replace(queries, amount=_filled(rng.choice(AMOUNTS), rng))


def _small_groups(queries: Queries, rng: Random) -> Queries:
    return replace(queries, having=_filled(rng.choice(GROUPS), rng))


#: The edit, the model that it changes, and what must be found.
LOOSENING: tuple[tuple[Edit, str, Code], ...] = (
    (_leak, "hashed", Code.DECLASSIFY_UNPROVEN),
    (_one_persons_amount, "spend", Code.DECLASSIFY_UNPROVEN),
    (_small_groups, "spend", Code.DECLASSIFY_UNPROVEN),
    (_gate_edit, "leaving", Code.NOT_GATED),
    (_raw_column, "leaving", Code.CATEGORY_LEAVES),
    (_chosen, "leaving", Code.SELECTION_LEAVES),
)


def loosening(rng: Random) -> tuple[dict[str, str], Code]:
    """The three models after an edit that lets more out, and what must be found of it."""
    edit, model, code = rng.choice(LOOSENING)
    queries = edit(Queries(), rng)
    for each in {model, rng.choice(list(COLUMNS))}:
        queries = dressed(queries, each, rng)
    return queries.sql(), code
