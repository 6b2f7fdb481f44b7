"""Looking before all units are in, without paying for it in false alarms."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from evalkit.stats.quantiles import z_cdf, z_quantile
from evalkit.stats.roots import root
from evalkit.stats.samples import CONFIDENCE, FloatArray

LOOKS = 5
"""Looks at a fifth of the units each, declared before the first."""
_NODES = 160
_TAIL = 9.0
# Nodes and reach of the integration: its error is below 1e-9.

_OBRIEN_FLEMING = {1: 1.644854, 2: 1.678, 3: 1.710, 4: 1.733, 5: 1.751}
# One-sided 5 %, by number of looks. Source: Jennison & Turnbull 2000, table 2.3 (two-sided 10 %).

_BETS = 20
_BOLDEST = 0.95
E_REJECT = 20.0
"""An e-process at or above this rejects at 5 %, whenever one stops."""


def obrien_fleming(looks: int) -> list[float]:
    """Bounds for z at equally spaced looks, one-sided 5 % over all of them.

    They replace 1.645 in either one-sided test. Source: O'Brien & Fleming 1979.

    Args:
        looks: 1 to 5, declared beforehand.

    Raises:
        ValueError: for another number of looks.
    """
    if looks not in _OBRIEN_FLEMING:
        raise ValueError(f"looks: found {looks}, expected 1 to {max(_OBRIEN_FLEMING)}")
    constant = _OBRIEN_FLEMING[looks]
    return [constant * math.sqrt(looks / look) for look in range(1, looks + 1)]


def repeated_p(p: float, look: int, looks: int = LOOKS, *, two_sided: bool = False) -> float:
    """A p-value that holds although one may stop at any look: the repeated p-value.

    It is the smallest level at whose O'Brien-Fleming bounds this look would stop:
    P(max_j B(j/looks) >= z sqrt(look/looks)) of a Brownian motion B. So every rule for p-values
    (an alpha, Holm) stays as it is. Source: Jennison & Turnbull 2000, chapter 9.

    Args:
        p: the p-value as if all units had been planned for.
        look: number of this look, from 1.
        looks: how many were declared.
        two_sided: whether p is of a two-sided test.
    """
    if not 0.0 < p < 1.0:
        return p
    z = -z_quantile(p / 2 if two_sided else p)
    return max(p, _crossing(z * math.sqrt(look), looks, two_sided))


@cache
def repeated_level(look: int, looks: int = LOOKS, level: float = CONFIDENCE) -> float:
    """Level of an interval at this look, such that those of all looks hold at once with `level`.

    Source: Jennison & Turnbull 2000, chapter 9: the repeated confidence interval.
    """

    def excess(bound: float) -> float:
        return _crossing(bound, looks, two_sided=True) - (1.0 - level)

    bound = root(excess, 0.5, 10.0 * math.sqrt(looks), 1e-12)
    return 1.0 - 2.0 * z_cdf(-bound / math.sqrt(look))


def _crossing(bound: float, looks: int, two_sided: bool) -> float:  # noqa: FBT001 - private
    """P(some W_j >= bound, j <= looks) of a walk of standard normal steps; of |W_j| if two-sided.

    The density of walks that have not crossed yet is carried from look to look by Gauss-Legendre
    quadrature.
    """
    if two_sided and bound <= 0:
        return 1.0
    low = -bound if two_sided else min(bound, 0.0) - _TAIL * math.sqrt(looks)
    nodes, weights = _legendre()
    x = low + (bound - low) * (nodes + 1) / 2
    w = weights * (bound - low) / 2
    density = _normal_density(x)
    if looks > 1:
        kernel = _normal_density(x[:, None] - x[None, :])
        for _ in range(looks - 1):
            density = kernel @ (w * density)
    return min(1.0, max(0.0, 1.0 - float(w @ density)))


@cache
def _legendre() -> tuple[FloatArray, FloatArray]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return nodes, weights


def _normal_density(x: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-x * x / 2) / math.sqrt(2 * math.pi), dtype=np.float64)


def e_process(d: FloatArray, null: float = 0.0) -> FloatArray:
    """Evidence, after each difference in [-1, 1], against "the mean is at most `null`".

    E_t = mean over 20 bets lambda of prod_{i <= t} (1 + lambda (d_i - null)); valid at any stopping
    time. Pass -d for evidence of a loss, null = -margin for non-inferiority. Source: Waudby-Smith &
    Ramdas 2024 (arXiv 2010.09686).

    Args:
        d: differences in the order they arrived.
        null: the hypothesised bound of the mean, in (-1, 1).

    Returns:
        E after each difference; reject where it reaches `E_REJECT`.
    """
    boldest = _BOLDEST / (1.0 + null)
    bets = np.linspace(boldest / _BETS, boldest, _BETS)
    logs = np.cumsum(np.log1p(np.outer(d - null, bets)), axis=0)
    return np.asarray(np.exp(logs).mean(axis=1), dtype=np.float64)
