"""How a signal is registered, and how its numbers become a level."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import entry_points

from evalkit.errors import UsageError
from evalkit.schema import Level, Signal
from evalkit.stats.samples import ALPHA, FEWEST_UNITS, THRESHOLD
from evalkit.verdict.evidence import Evidence

Check = Callable[[Evidence], Signal]
"""Looks at one tuned model on one suite; its `level` and `p` know nothing of other signals."""

SECOND_SCALE = "second_scale_low"
"""The entry of `numbers` that, above 0, forbids "none": on another scale the signal accuses."""
ACCUSING: tuple[Level, ...] = ("strong", "mild")
LEAD = "gap"
"""The signal that the others corroborate or contradict."""
ENTRY_POINTS = "evalkit.signals"

_REGISTERED: dict[str, Check] = {}


def signal(check: Check) -> Check:
    """Register a signal under its function's name."""
    _REGISTERED[check.__name__] = check
    return check


def signals() -> Mapping[str, Check]:
    """All signals by name, evalkit's own and those of installed packages; the gap leads.

    Raises:
        UsageError: an installed package offers a signal under a name that is taken, or one that
            cannot be loaded.
    """
    found = dict(_REGISTERED)
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda e: (e.name, e.value)):
        if entry.name in found:
            raise UsageError(
                f"entry point {entry.value!r} offers a signal {entry.name!r}, which exists "
                "already; rename or uninstall one of them"
            )
        try:
            found[entry.name] = entry.load()
        except (ImportError, AttributeError) as error:
            raise UsageError(f"signal {entry.name!r} cannot be loaded: {error}") from error
    return {name: found[name] for name in sorted(found, key=lambda name: (name != LEAD, name))}


def level_of(p: float, low: float, high: float, threshold: float = THRESHOLD) -> Level:
    """Level of a signal by itself.

    Args:
        p: one-sided p-value of "no overfitting".
        low: lower bound of the 90 % interval.
        high: upper bound.
        threshold: from where on evidence is strong.
    """
    if p <= ALPHA:
        return "strong" if low > threshold else "mild"
    return "none" if high < threshold else "inconclusive"


def judged(found: Signal, p_adjusted: float | None) -> Signal:
    """A signal with the level that it has at an adjusted p-value; None for its own p-value.

    Evidence that does not survive is judged by the interval again. A signal without one, that lost
    its evidence, is inconclusive.
    """
    p = found.p if p_adjusted is None else p_adjusted
    if p is None:
        return found
    if found.low is None or found.high is None or found.threshold is None:
        lost = found.level in ACCUSING and p > ALPHA
        level: Level | None = "inconclusive" if lost else found.level
    else:
        level = level_of(p, found.low, found.high, found.threshold)
        if level == "none" and found.numbers.get(SECOND_SCALE, 0.0) > 0:
            level = "inconclusive"
    return replace(found, p_adjusted=p_adjusted, level=level)


def unavailable(name: str, reason: str) -> Signal:
    """A signal that could not be had, and why."""
    return Signal(name, None, None, None, None, None, None, None, reason)


def too_few(name: str, n_train: int, n_test: int) -> Signal | None:
    """A signal without a word, if there are fewer units than a decision needs."""
    if min(n_train, n_test) >= FEWEST_UNITS:
        return None
    return unavailable(
        name,
        f"{n_train} training and {n_test} test prompts answered by both; a decision needs at "
        f"least {FEWEST_UNITS} of each.",
    )
