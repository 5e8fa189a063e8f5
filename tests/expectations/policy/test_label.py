"""The lattice of labels: joining restricts, and the order of joining does not matter."""

from hypothesis import given
from hypothesis import strategies as st

from expectations.policy.label import UNRESTRICTED, Label, is_within, join_all

_keys = st.frozensets(st.sampled_from(["a", "b", "c"]))
labels = st.builds(
    Label,
    categories=_keys,
    origin=_keys,
    residency=st.none() | _keys,
    purposes=st.none() | _keys,
    retention_days=st.none() | st.integers(0, 3),
)


@given(labels, labels, labels)
def test_joining_is_associative_commutative_and_idempotent(a: Label, b: Label, c: Label) -> None:
    assert a.join(b) == b.join(a)
    assert a.join(b).join(c) == a.join(b.join(c))
    assert a.join(a) == a


@given(st.lists(labels))
def test_a_join_is_as_restrictive_as_each_of_its_parts(parts: list[Label]) -> None:
    joined = join_all(parts)
    assert all(joined.is_as_restrictive_as(part) for part in [*parts, UNRESTRICTED])


def test_no_purpose_left_is_not_the_same_as_every_purpose() -> None:
    disjoint = Label(purposes=frozenset("a")).join(Label(purposes=frozenset("b")))
    assert disjoint.purposes == frozenset()
    assert not UNRESTRICTED.is_as_restrictive_as(disjoint)


def test_a_category_is_within_its_ancestors_by_whole_words() -> None:
    assert is_within("user.contact.email", "user.contact")
    assert not is_within("user.contacts", "user.contact")
