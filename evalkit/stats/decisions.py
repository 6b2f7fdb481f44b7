"""Worse, not worse by more than a margin, or undecided: two one-sided tests and their rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from evalkit.stats.binary import tango_z
from evalkit.stats.paired import p_below
from evalkit.stats.quantiles import t_cdf, z_cdf
from evalkit.stats.samples import Clusters, FloatArray

Decision = Literal["PASS", "FAIL", "INCONCLUSIVE"]


@dataclass(frozen=True, slots=True)
class OneSided:
    """Two one-sided p-values of one difference.

    Attributes:
        worse: of "not worse"; small means a real loss.
        noninferior: of "worse by the margin or more"; small means no loss beyond the margin.
    """

    worse: float
    noninferior: float


def binary_decision(wins: int, losses: int, n: int, margin: float) -> OneSided:
    """One-sided p-values of paired 0/1 values from Tango's statistic.

    Args:
        wins: pairs (1, 0).
        losses: pairs (0, 1).
        n: all pairs.
        margin: the largest acceptable loss, in (0, 1).
    """
    return OneSided(
        worse=z_cdf(tango_z(wins, losses, n)),
        noninferior=z_cdf(-tango_z(wins, losses, n, -margin)),
    )


def paired_decision(d: FloatArray, margin: float, clusters: Clusters = None) -> OneSided:
    """One-sided p-values of paired differences in [-1, 1] from the t distribution."""
    return OneSided(
        worse=p_below(d, clusters), noninferior=1.0 - p_below(d, clusters, null=-margin)
    )


def estimate_decision(delta: float, se: float, units: int, margin: float) -> OneSided:
    """One-sided p-values of any estimate with its standard error se > 0 over the units."""
    return OneSided(
        worse=t_cdf(delta / se, units - 1),
        noninferior=t_cdf(-(delta + margin) / se, units - 1),
    )


@dataclass(frozen=True, slots=True)
class Pooled:
    """Equal-weight mean of independent estimates: value and standard error."""

    value: float
    se: float

    def decision(self, margin: float) -> OneSided:
        """One-sided p-values of the pooled estimate, by the normal distribution."""
        if self.se == 0:
            return OneSided(_step(self.value), _step(-self.value - margin))
        return OneSided(z_cdf(self.value / self.se), z_cdf(-(self.value + margin) / self.se))


def pooled(values: Sequence[float], errors: Sequence[float]) -> Pooled:
    """Equal-weight mean of S >= 1 independent estimates: SE^2 = sum SE_k^2 / S^2."""
    count = len(values)
    return Pooled(sum(values) / count, math.hypot(*errors) / count)


def three_way(p: OneSided, alpha: float = 0.05) -> Decision:
    """PASS if no loss beyond the margin is left, FAIL if a loss is certain, else INCONCLUSIVE.

    A certain loss that certainly lies inside the margin passes: that is what a margin says.
    """
    if p.noninferior <= alpha:
        return "PASS"
    return "FAIL" if p.worse <= alpha else "INCONCLUSIVE"


def _step(distance: float) -> float:
    """P-value of a distance that is known without error."""
    return 0.5 if distance == 0 else float(distance > 0)
