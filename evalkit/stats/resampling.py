"""Scores of summed statistics, resampled: weights @ statistics, and the score of every sum.

A score that is no mean is a function of summed rows of statistics. Resampling whole rows keeps it
that function; averaging it over rows would be another quantity. Rows of one cluster are summed
first, so that clusters are what is drawn. Work is done in blocks of a few megabytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from evalkit.stats.intervals import Interval, constant_half_width, constant_p_below
from evalkit.stats.quantiles import t_cdf, t_two_sided
from evalkit.stats.samples import CONFIDENCE, Clusters, FloatArray, cluster_sums, floats

ScoreOf = Callable[[FloatArray], FloatArray]
"""Sums of statistics (..., k) to scores (...)."""

BOOTSTRAP_DRAWS = 2_000
RANDOM_DRAWS = 9_999
ENUMERATE_UP_TO = 10_000
"""As many assignments are listed one by one instead of drawn."""

_BLOCK = 250_000  # weights held at a time: 2 MB, which stays in the cache of the processor
_ROUNDING = 1e-12


def resampled_totals(
    rows: FloatArray,
    generator: np.random.Generator,
    draws: int = BOOTSTRAP_DRAWS,
    clusters: Clusters = None,
) -> FloatArray:
    """Sums of C units drawn with replacement, `draws` times over.

    The draws depend on the generator and on C alone: statistics of several sources side by side in
    one array, or equal generators, mean equal draws.

    Args:
        rows: statistics (n, k).
        generator: where the randomness comes from.
        draws: how many samples.
        clusters: code of each row's cluster.

    Returns:
        Totals (draws, k).
    """
    units = cluster_sums(rows, clusters)
    count = units.shape[0]
    totals = np.empty((draws, units.shape[1]))
    with _one_thread():
        for start, stop in _blocks(draws, count):
            size = stop - start
            drawn = generator.integers(0, count, size=(size, count))
            drawn += (np.arange(size) * count)[:, None]
            weights = np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count)
            totals[start:stop] = weights.astype(np.float64) @ units
    return totals


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """What changes sides when the members of each pair are swapped by the toss of a coin.

    Attributes:
        amounts: summed rows (draws, k) of the units that were swapped.
        exact: whether these are all 2^C assignments rather than a sample of them.
    """

    amounts: FloatArray
    exact: bool

    def p_value(self, hits: int) -> float:
        """Share of assignments as extreme as the observed one, which counts as one of them."""
        draws = len(self.amounts)
        return hits / draws if self.exact else (hits + 1) / (draws + 1)


def moved(units: FloatArray, generator: np.random.Generator, draws: int = RANDOM_DRAWS) -> Moved:
    """Sums over random halves of the units (C, k): all 2^C of them if those are few.

    Args:
        units: rows (C, k), one a unit.
        generator: where the randomness comes from.
        draws: how many assignments are drawn where listing all is too much.
    """
    count = units.shape[0]
    if 1 << count <= ENUMERATE_UP_TO:
        numbers = np.arange(1 << count)[:, None]
        masks = floats((numbers >> np.arange(count)) & 1)
        return Moved(masks @ units, exact=True)
    amounts = np.empty((draws, units.shape[1]))
    width = (count + 7) // 8
    with _one_thread():
        for start, stop in _blocks(draws, count):
            coins = np.frombuffer(generator.bytes((stop - start) * width), dtype=np.uint8)
            bits = np.unpackbits(coins.reshape(stop - start, width), axis=1, count=count)
            amounts[start:stop] = bits.astype(np.float64) @ units
    return Moved(amounts, exact=False)


def bootstrap_interval(
    rows: FloatArray,
    score: ScoreOf,
    generator: np.random.Generator,
    *,
    draws: int = BOOTSTRAP_DRAWS,
    clusters: Clusters = None,
    level: float = CONFIDENCE,
) -> Interval:
    """Percentile bootstrap interval of a score of summed statistics. Source: Efron 1979.

    Args:
        rows: statistics (n, k), n >= 1.
        score: sums of statistics (..., k) to scores (...).
        generator: where the randomness comes from.
        draws: bootstrap samples.
        clusters: code of each row's cluster.
        level: confidence level.
    """
    scores = score(resampled_totals(rows, generator, draws, clusters))
    low, high = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


@dataclass(frozen=True, slots=True)
class ScoreDifference:
    """Difference between two scores of summed statistics, over the same units.

    Attributes:
        delta: first - second.
        sd: bootstrap standard error of delta.
        low: delta - t sd, clipped to [-1, 1].
        high: delta + t sd, clipped to [-1, 1].
        p: two-sided p-value by approximate randomization.
        p_worse: one-sided p-value of "first is not worse", from delta / sd.
        units: independent units.
    """

    delta: float
    sd: float
    low: float
    high: float
    p: float
    p_worse: float
    units: int


def score_difference(
    first: FloatArray,
    second: FloatArray,
    score: ScoreOf,
    generator: np.random.Generator,
    *,
    clusters: Clusters = None,
    level: float = CONFIDENCE,
) -> ScoreDifference:
    """Compare two scores in [0, 1]: bootstrap-t interval, approximate randomization test.

    The percentile and BCa intervals of such differences cover too little; delta +- t_{C-1} SD does
    not. Source: Riezler & Maxwell 2005 for the test.

    Args:
        first: statistics (n, k) of one side.
        second: statistics (n, k) of the other side, pair by pair.
        score: sums of statistics (..., k) to scores (...).
        generator: where the randomness comes from.
        clusters: code of each pair's cluster.
        level: confidence level of the interval.
    """
    left, right = cluster_sums(first, clusters), cluster_sums(second, clusters)
    units, k = left.shape
    delta = float(score(left.sum(axis=0)) - score(right.sum(axis=0)))
    totals = resampled_totals(np.hstack([left, right]), generator)
    sd = float(np.std(score(totals[:, :k]) - score(totals[:, k:]), ddof=1))
    p = _randomization_p(left, right, score, generator)
    if units == 1 or sd <= _ROUNDING:
        half = constant_half_width(units, level)
        p_worse = constant_p_below(delta, units)
    else:
        half = t_two_sided(level, units - 1) * sd
        p_worse = t_cdf(delta / sd, units - 1)
    bounds = Interval(delta - half, delta + half).clipped(-1.0, 1.0)
    return ScoreDifference(delta, sd, bounds.low, bounds.high, p, p_worse, units)


def _randomization_p(
    left: FloatArray, right: FloatArray, score: ScoreOf, generator: np.random.Generator
) -> float:
    """Two-sided p-value of "it does not matter which side a unit's statistics are on"."""
    differ = (left != right).any(axis=1)  # units alike on both sides only cost time
    swapped = moved(left[differ] - right[differ], generator)
    first, second = left.sum(axis=0), right.sum(axis=0)
    observed = abs(float(score(first) - score(second)))
    drawn = np.abs(score(first - swapped.amounts) - score(second + swapped.amounts))
    return swapped.p_value(int((drawn >= observed - _ROUNDING).sum()))


def is_borderline(p: float, alpha: float = 0.05, draws: int = RANDOM_DRAWS) -> bool:
    """Whether other random draws could well move a drawn p-value across alpha."""
    return abs(p - alpha) < 2 * math.sqrt(p * (1 - p) / draws)


def jackknife_se(rows: FloatArray, score: ScoreOf) -> float:
    """Standard error of a score of summed statistics, leaving one row out at a time."""
    n = rows.shape[0]
    scores = score(rows.sum(axis=0) - rows)
    return math.sqrt((n - 1) / n * float(((scores - scores.mean()) ** 2).sum()))


def _one_thread() -> AbstractContextManager[Any]:
    """Multiply matrices on one thread: these are flat, and threads would only wait for each other.

    On a busy machine that costs ten times the time. It also makes sums independent of the number
    of processors.
    """
    controller: AbstractContextManager[Any] = _threads().limit(limits=1, user_api="blas")
    return controller


@cache
def _threads() -> Any:  # noqa: ANN401 - threadpoolctl has no type hints
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _blocks(draws: int, width: int) -> Iterator[tuple[int, int]]:
    """Ranges of draws whose weights fit into one block."""
    size = max(1, _BLOCK // max(1, width))
    for start in range(0, draws, size):
        yield start, min(start + size, draws)
