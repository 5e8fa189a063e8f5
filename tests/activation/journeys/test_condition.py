from datetime import date
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation.journeys import ConditionError, FieldType, holds, parse_condition
from tests.activation.journeys import hostile

FIELDS = {
    "status": FieldType.TEXT,
    "topic": FieldType.TEXT,
    "days": FieldType.INTEGER,
    "score": FieldType.INTEGER,
    "amount": FieldType.DECIMAL,
    "is_open": FieldType.BOOLEAN,
    "has_home": FieldType.BOOLEAN,
    "renews_on": FieldType.DATE,
    "seen_at": FieldType.INSTANT,
}

ACCEPTED = (
    "status = 'active' and days between 76 and 90",
    "status in ('open', 'in_review') and days between 3 and 6",
    "score in (1, 2) and amount <= 72",
    "is_open and not has_home and score = 0",
    "is_open is not true or has_home is false",
    "renews_on >= date '2026-01-31'",
    "status <> 'it''s over' and topic is not null",
    "(days > -5 or days < 3) and not (score is null)",
    "amount between 0.5 and 100.25",
    "seen_at is null",
    "status = topic",
    "status = 'naïve — ünïcode; -- /* not a comment */'",
    "STATUS = 'x'".lower(),
    "status not in ('a', 'b')",
    "days != 3 and is_open = true",
    "days = 1_000",
)

HOSTILE = (
    "",
    " ",
    "true",
    "1 = 1",
    "'a' = 'a'",
    "days",
    "status",
    "unknown = 1",
    "person_id = 'p_1'",
    "c.status = 'a'",
    "contexts.ctx_policy.status = 'a'",
    "\"status\" = 'a'",
    "`status` = 'a'",
    "[status] = 'a'",
    'status = "active"',
    "status = 'a'; drop table contexts.ctx_policy",
    "status = 'a';",
    "; status = 'a'",
    "status = 'a' -- and days = 1",
    "status = 'a' --",
    "status = 'a' /* hidden */",
    "status = 'a' # hidden",
    "status = 'a' or 1 = 1",
    "status = 'a' or true",
    "(select 1) = 1",
    "days = (select 1)",
    "days in (select days from contexts.ctx_claim)",
    "exists (select 1)",
    "days = any (select 1)",
    "days = all (array[1])",
    "days in [1, 2]",
    "days in (1, null)",
    "days in ()",
    "status in ('a', 1)",
    "status in (status, (select 1))",
    "read_csv('/etc/passwd') is not null",
    "status = read_text('/etc/passwd')",
    "status = getenv('HOME')",
    "status = current_setting('threads')",
    "status = version()",
    "status = current_user",
    "renews_on = current_date",
    "seen_at = now()",
    "seen_at < current_timestamp",
    "days = random()",
    "status = uuid()",
    "days = length(status)",
    "lower(status) = 'a'",
    "coalesce(days, 1) = 1",
    "nullif(days, 1) = 1",
    "if(is_open, true, false)",
    "case when is_open then true else false end",
    "sleep(10) = 1",
    "pragma_version() = 1",
    "query('select 1') = 1",
    "getvariable('x') = 1",
    "count(days) > 1",
    "sum(days) over () > 1",
    "row_number() over (order by days) = 1",
    "days = 1 + 1",
    "days - 1 = 1",
    "days * 2 = 1",
    "days / 0 = 1",
    "days % 2 = 1",
    "days ** 2 = 4",
    "days & 1 = 1",
    "days | 1 = 1",
    "days << 1 = 2",
    "~days = 1",
    "days = - - 1",
    "status || 'b' = 'ab'",
    "status like 'a%'",
    "status ilike 'a%'",
    "status similar to 'a'",
    "status ~ 'a'",
    "status glob 'a*'",
    "regexp_matches(status, '(a+)+$')",
    "status between 'a' and 'b' and sleep(1)",
    "days between symmetric 9 and 1",
    "days is distinct from 1",
    "days is not distinct from 1",
    "days is 1",
    "status is true",
    "days::varchar = '1'",
    "cast(days as varchar) = '1'",
    "try_cast(status as integer) = 1",
    "renews_on = cast(status as date)",
    "renews_on = date status",
    "renews_on = date '2026-02-30'",
    "renews_on = date '20260131'",
    "renews_on = date '2026-W01-1'",
    "renews_on = date '-infinity'",
    "renews_on = timestamp '2026-01-01'",
    "seen_at = timestamptz '2026-01-01'",
    "days = interval '1' day",
    "days = integer '1'",
    "days = varchar 'a'",
    "days = json '1'",
    "days = blob 'a'",
    "days = uuid '00000000-0000-0000-0000-000000000000'",
    "renews_on = '2026-01-01'",
    "status = 1",
    "days = 'a'",
    "days = 1.5",
    "days = 1e9",
    "days = 0x10",
    "days = 9999999999",
    "amount = 1.1234567",
    "amount = 'NaN'",
    "is_open = 1",
    "is_open = 'true'",
    "seen_at = seen_at or days = 'x'",
    "1 = days",
    "'a' = status",
    "days = days = days",
    "(days = 1) = true",
    "not days",
    "is_open and days",
    "days = :days",
    "days = ?",
    "days = $1",
    "days = {days}",
    "days = @days",
    "days = ${days}",
    "{{ days }} = 1",
    "{% raw %}days = 1{% endraw %}",
    "status = e'\\x41'",
    "status = 'a' 'b'",
    "status = b'1'",
    "status = x'41'",
    "status = n'a'",
    "status = u&'a'",
    "status = $$a$$",
    "status = 'unclosed",
    "status = 'a\x00b'",
    "status = 'a\nb'",
    "status = 'a\\'",
    "status = 'a\u202eb'",
    "status = 'a\u200bb'",
    "status = 'e\u0301'",
    "ѕtatus = 'a'",
    "status\u00a0= 'a'",
    "status \uff1d 'a'",
    "days \u2265 1",
    "status = \u2018a\u2019",
    "status = 'a'\x00",
    "status = 'a'\x0b",
    "status = 'a'\u2028or 1 = 1",
    "*",
    "columns('.*') = 1",
    "status.x = 1",
    "status[1] = 'a'",
    "[x for x in days] = 1",
    "days = list_sum([1])",
    "(days, score) = (1, 2)",
    "row(days) = row(1)",
    "struct_pack(a := 1).a = days",
    "days = 1 limit 1",
    "days = 1 order by days",
    "days = 1 union select 1",
    "days = 1 as x",
    "days = 1, days = 2",
    "select days = 1",
    "from contexts.ctx_policy",
    "drop table x",
    "attach 'x.db'",
    "copy x to 'y'",
    "install httpfs",
    "load httpfs",
    "set threads = 1",
    "pragma threads = 1",
    "call pragma_version()",
    "days collate nocase = 1",
    "status collate nocase = 'a'",
    "days at time zone 'UTC' = 1",
    "not " * 60 + "is_open",
    "(" * 60 + "is_open" + ")" * 60,
    "(" * 5_000,
    "days = 1 or " * 300 + "days = 1",
    "default = 1",
    "null",
    "null = days",
    "days = null",
    "days and null",
    "days xor score",
    "days = 1 and",
    "and days = 1",
    "days == == 1",
    "days => 1",
    "days = 1 within",
)


@pytest.mark.parametrize("text", ACCEPTED)
def test_a_plain_condition_is_accepted_and_runs(text: str) -> None:
    condition = parse_condition(text, FIELDS)
    columns = (
        "null::varchar as status, null::varchar as topic, 1::integer as days, 2::integer as score, "
        "1.5::decimal(18, 2) as amount, true as is_open, null::boolean as has_home, "
        "null::date as renews_on, null::timestamptz as seen_at"
    )
    sql = f"select {condition.sql(lambda name: f'c.{name}')} from (select {columns}) as c"
    with duckdb.connect() as connection:
        assert connection.execute(sql).fetchone() is not None


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_condition_is_refused_with_a_fix(text: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse_condition(text, FIELDS)
    assert caught.value.fix


def test_at_least_a_hundred_hostile_conditions_are_tried() -> None:
    assert len(set(HOSTILE)) >= 150


def test_the_error_does_not_repeat_the_values_of_the_condition() -> None:
    with pytest.raises(ConditionError) as caught:
        parse_condition("status = 4711 and topic = 'a secret'", FIELDS)
    assert "4711" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_the_fields_that_a_condition_reads_are_known() -> None:
    condition = parse_condition("status = 'a' and (days > 1 or score is null)", FIELDS)
    assert condition.fields == {"status", "days", "score"}


INTEGERS = st.sampled_from([None, -1, 0, 1, 2])
TEXTS = st.sampled_from([None, "", "a", "b", "it's", "é"])
ROWS = st.fixed_dictionaries(
    {
        "status": TEXTS,
        "topic": TEXTS,
        "days": INTEGERS,
        "score": INTEGERS,
        "amount": st.sampled_from([None, Decimal("0.00"), Decimal("1.50"), Decimal("2.00")]),
        "is_open": st.sampled_from([None, True, False]),
        "has_home": st.sampled_from([None, True, False]),
        "renews_on": st.sampled_from([None, date(2026, 1, 30), date(2026, 1, 31)]),
        "seen_at": st.none(),
    }
)
COMPARISONS = st.sampled_from(
    [
        "status = 'a'",
        "status <> topic",
        "status in ('a', 'it''s')",
        "status not in ('', 'é')",
        "topic >= 'b'",
        "days between 0 and 1",
        "days not between 0 and 1",
        "days < score",
        "score in (1, -1)",
        "amount > 1",
        "amount = 1.5",
        "is_open",
        "not has_home",
        "is_open is true",
        "has_home is not false",
        "is_open = has_home",
        "renews_on < date '2026-01-31'",
        "renews_on is null",
        "days is not null",
    ]
)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map(
            lambda parts: f"({''.join(parts)})"
        ),
        inner.map(lambda text: f"not ({text})"),
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(text=CONDITIONS, row=ROWS)
def test_python_and_sql_agree_on_every_condition(text: str, row: dict[str, object]) -> None:
    condition = parse_condition(text, FIELDS)
    types = (
        "?::varchar as status, ?::varchar as topic, ?::integer as days, ?::integer as score, "
        "?::decimal(18, 2) as amount, ?::boolean as is_open, ?::boolean as has_home, "
        "?::date as renews_on, ?::timestamptz as seen_at"
    )
    sql = condition.sql(lambda name: f'c."{name}"')
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select coalesce({sql}, false) from (select {types}) as c",
            [row[name] for name in FIELDS],
        ).fetchone()
    assert found == (holds(condition, row),)


@pytest.mark.parametrize(
    ("reason", "text"),
    [(reason, text) for reason, texts in hostile.CONDITIONS.items() for text in texts],
    ids=lambda value: value[:40].encode("ascii", "backslashreplace").decode(),
)
def test_a_condition_is_refused_because_of(reason: str, text: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse_condition(text, FIELDS)
    assert caught.value.fix, reason


def test_more_than_two_hundred_hostile_conditions_are_tried() -> None:
    by_reason = {text for texts in hostile.CONDITIONS.values() for text in texts}
    assert len(by_reason | set(HOSTILE)) >= 300
