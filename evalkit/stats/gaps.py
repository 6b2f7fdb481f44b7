"""Difference of differences between two independent samples, on the point and the log-odds scale.

Each sample holds pairs of values in [0, 1]: `new` and `ref`. The gap asks whether new gains more on
ref in the first sample than in the second. Equal gains in points are unequal gains in log-odds and
the other way round, so a gap counts only if it stands on both scales (Roth & Sant'Anna 2023).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from evalkit.stats.intervals import constant_half_width
from evalkit.stats.quantiles import t_cdf, t_two_sided, z_two_sided
from evalkit.stats.samples import DECISION, Clusters, FloatArray, Mean, mean


@dataclass(frozen=True, slots=True, eq=False)
class Paired:
    """One sample of pairs.

    Attributes:
        new: n values in [0, 1], of two units or more.
        ref: the values they are paired with.
        clusters: code of each pair's cluster.
    """

    new: FloatArray
    ref: FloatArray
    clusters: Clusters = None

    @property
    def units(self) -> int:
        """Independent units: clusters, or pairs without clusters."""
        return self.new.size if self.clusters is None else int(self.clusters.max(initial=-1)) + 1


@dataclass(frozen=True, slots=True)
class Gap:
    """How much more `new` gains on `ref` in the first sample than in the second.

    Attributes:
        raw: gap of new alone.
        base: gap of ref alone: what the samples differ in difficulty.
        gap: raw - base.
        se: standard error of gap.
        df: Welch's degrees of freedom.
        low: lower bound of the interval of gap.
        high: upper bound.
        p: one-sided p-value of "gap <= 0" on both scales: the larger of the two.
        logit_gap: the gap in log-odds.
        logit_low: its lower bound.
        logit_low_smoothed: its lower bound if the half answers that smooth the log-odds count as
            answers: what means near 0 or 1 can support. At 0 or 1 the values do not vary, and
            `logit_low` takes them for certain.
    """

    raw: float
    base: float
    gap: float
    se: float
    df: float
    low: float
    high: float
    p: float
    logit_gap: float
    logit_low: float
    logit_low_smoothed: float


def base_adjusted_gap(first: Paired, second: Paired, level: float = DECISION) -> Gap:
    """The gap between two samples with its interval, one-sided p-value and log-odds twin.

    Source: Welch 1947 for the interval; the delta method for log-odds; Haldane 1955 and Anscombe
    1956 for half an answer more of either kind.

    Args:
        first: the sample that may be favoured.
        second: the sample it is held against.
        level: confidence level of the two-sided interval.
    """
    points = _welch(_gain(first, level), _gain(second, level), level)
    # (sum + .5) / (n + 1) of the smaller sample, for both: means at 0 or 1 have the log-odds that
    # the smoothing gives them, and different ones in either sample would look like a gap.
    pull = 0.5 / min(first.new.size, second.new.size)
    gains = _logit_gain(first, pull), _logit_gain(second, pull)
    logits = _welch(*gains, level)
    unsure = _welch(
        _with_half_answers(gains[0], first, pull), _with_half_answers(gains[1], second, pull), level
    )
    return Gap(
        raw=float(first.new.mean() - second.new.mean()),
        base=float(first.ref.mean() - second.ref.mean()),
        gap=points.gap,
        se=points.se,
        df=points.df,
        low=max(points.gap - points.half, -2.0),
        high=min(points.gap + points.half, 2.0),
        p=max(points.p, logits.p),
        logit_gap=logits.gap,
        logit_low=logits.gap - logits.half,
        logit_low_smoothed=unsure.gap - unsure.half,
    )


@dataclass(frozen=True, slots=True)
class _Welch:
    """A difference between two independent estimates."""

    gap: float
    se: float
    df: float
    half: float
    p: float


def _welch(a: Mean, b: Mean, level: float) -> _Welch:
    """Difference a - b, its half width and the one-sided p-value of "not above 0"."""
    gap, se = a.value - b.value, math.hypot(a.se, b.se)
    if se == 0:
        return _Welch(gap, 0.0, math.inf, 0.0, float(gap <= 0))
    df = se**4 / (a.se**4 / (a.units - 1) + b.se**4 / (b.units - 1))
    return _Welch(gap, se, df, t_two_sided(level, df) * se, t_cdf(-gap / se, df))


def _gain(sample: Paired, level: float) -> Mean:
    """Mean difference of a sample; equal differences get the width that no discordance has."""
    d = mean(sample.new - sample.ref, sample.clusters)
    if d.se > 0:
        return d
    se = constant_half_width(d.units, level) / z_two_sided(level)
    return Mean(d.value, se, d.n, d.units)


def _logit_gain(sample: Paired, pull: float) -> Mean:
    """Mean gain in log-odds of one sample, with the standard error of its pairs' influences."""
    new, new_influence = _logit(sample.new, pull)
    ref, ref_influence = _logit(sample.ref, pull)
    spread = mean(new_influence - ref_influence, sample.clusters)
    return Mean(new - ref, spread.se, spread.n, spread.units)


def _with_half_answers(gain: Mean, sample: Paired, pull: float) -> Mean:
    """A gain in log-odds with the variance that the smoothing's own answers add on both sides."""
    added = sum(_half_answers(x, pull) for x in (sample.new, sample.ref))
    return replace(gain, se=math.sqrt(gain.se**2 + added))


def _half_answers(x: FloatArray, pull: float) -> float:
    """Variance in the log-odds of a mean by pull * n values of 0 and as many of 1.

    For n values of 0 or 1 and pull * n = 1/2 the sum of this and of the values' own variance is
    near 1 / (right + 1/2) + 1 / (wrong + 1/2).
    """
    smooth = _smoothed(x, pull)
    odds = 1.0 / smooth**2 + 1.0 / (1.0 - smooth) ** 2
    return pull * odds / (x.size * (1.0 + 2.0 * pull) ** 2)


def _logit(x: FloatArray, pull: float) -> tuple[float, FloatArray]:
    """Log-odds of the smoothed mean, and each value's influence (x - m) / (m~ (1 - m~))."""
    smooth = _smoothed(x, pull)
    influence = (x - x.mean()) / (smooth * (1.0 - smooth))
    return math.log(smooth / (1.0 - smooth)), np.asarray(influence, dtype=np.float64)


def _smoothed(x: FloatArray, pull: float) -> float:
    """Mean of n values with pull * n values of 0 and as many of 1 besides."""
    return (float(x.mean()) + pull) / (1.0 + 2.0 * pull)
