"""V6, V16: specification vectors; scipy's permutation test as oracle of the sign flip."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test, ttest_1samp

from evalkit.stats.binary import tango_interval
from evalkit.stats.paired import (
    Alternative,
    difference_interval,
    p_below,
    sign_flip,
    standard_error,
)
from evalkit.stats.samples import codes, floats, mean, rng

D = floats([0.10, -0.25, 0, 0.05, -0.40, -0.15, 0, -0.30, 0.20, -0.10, -0.05, -0.35])
SPARSE = floats([0.1] * 3 + [-0.2] * 4 + [0.0] * 23)
DIFFERENCES = st.lists(st.floats(-1, 1), min_size=1, max_size=40)


def test_fractional_differences_v6() -> None:
    found = difference_interval(D)
    assert (mean(D).value, mean(D).se) == pytest.approx((-0.104167, 0.054515), abs=1e-6)
    assert (found.low, found.high) == pytest.approx((-0.224154, 0.015820), abs=1e-6)
    assert sign_flip(D, rng("v6")) == pytest.approx(0.097656, abs=1e-6)
    assert sign_flip(D, rng("v6"), alternative="less") == pytest.approx(0.048828, abs=1e-6)
    assert p_below(D) == pytest.approx(0.041216, abs=1e-6)
    assert 1 - p_below(D, null=-0.05) == pytest.approx(0.829116, abs=1e-6)


def test_sparse_differences_get_pseudo_units_v6b() -> None:
    found = difference_interval(SPARSE)
    assert mean(SPARSE).value == pytest.approx(-0.016667, abs=1e-6)
    assert (found.low, found.high) == pytest.approx((-0.110039, 0.078789), abs=1e-6)


def test_difference_of_differences_v16() -> None:
    tuned = floats([1, 1, 1, 0, 1, 1, 0, 1]) - floats([0.5, 0, 1, 0, 0.5, 0, 0, 0.5])
    base = floats([1, 0, 1, 0, 0, 1, 0, 1]) - floats([1, 0, 0.5, 0, 0, 0.5, 0, 1])
    d = tuned - base

    found = difference_interval(d, level=0.9)

    assert d.mean() == pytest.approx(0.3125)
    assert (found.low, found.high) == pytest.approx((-0.110717, 0.610717), abs=1e-6)
    assert sign_flip(d, rng("v16"), alternative="greater") == pytest.approx(0.09375, abs=1e-6)


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_sign_flip_agrees_with_scipy(alternative: Alternative) -> None:
    theirs = permutation_test(
        (D[D != 0],),
        np.mean,
        permutation_type="samples",
        alternative=alternative,
        n_resamples=100_000,
    )
    ours = sign_flip(D, rng("x"), alternative=alternative)
    assert ours == pytest.approx(theirs.pvalue, abs=1e-12)


def test_drawn_sign_flips_agree_with_listed_ones() -> None:
    d = np.concatenate([D, D / 2, -D / 3])  # 30 nonzero units: too many to list
    exact = permutation_test(
        (d[d != 0],), np.mean, permutation_type="samples", n_resamples=50_000, rng=1
    )
    assert sign_flip(d, rng("x")) == pytest.approx(exact.pvalue, abs=0.01)


def test_clusters_flip_together() -> None:
    d = floats([0.5] * 12)
    assert sign_flip(d, rng("x")) == pytest.approx(2 / 2**12)
    assert sign_flip(d, rng("x"), np.arange(12) // 4) == pytest.approx(2 / 2**3)


def test_nothing_differs() -> None:
    assert sign_flip(np.zeros(9), rng("x")) == 1.0
    found, tango = difference_interval(np.zeros(100)), tango_interval(0, 0, 100)
    assert (found.low, found.high) == pytest.approx((tango.low, tango.high), abs=1e-6)
    assert p_below(np.zeros(9)) == pytest.approx(0.5)


def test_p_below_is_the_one_sided_t_test_where_nothing_special_happens() -> None:
    assert p_below(D) == pytest.approx(ttest_1samp(D, 0, alternative="less").pvalue)


@given(DIFFERENCES)
def test_interval_mirrors(values: list[float]) -> None:
    d = floats(values)
    a, b = difference_interval(d), difference_interval(-d)
    assert (a.low, a.high) == pytest.approx((-b.high, -b.low), abs=1e-9)
    assert -1 <= a.low <= a.high <= 1


@given(DIFFERENCES, st.integers(0, 9))
def test_p_values_mirror(values: list[float], seed: int) -> None:
    d = floats(values)
    assert p_below(d) == pytest.approx(1 - p_below(-d), abs=1e-9)
    assert sign_flip(d, rng("x", seed)) == sign_flip(-d, rng("x", seed))


def test_one_sided_p_and_interval_agree_also_for_sparse_and_constant_differences() -> None:
    for d in (D, SPARSE, np.full(30, -0.05), np.full(30, 0.2)):
        high = difference_interval(d, level=0.9).high
        assert p_below(d, null=high) == pytest.approx(0.05, abs=1e-9)


def test_descriptions_have_no_scale() -> None:
    words = floats([3, 12, -5, 8, 1, 0])
    found = difference_interval(words, bounded=False)
    theirs = ttest_1samp(words, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
    assert p_below(words, bounded=False) == pytest.approx(
        ttest_1samp(words, 0, alternative="less").pvalue
    )
    assert p_below(np.full(5, -3.0), bounded=False) == 1.0
    assert math.isnan(difference_interval(floats([3.0]), bounded=False).low)


def test_pseudo_units_are_units_of_their_own_beside_clusters() -> None:
    d = floats([0.5, 0.5, 0, 0, 0, 0])
    singles, clustered = difference_interval(d), difference_interval(d, codes([1, 1, 2, 2, 3, 3]))
    assert clustered.high - clustered.low > singles.high - singles.low


def test_the_standard_error_of_a_mean_difference_is_never_nothing() -> None:
    d = np.linspace(-0.5, 0.4, 40)
    assert standard_error(d) == pytest.approx(d.std(ddof=1) / math.sqrt(40))
    clusters = codes([i // 2 for i in range(40)])
    assert standard_error(d, clusters) == pytest.approx(mean(d, clusters).se)
    z2 = 1.6448536**2
    assert standard_error(np.zeros(20)) == pytest.approx(math.sqrt(z2) / (20 + z2))
    sparse = np.zeros(100)
    sparse[0] = -1.0
    assert standard_error(sparse) > mean(sparse).se
