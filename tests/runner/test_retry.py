from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.runner.retry import Budget, Retry
from evalkit.schema import Failure, FailureKind

BUSY = Failure("server", "busy", retryable=True)
GONE = Failure("connection", "nobody there", retryable=True)
LIMIT = Failure("rate_limit", "slow down", retryable=True)


def delays(retry: Retry, failure: Failure) -> list[float]:
    budget = Budget(retry)
    found = []
    while (delay := budget.next_delay(failure)) is not None:
        found.append(delay)
    return found


@given(st.integers(1, 12), st.floats(0.01, 2), st.floats(0.01, 100))
def test_waits_double_up_to_the_longest(attempts: int, first: float, longest: float) -> None:
    found = delays(Retry(attempts=attempts, first=first, longest=longest), BUSY)
    assert len(found) == attempts - 1
    for i, delay in enumerate(found):
        assert 0 <= delay <= min(longest, first * 2**i)


def test_what_cannot_help_is_not_repeated() -> None:
    assert delays(Retry(), Failure("refused", "no")) == []
    assert delays(Retry(), Failure("auth", "no", retryable=True, fatal=True)) == []


def test_who_has_no_time_does_not_wait_for_a_late_answer_twice() -> None:
    late = Failure("timeout", "late", retryable=True)
    assert len(delays(Retry(attempts=3), late)) == 2
    assert delays(Retry(attempts=3, after_timeout=False), late) == []
    assert len(delays(Retry(attempts=3, after_timeout=False), BUSY)) == 2


def test_rate_limits_cost_patience_not_attempts() -> None:
    found = delays(Retry(attempts=1, patience=30.0, first=0.5, longest=2.0), LIMIT)
    assert len(found) > 10
    assert 30.0 <= sum(found) <= 32.0


def test_an_outage_costs_no_attempts() -> None:
    budget = Budget(Retry(attempts=3, patience=0.0, first=0.5, longest=2.0))
    assert budget.next_delay(GONE) is not None
    found = [budget.next_delay(GONE, outage=True) for _ in range(50)]
    assert all(delay is not None and 0 <= delay <= 2.0 for delay in found)
    assert budget.next_delay(GONE) is not None
    assert budget.next_delay(GONE) is None


@pytest.mark.parametrize("kind", ["rate_limit", "server"])
@pytest.mark.parametrize("seconds", [7.0, 86_400.0])
def test_the_server_says_how_long_whatever_the_patience(kind: FailureKind, seconds: float) -> None:
    asks = Failure(kind, "slow down", retryable=True, retry_after=seconds)
    found = delays(Retry(attempts=4, patience=20.0), asks)
    assert len(found) == 3
    assert all(seconds <= delay <= seconds + 1 for delay in found)
    assert len(set(found)) == 3  # or all would come back at once
