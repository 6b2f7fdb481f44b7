"""Intervals of one mean: Wilson on the effective sample size, and Student's t."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evalkit.stats.quantiles import t_two_sided, z_cdf, z_two_sided
from evalkit.stats.samples import CONFIDENCE, Clusters, FloatArray, mean


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds of a confidence interval; NaN where there is no telling."""

    low: float
    high: float

    def clipped(self, low: float, high: float) -> Interval:
        """The part of the interval that lies in [low, high]."""
        return Interval(min(max(self.low, low), high), max(min(self.high, high), low))


def wilson(m: float, n: float, level: float = CONFIDENCE) -> Interval:
    """Wilson's score interval of a mean m in [0, 1] over n (possibly effective) 0/1 values.

    Source: Wilson 1927; statsmodels calls it `proportion_confint(method="wilson")`.
    """
    z2 = z_two_sided(level) ** 2
    middle = (m + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * m * (1 - m) / n + z2 * z2 / (4 * n * n)) / (1 + z2 / n)
    return Interval(middle - half, middle + half).clipped(0.0, 1.0)


def effective_n(values: FloatArray, clusters: Clusters = None, level: float = CONFIDENCE) -> float:
    """How many independent 0/1 values would be as sure of this mean as these values are.

    n_eff = m (1 - m) / SE^2 (z / t_{C-1})^2; exactly n for 0/1 values without clusters, and the
    number of units where the values do not vary. Source: Korn & Graubard 1998.
    """
    estimate = mean(values, clusters)
    m = estimate.value
    if estimate.units == 1 or estimate.se == 0 or m in {0.0, 1.0}:
        return float(estimate.units)
    if clusters is None and bool(((values == 0) | (values == 1)).all()):
        return float(values.size)
    shrink = z_two_sided(level) / t_two_sided(level, estimate.units - 1)
    return m * (1 - m) / estimate.se**2 * shrink**2


def score_interval(
    values: FloatArray, clusters: Clusters = None, level: float = CONFIDENCE
) -> Interval:
    """Interval of the mean of values in [0, 1]: Wilson on the effective sample size.

    Args:
        values: n >= 1 numbers in [0, 1].
        clusters: code of each value's cluster.
        level: confidence level.
    """
    m = min(max(float(values.mean()), 0.0), 1.0)  # a mean of ones may exceed 1 by rounding
    return wilson(m, effective_n(values, clusters, level), level)


def t_interval(
    values: FloatArray, clusters: Clusters = None, level: float = CONFIDENCE
) -> Interval:
    """Interval of the mean of values on any scale; NaN bounds for a single unit."""
    estimate = mean(values, clusters)
    if estimate.units == 1:
        return Interval(math.nan, math.nan)
    half = t_two_sided(level, estimate.units - 1) * estimate.se
    return Interval(estimate.value - half, estimate.value + half)


def estimate_interval(value: float, se: float, units: int, level: float = CONFIDENCE) -> Interval:
    """Interval of any difference of scores from its standard error: t, or of constants if se is 0.

    Args:
        value: the estimate, in [-1, 1].
        se: its standard error.
        units: how many it comes from; a single one leaves everything open.
        level: confidence level.
    """
    if units == 1:
        return Interval(-1.0, 1.0)
    half = t_two_sided(level, units - 1) * se if se else constant_half_width(units, level)
    return Interval(value - half, value + half).clipped(-1.0, 1.0)


def constant_half_width(units: int, level: float) -> float:
    """Half width z^2 / (C + z^2) of a mean difference where all C differences are the same.

    Equal differences have no variance to estimate from. This is Tango's width without a discordant
    pair; it supposes differences in [-1, 1].
    """
    z2 = z_two_sided(level) ** 2
    return z2 / (units + z2)


def constant_p_below(distance: float, units: int) -> float:
    """One-sided p-value to `constant_half_width`: small where the distance lies below 0.

    It is the bound mean +- z^2 / (C + z^2), solved for z.
    """
    share = min(abs(distance), 1.0)
    z = math.inf if share == 1.0 else math.sqrt(units * share / (1.0 - share))
    return z_cdf(math.copysign(z, distance))
