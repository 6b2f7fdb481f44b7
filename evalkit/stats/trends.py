"""Does the tail of a curve rise?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalkit.stats.samples import FloatArray

FEWEST_POINTS = 8
"""Below this the last quarter of a curve is a single point, and its tail four."""


@dataclass(frozen=True, slots=True)
class Rise:
    """How the second half of a curve moves.

    Attributes:
        tau: Kendall's rank correlation of the second half with time.
        p: one-sided p-value of "it does not rise".
        rise: median of the last quarter over the median of the third quarter, minus 1.
    """

    tau: float
    p: float
    rise: float


def tail_rise(curve: FloatArray) -> Rise | None:
    """Trend of a curve's second half; None if it has too few points or does not move at all.

    A rank correlation rather than "the last point is above the minimum", which is true of nearly
    every noisy flat curve. Source: Kendall 1938; Mann 1945.

    Args:
        curve: values in order of time, without gaps, positive.
    """
    n = curve.size
    tail = curve[n // 2 :]
    if n < FEWEST_POINTS or np.ptp(tail) == 0:
        return None
    from scipy.stats import kendalltau

    found = kendalltau(np.arange(tail.size), tail, alternative="greater")
    third, last = curve[n // 2 : n - n // 4], curve[n - n // 4 :]
    rise = float(np.median(last) / np.median(third)) - 1.0
    return Rise(float(found.statistic), float(found.pvalue), rise)
