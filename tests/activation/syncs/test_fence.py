"""The first promise, under fire: nothing is sent to whom withdrew, however the processes race."""

import pytest

from tests.activation.syncs.fence import Plan, race


def test_no_intent_is_recorded_after_a_withdrawal_committed_though_syncs_are_killed(
    store_url: str,
) -> None:
    result = race(
        Plan(store_url, persons=300, withdrawing=150, pause=0.04, seed=20261120), kill_every=2.0
    )
    assert result.violations == 0
    assert result.withdrawals == 150
    assert result.raced >= 100, f"too few withdrawals met a running sync: {result}"


def test_the_harness_finds_an_engine_that_asks_the_ledger_only_once(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('unfenced') / 'assent.sqlite'}"
    plan = Plan(url, persons=400, withdrawing=100, pause=0.02, seed=7, unfenced=True)
    assert race(plan, kill_every=60.0).violations > 0
