"""How small a difference n units can show, and how many units a difference needs.

All plans are for a two-sided test at 5 % with a power of 80 %, unless an argument says otherwise.
"""

from __future__ import annotations

import math

from evalkit.stats.quantiles import t_quantile, z_quantile
from evalkit.stats.roots import root
from evalkit.stats.samples import ALPHA

POWER = 0.8
DISAGREEMENT = 0.125
"""Planning value for the share of pairs on which two near-equal sources disagree."""
DISAGREEMENT_AFTER_TUNING = 0.3
"""The same between a source and a thoroughly changed one."""


def detectable_binary(n: float, disagreement: float = DISAGREEMENT) -> float | None:
    """Smallest difference that n paired 0/1 values can show; None if even the largest is too small.

    Solves n D^2 = (z_{.975} sqrt(psi) + z_{.8} sqrt(psi - D^2))^2 for D. Source: Connor 1987.

    Args:
        n: pairs, divided by the design effect where they are clustered.
        disagreement: psi, share of pairs with different values, in (0, 1].
    """

    def excess(delta: float) -> float:
        return units_for_binary(delta, disagreement) - n

    if disagreement <= 0 or excess(disagreement) > 0:
        return None
    # Nobody can tell differences below a millionth, and n stays finite above.
    return root(excess, disagreement * 1e-6, disagreement, 1e-12)


def units_for_binary(delta: float, disagreement: float = DISAGREEMENT) -> float:
    """Paired 0/1 values needed to show a difference; round up to get a count.

    Args:
        delta: the difference, 0 < delta <= disagreement.
        disagreement: psi, share of pairs with different values, in (0, 1].
    """
    root = z_quantile(1 - ALPHA / 2) * math.sqrt(disagreement)
    root += z_quantile(POWER) * math.sqrt(max(0.0, disagreement - delta * delta))
    return (root / delta) ** 2


def detectable_mean(n: float, sd: float) -> float:
    """Smallest mean difference that n > 1 pairs with standard deviation sd can show.

    Source: Card et al. 2020; the t distribution stands in for the normal one.
    """
    return (t_quantile(1 - ALPHA / 2, n - 1) + t_quantile(POWER, n - 1)) * sd / math.sqrt(n)


def units_for_pass(disagreement: float, margin: float) -> float:
    """Pairs with which 80 % of unchanged sources are shown to lose less than the margin."""
    return _one_sided() ** 2 * disagreement / margin**2


def units_to_settle(delta: float, spread: float, margin: float) -> float | None:
    """Pairs that would likely end an undecided gate, were the true change the observed one.

    It is ruled out that the loss exceeds the margin, or a loss is shown, whichever takes fewer
    pairs; an observed gain counts as no change. At delta = 0 this is `units_for_pass`.

    Args:
        delta: the observed change, negative for a loss.
        spread: mean square of the paired differences; for 0/1 values the share that differ.
        margin: the largest acceptable loss.

    Returns:
        At least what pairs without any difference need; None if no number of pairs would do.
    """
    distance = max(min(delta, 0.0) + margin, -delta)
    if distance <= 0:
        return None
    alike = z_quantile(1 - ALPHA) ** 2 * (1 - margin) / margin if margin > 0 else 0.0
    return max(alike, (_one_sided() / distance) ** 2 * spread)


def detectable_gap(n: float, sd: float) -> float:
    """Smallest difference between the mean differences of two samples of n, one-sided at 5 %.

    Args:
        n: units in either sample.
        sd: standard deviation of the paired differences in one sample.
    """
    return _one_sided() * sd * math.sqrt(2 / n)


def units_for_gap(sd: float, threshold: float) -> float:
    """Units in either sample to tell a gap of `threshold` from none, one-sided at 5 %."""
    return 2 * (_one_sided() * sd / threshold) ** 2


def _one_sided() -> float:
    """z_{.95} + z_{.8} = 2.487."""
    return z_quantile(1 - ALPHA) + z_quantile(POWER)


def units_for_p(n: float, p: float, wanted: float) -> float:
    """Units that would show a p-value, if what n units have shown is what there is.

    A z statistic grows with the square root of the units.

    Args:
        n: units seen.
        p: one-sided p-value that they gave, below 0.5.
        wanted: p-value to be had, below 0.5.
    """
    return n * float((z_quantile(1 - wanted) / z_quantile(1 - p)) ** 2)
