"""The normal and the t distribution, by the names a formula uses."""

from __future__ import annotations

import math
from statistics import NormalDist

_NORMAL = NormalDist()


def z_quantile(probability: float) -> float:
    """The z with P(Z <= z) = probability, for a probability in (0, 1)."""
    return _NORMAL.inv_cdf(probability)


def z_cdf(z: float) -> float:
    """P(Z <= z) of the standard normal; z may be infinite."""
    return 0.5 * math.erfc(-z / math.sqrt(2))


def t_quantile(probability: float, df: float) -> float:
    """The t with P(T <= t) = probability; df may be fractional (Welch) and must be positive."""
    from scipy.special import stdtrit

    return float(stdtrit(df, probability))


def t_cdf(t: float, df: float) -> float:
    """P(T <= t) of Student's t; t may be infinite."""
    from scipy.special import stdtr

    return float(stdtr(df, t))


def z_two_sided(level: float) -> float:
    """The z that cuts (1 - level) / 2 off either tail: 1.96 at level .95."""
    return z_quantile(0.5 + level / 2)


def t_two_sided(level: float, df: float) -> float:
    """The t that cuts (1 - level) / 2 off either tail."""
    return t_quantile(0.5 + level / 2, df)
