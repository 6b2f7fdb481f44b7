"""V13: specification vectors; scipy's Welch test as oracle."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_ind

from evalkit.stats.gaps import Paired, base_adjusted_gap
from evalkit.stats.samples import floats


def table(both: int, only_new: int, only_ref: int, neither: int) -> Paired:
    new = [1] * both + [1] * only_new + [0] * only_ref + [0] * neither
    ref = [1] * both + [0] * only_new + [1] * only_ref + [0] * neither
    return Paired(floats(new), floats(ref))


@pytest.mark.parametrize(
    ("train", "test", "expected"),
    [
        (
            (90, 90, 2, 18),
            (80, 50, 10, 60),
            (0.25, 0.01, 0.24, 0.051432, 397.941177, 0.155205, 0.324795, 1.519421, 1.048784),
        ),
        (
            (18, 92, 2, 88),
            (7, 69, 1, 123),
            (0.17, 0.06, 0.11, 0.050221, 396.276466, 0.027201, 0.192799, -0.258043, -0.951464),
        ),
        (
            (140, 170, 20, 170),
            (120, 185, 25, 170),
            (0.01, 0.03, -0.02, 0.034895, 995.944971, -0.07745, 0.03745, -0.099086, -0.355761),
        ),
        (
            (80, 70, 10, 40),
            (78, 50, 14, 58),
            (0.11, -0.01, 0.12, 0.0548, 397.441596, 0.029652, 0.210348, 0.559772, 0.160436),
        ),
    ],
)
def test_v13(
    train: tuple[int, int, int, int],
    test: tuple[int, int, int, int],
    expected: tuple[float, ...],
) -> None:
    g = base_adjusted_gap(table(*train), table(*test))
    found = (g.raw, g.base, g.gap, g.se, g.df, g.low, g.high, g.logit_gap, g.logit_low)
    assert found == pytest.approx(expected, abs=1e-6)


def test_points_agree_with_welch() -> None:
    train, test = table(90, 90, 2, 18), table(80, 50, 10, 60)
    theirs = ttest_ind(
        train.new - train.ref, test.new - test.ref, equal_var=False, alternative="greater"
    )
    found = base_adjusted_gap(train, test)
    bounds = ttest_ind(
        train.new - train.ref, test.new - test.ref, equal_var=False
    ).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high))
    assert found.p >= theirs.pvalue - 1e-15


def test_the_larger_p_of_the_two_scales_counts() -> None:
    """V13b: clear in points, absent in log-odds."""
    found = base_adjusted_gap(table(18, 92, 2, 88), table(7, 69, 1, 123))
    assert found.low > 0 > found.logit_low
    assert found.p > 0.5


def test_a_side_against_itself_has_no_gap_but_an_honest_width() -> None:
    x = floats([0, 1] * 100)
    found = base_adjusted_gap(Paired(x, x), Paired(x, x))
    assert found.gap == 0
    assert -0.03 < found.low < 0 < found.high < 0.03
    assert found.p >= 0.5


def test_learnt_by_heart_without_any_variance() -> None:
    n = 100
    train = Paired(np.ones(n), np.zeros(n))
    test = Paired(floats([1] * 9 + [0] * 91), np.zeros(n))
    found = base_adjusted_gap(train, test)
    assert found.gap == pytest.approx(0.91)
    assert found.low > 0.8
    assert found.logit_low > 0
    assert found.p < 1e-6


def test_clusters_widen() -> None:
    rng = np.random.default_rng(3)
    values = rng.random(30).repeat(5)
    alone = Paired(values, np.zeros(150))
    clustered = Paired(values, np.zeros(150), np.arange(30).repeat(5))
    other = Paired(values[::-1], np.zeros(150))
    assert clustered.units == 30
    assert base_adjusted_gap(clustered, other).se > base_adjusted_gap(alone, other).se


def test_a_floor_is_no_difference_however_unequal_the_samples() -> None:
    """Smoothing each sample by its own n would give .5/61 and .5/301: 1.6 logits of nothing."""
    train = Paired(floats([1] * 54 + [0] * 6), np.zeros(60))
    test = Paired(floats([1] * 210 + [0] * 90), np.zeros(300))
    found = base_adjusted_gap(train, test)
    assert found.gap == pytest.approx(0.2)
    assert found.logit_gap == pytest.approx(np.log(0.9 / 0.1) - np.log(0.7 / 0.3), abs=0.1)
    assert found.p < 0.01


@pytest.mark.parametrize("base", [0.0, 0.05, 0.3])
def test_honest_gaps_are_rarely_significant_in_unequal_samples(base: float) -> None:
    rng = np.random.default_rng(21)

    def draw(n: int) -> Paired:
        return Paired(floats(rng.random(n) < 0.7), floats(rng.random(n) < base))

    found = [base_adjusted_gap(draw(60), draw(300)).p <= 0.05 for _ in range(200)]
    assert sum(found) <= 19  # 10 expected; 19 is 3 standard deviations more


@pytest.mark.parametrize("wrong", [0, 1, 2, 20, 150])
def test_the_smoothed_bound_has_the_width_of_smoothed_log_odds(wrong: int) -> None:
    """Haldane and Anscombe: variance 1 / (right + 1/2) + 1 / (wrong + 1/2) of each mean."""
    n = 300
    train = Paired(np.ones(n), floats([0, 1] * (n // 2)))
    rng = np.random.default_rng(0)  # paired at random, so that covariances vanish
    new = rng.permutation(floats([0] * wrong + [1] * (n - wrong)))
    test = Paired(new, floats([0, 1] * (n // 2)))
    found = base_adjusted_gap(train, test)
    variance = sum(1 / (right + 0.5) + 1 / (n - right + 0.5) for right in (n, n - wrong, 150, 150))
    width = (found.logit_gap - found.logit_low_smoothed) / 1.645
    assert width == pytest.approx(math.sqrt(variance), rel=0.03)


def test_a_sample_without_a_mistake_is_not_taken_for_certain() -> None:
    """All of 300 right against 298 of 300: too little to tell even odds from uneven ones."""
    n = 300
    train = Paired(np.ones(n), np.zeros(n))
    test = Paired(floats([0, 0] + [1] * (n - 2)), np.zeros(n))
    found = base_adjusted_gap(train, test)
    assert found.logit_low_smoothed < 0 < found.logit_low
