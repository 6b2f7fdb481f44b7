"""Area under the ROC curve with DeLong's variance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from evalkit.stats.intervals import Interval
from evalkit.stats.quantiles import z_two_sided
from evalkit.stats.samples import DECISION, Clusters, FloatArray, floats, mean


@dataclass(frozen=True, slots=True)
class Area:
    """P(a value of the first sample exceeds one of the second), ties counting half.

    Attributes:
        value: in [0, 1]; .5 is chance.
        se: DeLong's standard error.
        low: lower bound.
        high: upper bound.
    """

    value: float
    se: float
    low: float
    high: float


def roc_area(
    first: FloatArray,
    second: FloatArray,
    level: float = DECISION,
    *,
    clusters: tuple[Clusters, Clusters] = (None, None),
) -> Area:
    """Area under the ROC curve of telling the first sample (high values) from the second.

    Source: DeLong, DeLong & Clarke-Pearson 1988; ranks as in Sun & Xu 2014; clusters as in
    Obuchowski 1997, none of them in both samples.

    Args:
        first: at least 2 values.
        second: at least 2 values.
        level: confidence level of the interval, which is clipped to [0, 1].
        clusters: codes of the clusters of either sample.
    """
    m, n = first.size, second.size
    joint = midranks(np.concatenate([first, second]))
    above = (joint[:m] - midranks(first)) / n  # of each first value: share of the second below it
    below = 1.0 - (joint[m:] - midranks(second)) / m
    area = float(above.mean())
    se = math.hypot(mean(above, clusters[0]).se, mean(below, clusters[1]).se)
    half = z_two_sided(level) * se
    bounds = Interval(area - half, area + half).clipped(0.0, 1.0)
    return Area(area, se, bounds.low, bounds.high)


def midranks(values: FloatArray) -> FloatArray:
    """Rank of each value (n,), counted from 1; equal values share the mean of their ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return floats(np.cumsum(counts) - (counts - 1) / 2)[place]
