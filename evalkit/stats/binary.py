"""Paired 0/1 values: Tango's score interval and McNemar's test.

A table of pairs is three numbers: `wins`, where only the first value is 1; `losses`, where only the
second is; and n, all pairs. The difference is (wins - losses) / n.
"""

from __future__ import annotations

import math

import numpy as np

from evalkit.stats.intervals import Interval
from evalkit.stats.quantiles import z_two_sided
from evalkit.stats.roots import root
from evalkit.stats.samples import CONFIDENCE, FloatArray


def tango_z(wins: int, losses: int, n: int, delta: float = 0.0) -> float:
    """Tango's score statistic of "the true difference is delta"; falls as delta rises.

    Source: Tango 1998, Statistics in Medicine 17, 891-908.

    Args:
        wins: pairs (1, 0).
        losses: pairs (0, 1).
        n: all pairs, at least 1.
        delta: the hypothesised difference, in [-1, 1].
    """
    distance = wins - losses - n * delta
    if distance == 0:
        return 0.0
    a = 2.0 * n
    b = -wins - losses + (2.0 * n - wins + losses) * delta
    c = -losses * delta * (1.0 - delta)
    q = (math.sqrt(max(0.0, b * b - 4.0 * a * c)) - b) / (2.0 * a)
    variance = n * (2.0 * q + delta * (1.0 - delta))
    # At delta = +-1 only one table is possible; any other is infinitely far away.
    return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance)


def is_table(d: FloatArray) -> bool:
    """Whether differences are those of paired 0/1 values: -1, 0 and 1, nothing between."""
    return bool(((d == 0) | (np.abs(d) == 1)).all())


def tango_interval(wins: int, losses: int, n: int, level: float = CONFIDENCE) -> Interval:
    """All differences that Tango's statistic does not reject, by root finding."""
    z = z_two_sided(level)
    observed = (wins - losses) / n

    def bound(end: float, target: float) -> float:
        def excess(delta: float) -> float:
            return tango_z(wins, losses, n, delta) - target

        inside = end * (1.0 - 1e-12)  # at the very end the statistic has no variance
        if observed == end or excess(inside) * target <= 0:
            return end
        return root(excess, inside, observed, 1e-14)

    return Interval(bound(-1.0, z), bound(1.0, -z))


def mcnemar_midp(wins: int, losses: int) -> float:
    """Two-sided mid-p value of McNemar's test of "no difference".

    Holds its level on average where the exact test is too careful. Source: Fagerland, Lydersen &
    Laake 2013, BMC Medical Research Methodology 13:91.
    """
    if wins == losses == 0:
        return 1.0
    return mcnemar_exact(wins, losses) - _point(wins, losses)


def mcnemar_exact(wins: int, losses: int) -> float:
    """Two-sided exact p-value of McNemar's test: a sign test of the discordant pairs."""
    from scipy.special import bdtr

    return min(1.0, 2.0 * float(bdtr(min(wins, losses), wins + losses, 0.5)))


def _point(wins: int, losses: int) -> float:
    """Probability of exactly this split of the discordant pairs under "no difference"."""
    n = wins + losses
    # Summed the same way round for (a, b) and (b, a), so that both get the same p to the last bit.
    log = math.lgamma(n + 1) - (math.lgamma(wins + 1) + math.lgamma(losses + 1))
    return math.exp(log - n * math.log(2))
