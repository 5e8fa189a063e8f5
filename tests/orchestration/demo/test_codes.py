"""Identifiers and streams: never twice the same, and independent of each other."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from orchestration.demo.codes import codes, scramble, serials
from orchestration.demo.streams import Streams


@given(first=st.integers(1, 12), second=st.integers(1, 12), secret=st.integers(0, 2**64 - 1))
def test_scrambling_gives_every_number_of_its_space_once(
    first: int, second: int, secret: int
) -> None:
    numbers = np.arange(first * second, dtype=np.int64)
    scrambled = scramble(numbers, (first, second), secret)
    assert sorted(scrambled.tolist()) == numbers.tolist()


def test_codes_of_different_days_never_meet() -> None:
    given_out = [
        code
        for day in range(4)
        for code in codes(
            1, "customer", serials(day, 5_000), prefix="", width=10, base=10
        ).to_pylist()
    ]
    assert len(set(given_out)) == 20_000
    assert any(code.startswith("0") for code in given_out)


def test_a_draw_from_one_stream_changes_no_other() -> None:
    streams = Streams(1)
    before = streams.stream("crm", "phone").random(3).tolist()
    streams.stream("crm", "e-mail").random(100)
    assert streams.stream("crm", "phone").random(3).tolist() == before
    assert streams.under("crm").stream("phone").random(3).tolist() == before
    assert Streams(2).stream("crm", "phone").random(3).tolist() != before
