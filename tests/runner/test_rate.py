"""What an endpoint grants, found out by trying; against servers that count, see `test_limiter`."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from evalkit.runner.rate import LEAST, SPAN, Rate


def asked(rate: Rate, seconds: float, refused: float = 0.0, every: float = 0.1) -> float:
    """Ask evenly for so long, a share of it in vain; return the end."""
    dice, now, order = random.Random(0), 0.0, 0
    while now < seconds:
        now += max(every, rate.wait(now))
        rate.sent(now)
        order += 1
        if dice.random() < refused:
            rate.refused(order, order, now)
        else:
            rate.answered(now)
    return now


def flood(rate: Rate, order: int, now: float) -> None:
    """So many refusals that they are those of a limit, all of one moment."""
    for _ in range(40):
        rate.refused(order, order + 1, now)


@given(st.floats(0.0, 0.1))
def test_few_refusals_change_nothing(share: float) -> None:
    rate = Rate()
    assert asked(rate, 120.0, share) < 120.2
    assert rate.wait(120.2) == 0.0


def gap(rate: Rate, now: float) -> float:
    """Seconds from one request to the next."""
    rate.sent(now)
    rate.sent(now)
    return rate.wait(now)


def test_what_was_granted_is_what_is_asked_for() -> None:
    rate = Rate()
    now = asked(rate, 120.0, every=0.5)
    assert gap(rate, now) == 0.0
    flood(rate, 1000, now)
    assert 0.5 < gap(rate, now) < 0.53


def test_it_is_asked_faster_bit_by_bit_and_much_faster_when_the_limit_has_gone() -> None:
    rate = Rate()
    now = asked(rate, 120.0, every=0.5)
    flood(rate, 1000, now)
    first, second, third = (gap(rate, now + later) for later in (0, 30, 300))
    assert 0.95 < second / first < 0.98
    assert third < second / 2


def test_all_that_is_refused_at_once_is_one_refusal() -> None:
    one, many = Rate(), Rate()
    for rate in (one, many):
        now = asked(rate, 120.0, every=0.5)
        flood(rate, 1000, now)
    for _ in range(100):
        many.refused(999, 1001, now + 5)  # sent before the limit was known
    assert gap(one, now + 5) == gap(many, now + 5) > 0


def test_however_much_is_refused_half_of_the_best_minute_is_asked_for() -> None:
    rate = Rate()
    now = asked(rate, SPAN + 1.0)
    flood(rate, 1000, now)
    for i in range(240):
        now += 0.5
        rate.answered(now)
        flood(rate, 2000 + i, now)
    assert 0.09 / LEAST < gap(rate, now) < 0.11 / LEAST


def test_a_server_that_answers_nobody_tells_no_limit() -> None:
    rate = Rate()
    rate.sent(0.0)
    for now in range(1, 30):
        flood(rate, 1000 + now, float(now))
    assert gap(rate, 30.0) == 0.0
