"""Looking before all units are in, without paying for it in false alarms."""

from __future__ import annotations

import math

import numpy as np

from evalkit.stats.samples import FloatArray

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
