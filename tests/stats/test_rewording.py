"""V16: specification vector; and the second scale, which the specification lacks."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.stats.rewording import Asked, Excess, excess_cost
from evalkit.stats.samples import FloatArray, floats, rng

Generator = np.random.Generator


def asked(original: FloatArray, reworded: FloatArray, chance: float = 0.0) -> Asked:
    return Asked(original, reworded, np.full(original.size, chance))


def test_v16() -> None:
    tuned = asked(floats([1, 1, 1, 0, 1, 1, 0, 1]), floats([0.5, 0, 1, 0, 0.5, 0, 0, 0.5]))
    base = asked(floats([1, 0, 1, 0, 0, 1, 0, 1]), floats([1, 0, 0.5, 0, 0, 0.5, 0, 1]))
    found = excess_cost(tuned, base, rng("v16"))
    assert found.value == pytest.approx(0.3125)
    assert (found.low, found.high) == pytest.approx((-0.110717, 0.610717), abs=1e-6)
    assert found.p_points == pytest.approx(0.09375)


def compared(tuned: tuple[float, float], base: tuple[float, float], n: int = 200) -> Excess:
    """Models of known rates on original and reworded prompts, each a fixed share of the prompts."""
    order = np.random.default_rng(3).permutation(n)

    def side(rates: tuple[float, float], shift: int) -> Asked:
        first, second = (np.roll(order, shift) < rate * n for rate in rates)
        return asked(floats(first), floats(second))

    return excess_cost(side(tuned, 0), side(base, 7), rng("rates"))


def test_a_base_without_skill_convicts_nobody() -> None:
    found = compared(tuned=(0.9, 0.5), base=(0.0, 0.0))
    assert found.low > 0.3
    assert found.p_points < 0.001
    assert found.p_share == pytest.approx(0.5)


def test_nor_does_one_that_only_guesses() -> None:
    n = 200
    guesses = floats(np.arange(n) % 5 == 0)  # one class of five, whatever is asked
    tuned = asked(floats(np.arange(n) < 180), floats(np.arange(n) < 100), chance=0.2)
    base = asked(guesses, guesses, chance=0.2)
    assert excess_cost(tuned, base, rng("guess")).p > 0.4
    knowing = asked(guesses, guesses, chance=0.0)  # the same answers, but not by chance
    assert excess_cost(tuned, knowing, rng("guess")).p < 0.001


def test_equal_shares_are_no_excess_and_unequal_ones_are() -> None:
    assert compared(tuned=(0.8, 0.4), base=(0.4, 0.2)).p > 0.3
    assert compared(tuned=(0.8, 0.4), base=(0.6, 0.6)).p < 0.001


def test_certainty_needs_more_than_a_few_equal_prompts() -> None:
    ones, zeros = np.ones(5), np.zeros(5)
    few = excess_cost(asked(ones, zeros), asked(ones, ones), rng("few"))
    assert few.p == pytest.approx(1 / 32)  # of the sign flip; all differences are 1
    assert few.low < 1
    none = excess_cost(asked(ones, ones), asked(ones, ones), rng("none"))
    assert (none.value, none.p_points) == (0.0, 1.0)


def test_clusters_weigh_as_one() -> None:
    rng_ = np.random.default_rng(4)
    original, reworded = floats(rng_.random(60) < 0.8), floats(rng_.random(60) < 0.6)
    base = floats(rng_.random(60) < 0.6)
    single = excess_cost(asked(original, reworded), asked(base, base), rng("c"))
    copies = np.repeat(np.arange(60), 3).astype(np.intp)
    thrice = [np.repeat(x, 3) for x in (original, reworded, base)]
    found = excess_cost(
        asked(thrice[0], thrice[1]), asked(thrice[2], thrice[2]), rng("c"), clusters=copies
    )
    assert (found.low, found.high, found.p_share) == pytest.approx(
        (single.low, single.high, single.p_share)
    )
