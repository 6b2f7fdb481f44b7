from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.models import Allowance
from evalkit.runner.meter import Meter


def told(remaining: int, reset: float, limit: int = 100) -> Allowance:
    return Allowance("requests", limit, remaining, reset)


def test_a_window_grants_nothing_more_until_it_starts_anew() -> None:
    meter = Meter(told(80, 50.0), at=10.0, order=0)
    meter.tell(told(5, 40.0), at=20.0, order=1)
    assert not meter.refills
    assert meter.wait(1, 4, now=20.0) == 0
    assert meter.wait(1, 5, now=20.0) == 40.0
    assert meter.wait(1, 5, now=50.0) == 10.0
    assert meter.wait(1, 5, now=60.0) == 0
    assert meter.left(60.0) == 100


def test_a_bucket_is_known_by_its_reset_and_refills_evenly() -> None:
    meter = Meter(told(90, 6.0), at=0.0, order=0)
    meter.tell(told(0, 60.0), at=1.0, order=1)
    assert meter.refills
    assert meter.left(31.0) == pytest.approx(50)
    assert meter.wait(1, 0, now=1.0) == pytest.approx(0.6)
    assert meter.wait(10, 5, now=1.0) == pytest.approx(9.0)


def test_a_limit_that_changes_tells_nothing_of_how_it_is_counted() -> None:
    meter = Meter(told(50, 30.0), at=0.0, order=0)
    meter.tell(told(900, 60.0, limit=1000), at=1.0, order=1)  # twice as much used, twice the reset
    assert not meter.refills


def test_an_older_request_that_comes_back_late_says_nothing_new() -> None:
    meter = Meter(told(10, 50.0), at=0.0, order=7)
    meter.tell(told(60, 50.0), at=1.0, order=3)
    assert meter.left(1.0) == 10


def test_what_is_more_than_everything_waits_for_everything() -> None:
    meter = Meter(told(40, 30.0), at=0.0, order=0)
    assert meter.wait(5000, 0, now=0.0) == 30.0
    assert meter.wait(5000, 0, now=30.0) == 0


@pytest.mark.parametrize("refills", [False, True])
@given(
    limit=st.integers(1, 1000),
    remaining=st.integers(0, 1000),
    reset=st.floats(0, 1e5),
    elapsed=st.floats(0, 1e5),
)
def test_after_its_wait_a_request_may_go(
    *, refills: bool, limit: int, remaining: int, reset: float, elapsed: float
) -> None:
    meter = Meter(told(min(limit, remaining), reset, limit), at=0.0, order=0, refills=refills)
    wait = meter.wait(1, 3, elapsed)
    assert wait >= 0
    assert meter.wait(1, 3, elapsed + wait * 1.000001 + 1e-6) == pytest.approx(0, abs=1e-6)
