"""The base-adjusted gap: does the tuned model gain more on prompts it was trained on?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evalkit.schema import Signal
from evalkit.stats.gaps import Paired, base_adjusted_gap
from evalkit.stats.planning import units_for_gap
from evalkit.stats.samples import THRESHOLD, FloatArray
from evalkit.verdict.evidence import Evidence
from evalkit.verdict.signals.registry import LEAD, SECOND_SCALE, judged, signal, too_few
from evalkit.verdict.wording import between, points

NAME = LEAD


@signal
def gap(evidence: Evidence) -> Signal:
    """Gain over base on training prompts, minus the same on unseen prompts.

    Test prompts that occur in training stay out: they would hide the gap. What makes the test split
    harder or easier for both models cancels; since it need not cancel on every scale, evidence must
    stand on the point and on the log-odds scale.
    """
    train = evidence.pairs(evidence.train)
    test = evidence.pairs(evidence.test, evidence.clean)
    refusal = too_few(NAME, train.units, test.units)
    if refusal is not None:
        return replace(refusal, level="inconclusive")
    found = base_adjusted_gap(train, test)
    gains = [float((sample.new - sample.ref).mean()) for sample in (train, test)]
    detail = (
        f"{points(gains[0])} points over {evidence.base} on training prompts, {points(gains[1])} "
        f"on unseen ones: gap {points(found.gap)} (90 % CI {between(found.low, found.high)})."
    )
    if _silent(train.ref, test.ref):
        detail += (
            f" {evidence.base} scores the same on every prompt, so it cannot show whether the "
            "splits are equally hard."
        )
    figures = Signal(
        name=NAME,
        level=None,
        value=found.gap,
        low=found.low,
        high=found.high,
        p=found.p,
        p_adjusted=None,
        threshold=THRESHOLD,
        detail=detail,
        numbers={
            "raw_gap": found.raw,
            "base_gap": found.base,
            "gain_train": gains[0],
            "gain_test": gains[1],
            "logit_gap": found.logit_gap,
            "logit_low": found.logit_low,
            SECOND_SCALE: found.logit_low_smoothed,
            "units": min(train.units, test.units),
            "needed": _needed(train, test),
        },
    )
    return judged(figures, None)


def _silent(*sides: FloatArray) -> bool:
    """Whether all values of all sides are one and the same."""
    return bool((np.concatenate(sides) == sides[0][0]).all())


def _needed(train: Paired, test: Paired) -> float:
    """Examples in either split that would settle a gap of the threshold."""
    variances = [float((sample.new - sample.ref).var(ddof=1)) for sample in (train, test)]
    return units_for_gap(float(np.sqrt(np.mean(variances))), THRESHOLD)
