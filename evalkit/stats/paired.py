"""Paired fractional values, as their differences d: t interval, sign-flip test, one-sided p-values.

Differences of scores in [0, 1] are `bounded`: they lie in [-1, 1], and two special cases have
rules. Where fewer than ten units differ at all, a pair of pseudo-units +1 and -1 keeps the interval
honest; where all differences are equal, the width is z^2 / (C + z^2).
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from evalkit.stats.intervals import Interval, constant_half_width, constant_p_below, t_interval
from evalkit.stats.quantiles import t_cdf, t_two_sided, z_two_sided
from evalkit.stats.resampling import RANDOM_DRAWS, moved
from evalkit.stats.samples import (
    CONFIDENCE,
    DECISION,
    Clusters,
    FloatArray,
    Mean,
    cluster_sums,
    mean,
)

Alternative = Literal["two-sided", "less", "greater"]

SPARSE = 10
"""Fewer nonzero units than this get pseudo-units."""

_ROUNDING = 1e-12


def difference_interval(
    d: FloatArray, clusters: Clusters = None, level: float = CONFIDENCE, *, bounded: bool = True
) -> Interval:
    """Interval of the mean difference: t with the clustered standard error.

    Args:
        d: n >= 1 differences.
        clusters: code of each pair's cluster.
        level: confidence level.
        bounded: whether the differences lie in [-1, 1]; else the plain t interval is returned.
    """
    if not bounded:
        return t_interval(d, clusters, level)
    center = _guarded_mean(d, clusters)
    if center.se == 0:
        half = constant_half_width(center.units, level)
    else:
        half = t_two_sided(level, center.units - 1) * center.se
    return Interval(center.value - half, center.value + half).clipped(-1.0, 1.0)


def p_below(
    d: FloatArray, clusters: Clusters = None, null: float = 0.0, *, bounded: bool = True
) -> float:
    """One-sided p-value of "the mean difference is at least `null`".

    With null = 0 a small p means worse; 1 - p with null = -margin is the p-value of
    non-inferiority.

    Args:
        d: n >= 1 differences.
        clusters: code of each pair's cluster.
        null: the hypothesised bound.
        bounded: whether the differences lie in [-1, 1]; else they must vary, or p is 1.
    """
    center = _guarded_mean(d, clusters) if bounded else mean(d, clusters)
    distance = center.value - null
    if not bounded and not center.se > 0:
        return 1.0
    if center.se == 0:
        return constant_p_below(distance, center.units)
    return t_cdf(distance / center.se, center.units - 1)


def standard_error(d: FloatArray, clusters: Clusters = None) -> float:
    """Standard error of the mean difference of scores in [0, 1], never 0.

    Where all differences are equal, the one-sided 95 % bound z^2 / (C + z^2) stands in for it, in
    units of z: few equal pairs are little knowledge, not certainty.
    """
    center = _guarded_mean(d, clusters)
    if center.se > 0:
        return center.se
    return constant_half_width(center.units, DECISION) / z_two_sided(DECISION)


def sign_flip(
    d: FloatArray,
    generator: np.random.Generator,
    clusters: Clusters = None,
    *,
    alternative: Alternative = "two-sided",
    draws: int = RANDOM_DRAWS,
) -> float:
    """P-value of "differences are symmetric about 0", by flipping the signs of whole units.

    Exact where all flips can be listed; units that sum to 0 drop out. Source: Fisher 1935;
    scipy calls it `permutation_test(..., permutation_type="samples")`.

    Args:
        d: differences.
        generator: where the randomness comes from.
        clusters: code of each pair's cluster; clusters flip together.
        alternative: `less` asks whether the mean is below 0.
        draws: flips drawn where listing all is too much.
    """
    sums = cluster_sums(d, clusters)
    sums = sums[sums != 0]
    flips = moved(sums[:, None], generator, draws)
    observed = float(sums.sum())
    drawn = observed - 2.0 * flips.amounts[:, 0]
    if alternative == "two-sided":
        observed, drawn = abs(observed), np.abs(drawn)
    elif alternative == "less":
        observed, drawn = -observed, -drawn
    slack = _ROUNDING * float(np.abs(sums).sum())
    return flips.p_value(int((drawn >= observed - slack).sum()))


def _guarded_mean(d: FloatArray, clusters: Clusters) -> Mean:
    """Mean and standard error, 0 where all is constant, with pseudo-units where d is sparse."""
    center = mean(d, clusters)
    if center.units == 1:
        return Mean(center.value, 0.0, center.n, 1)
    if center.se == 0 or np.count_nonzero(cluster_sums(np.abs(d), clusters)) >= SPARSE:
        return center
    return _with_pseudo_units(d, clusters, center.units)


def _with_pseudo_units(d: FloatArray, clusters: Clusters, units: int) -> Mean:
    """Mean with +1 and -1 added. They widen the interval, but are no evidence: units stay C."""
    n = d.size + 2
    value = float(d.sum()) / n
    sums = np.append(cluster_sums(d - value, clusters), [1.0 - value, -1.0 - value])
    return Mean(value, math.sqrt(float(sums @ sums)) / n, n, units)
