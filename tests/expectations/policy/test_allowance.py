"""Allowances of two revisions: what lets more happen is told, whatever it is; nothing else is."""

from collections.abc import Mapping
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from expectations.policy.allowance import Allowance, looser

_words = st.frozensets(st.sampled_from("ab"))
_bounds = st.dictionaries(st.sampled_from("xy"), st.integers(0, 2))
_PARTS: Mapping[str, st.SearchStrategy[object]] = {
    "named": st.dictionaries(st.just("x"), st.sampled_from("ab")),
    "allowed": st.fixed_dictionaries({"x": st.none() | _words, "y": _words}),
    "asked": st.fixed_dictionaries({"x": _words}),
    "most": _bounds,
    "least": _bounds,
    "until": st.dictionaries(st.sampled_from("xy"), st.dates(date(2027, 1, 1), date(2027, 1, 3))),
    "silent": st.fixed_dictionaries({"x": st.frozensets(st.integers(0, 3))}),
}
allowances = st.fixed_dictionaries(dict(_PARTS)).map(lambda parts: Allowance(**parts))  # type: ignore[arg-type]


def told(before: Allowance | None, after: Allowance | None) -> list[str]:
    """What is said of one name that stands in both, or in one."""
    first = {} if before is None else {"it": before}
    second = {} if after is None else {"it": after}
    return [how for _, words in looser(first, second) for how in words]


@given(allowances)
def test_nothing_is_looser_than_itself(one: Allowance) -> None:
    assert told(one, one) == []


@given(allowances, allowances, allowances)
def test_steps_that_loosen_nothing_loosen_nothing_together(
    a: Allowance, b: Allowance, c: Allowance
) -> None:
    if told(a, c):
        assert told(a, b) or told(b, c)


@given(allowances, allowances)
def test_a_difference_is_looser_one_way_or_the_other(a: Allowance, b: Allowance) -> None:
    if a != b:
        assert told(a, b) or told(b, a)


@given(allowances, st.sampled_from(sorted(_PARTS)), st.data())
def test_a_part_that_is_looser_is_told_whatever_else_changes(
    one: Allowance, part: str, data: st.DataObject
) -> None:
    other = Allowance(**{part: data.draw(_PARTS[part])})  # type: ignore[arg-type]
    alone = told(Allowance(**{part: getattr(one, part)}), other)
    changed = data.draw(allowances)
    together = Allowance(**{**vars(changed), part: getattr(other, part)})
    assert set(alone) <= set(told(one, together))


@given(allowances)
def test_a_permission_is_told_when_it_is_new_and_a_limit_when_it_is_gone(one: Allowance) -> None:
    limit = Allowance(most=one.most, is_limit=True)
    assert told(None, one)[0].startswith("is new")
    assert told(one, None) == []
    assert told(limit, None) == ["holds no more"]
    assert told(None, limit) == []


def test_minutes_are_told_as_hours() -> None:
    night = frozenset({*range(1200, 1440), *range(480)})
    later = night - set(range(1200, 1290)) - set(range(420, 480))
    assert told(Allowance(silent={"sms": night}), Allowance(silent={"sms": later})) == [
        "sms is no longer silent from 07:00 to 08:00, from 20:00 to 21:30"
    ]


def test_midnight_ends_a_day() -> None:
    last = Allowance(silent={"sms": frozenset({1439})})
    assert told(last, Allowance(silent={"sms": frozenset()})) == [
        "sms is no longer silent from 23:59 to 00:00"
    ]
