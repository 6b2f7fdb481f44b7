"""V1 to V3: specification vectors; scipy and statsmodels as oracles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, t
from statsmodels.stats.proportion import proportion_confint

from evalkit.stats.decisions import estimate_decision
from evalkit.stats.intervals import (
    Interval,
    constant_half_width,
    constant_p_below,
    effective_n,
    estimate_interval,
    score_interval,
    t_interval,
    wilson,
)
from evalkit.stats.samples import DECISION, codes, floats, mean

X = floats([1, 0.5, 0, 0.8, 1, 0.6, 0.25, 1, 0, 0.9])
CLUSTERS = codes([1, 1, 1, 2, 2, 3, 3, 4, 4, 4])


@pytest.mark.parametrize(
    ("k", "n", "low", "high"), [(81, 100, 0.722212, 0.874852), (30, 30, 0.886487, 1.0)]
)
def test_wilson_v1(k: int, n: int, low: float, high: float) -> None:
    found = wilson(k / n, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)


@given(st.integers(1, 300), st.data())
def test_wilson_agrees_with_scipy_and_statsmodels(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    found = wilson(k / n, n)
    theirs = binomtest(k, n).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert (found.low, found.high) == pytest.approx(
        proportion_confint(k, n, method="wilson"), abs=1e-9
    )


def test_fractional_values_v2() -> None:
    found = score_interval(X)
    assert mean(X).value == pytest.approx(0.605, abs=1e-6)
    assert effective_n(X) == pytest.approx(11.041396, abs=1e-6)
    assert (found.low, found.high) == pytest.approx((0.328064, 0.827732), abs=1e-6)


def test_clustered_values_v3() -> None:
    found = score_interval(X, CLUSTERS)
    assert mean(X, CLUSTERS).se == pytest.approx(0.088253, abs=1e-6)
    assert effective_n(X, CLUSTERS) == pytest.approx(11.637598, abs=1e-6)
    assert (found.low, found.high) == pytest.approx((0.334022, 0.823862), abs=1e-6)


@given(st.lists(st.booleans(), min_size=1, max_size=80))
def test_zeros_and_ones_count_themselves(values: list[bool]) -> None:
    assert effective_n(floats(values)) == len(values)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.sampled_from([0.9, 0.95]))
def test_score_interval_holds_the_mean_and_stays_in_the_unit_interval(
    values: list[float], level: float
) -> None:
    x = floats(values)
    found = score_interval(x, level=level)
    assert 0 <= found.low <= x.mean() + 1e-12
    assert x.mean() - 1e-12 <= found.high <= 1


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20), st.randoms())
def test_order_is_irrelevant(values: list[float], random: object) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    a, b = score_interval(floats(values)), score_interval(floats(shuffled))
    assert (a.low, a.high) == pytest.approx((b.low, b.high), abs=1e-9)


def test_a_single_unit_is_one_observation_however_many_values_it_has() -> None:
    found = score_interval(floats([0.2, 0.6]), np.array([0, 0]))
    assert (found.low, found.high) == pytest.approx(
        (wilson(0.4, 1).low, wilson(0.4, 1).high), abs=1e-12
    )


def test_t_interval_agrees_with_scipy() -> None:
    x = floats([3, 9, 4, 7, 12])
    found = t_interval(x)
    theirs = t.interval(0.95, 4, x.mean(), x.std(ddof=1) / math.sqrt(5))
    assert (found.low, found.high) == pytest.approx(theirs, abs=1e-9)
    assert math.isnan(t_interval(floats([3])).low)


def test_clipping_keeps_an_interval_an_interval() -> None:
    assert Interval(-2.0, 0.5).clipped(-1.0, 1.0) == Interval(-1.0, 0.5)
    assert Interval(1.5, 2.0).clipped(-1.0, 1.0) == Interval(1.0, 1.0)


@given(st.floats(-0.9, 0.9), st.integers(1, 500))
def test_constant_differences_have_one_rule_for_width_and_p(distance: float, units: int) -> None:
    p = constant_p_below(distance, units)
    assert p == pytest.approx(1 - constant_p_below(-distance, units))
    if abs(distance) > 1e-3 and 1e-6 < p < 0.5:
        # The one-sided p is .05 exactly where the 90 % interval touches zero, and so on.
        assert abs(distance) == pytest.approx(constant_half_width(units, 1 - 2 * p), rel=1e-6)


def test_a_certain_loss_is_certain() -> None:
    assert constant_p_below(-1.0, 10) == 0.0
    assert constant_p_below(1.0, 10) == 1.0


@given(st.floats(-0.2, 0.2), st.one_of(st.just(0.0), st.floats(0.001, 0.2)), st.integers(2, 500))
def test_an_interval_of_an_estimate_is_the_picture_of_its_tests(
    value: float, se: float, units: int
) -> None:
    bounds = estimate_interval(value, se, units, DECISION)
    if se:
        worse = estimate_decision(value, se, units, margin=0.05).worse
    else:
        worse = constant_p_below(value, units)
    assert abs(worse - 0.05) < 1e-9 or (bounds.high < 0) == (worse < 0.05)
    assert estimate_interval(value, se, 1) == Interval(-1.0, 1.0)
