"""Leakage: test prompts that occur in training, which hide overfitting until they are removed."""

from __future__ import annotations

from typing import Final

from evalkit.schema import Signal
from evalkit.stats.gaps import base_adjusted_gap
from evalkit.verdict.evidence import Evidence
from evalkit.verdict.leaks import MOST_LEAKED
from evalkit.verdict.signals.registry import signal
from evalkit.verdict.wording import plural, points, share

NAME = "leakage"
FEWEST_CLEAN: Final = 30


@signal
def leakage(evidence: Evidence) -> Signal:
    """Share of test prompts that occur in training, and the gap with and without them.

    It accuses nobody: it only says whether enough clean prompts are left to judge by. Inconclusive
    if fewer than 30 are, or if more than half had to go.
    """
    clean = evidence.clean
    n = clean.size
    leaked = n - int(clean.sum())
    usable = evidence.pairs(evidence.test, clean).new.size
    enough = usable >= FEWEST_CLEAN and leaked <= MOST_LEAKED * n
    numbers = {"leaked": float(leaked), "examples": float(n), "clean": float(usable)}
    numbers |= _gaps(evidence)
    detail = f"{share(leaked, n)} test prompts occur in training"
    if leaked and "gap_with" in numbers:
        detail += f"; with them the gap looked like {points(numbers['gap_with'])} points"
    if not enough:
        were = "was" if usable == 1 else "were"
        detail += f"; {plural(usable, 'clean prompt')} {were} answered; too few to judge"
    return Signal(
        name=NAME,
        level="none" if enough else "inconclusive",
        value=leaked / n if n else None,
        low=None,
        high=None,
        p=None,
        p_adjusted=None,
        threshold=MOST_LEAKED,
        detail=f"{detail}.",
        numbers=numbers,
    )


def _gaps(evidence: Evidence) -> dict[str, float]:
    """The gap over all test prompts and over the clean ones, where there are enough of them."""
    train = evidence.pairs(evidence.train)
    tests = {
        "gap_with": evidence.pairs(evidence.test),
        "gap_without": evidence.pairs(evidence.test, evidence.clean),
    }
    return {
        name: base_adjusted_gap(train, test).gap
        for name, test in tests.items()
        if min(train.units, test.units) > 1
    }
