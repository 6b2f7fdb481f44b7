"""Membership: does the probability of a reference tell whether its row was trained on?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from evalkit.schema import Likelihood, Signal, SplitResult
from evalkit.stats.quantiles import z_cdf
from evalkit.stats.ranks import Area, roc_area
from evalkit.stats.samples import Clusters, FloatArray
from evalkit.verdict.evidence import Evidence, Mask
from evalkit.verdict.parts import clusters_of, subset
from evalkit.verdict.signals.registry import level_of, signal, too_few, unavailable
from evalkit.verdict.wording import signed

NAME = "membership"
AREA: Final = 0.70
"""What an honest fine-tune does not exceed: it makes its training rows somewhat likelier too."""


@signal
def membership(evidence: Evidence) -> Signal:
    """Area under the ROC curve of training against unseen rows, by what tuning did to a reference.

    Each row counts by the log-probability of its first reference, tuned minus base, a token: what
    makes a reference easy cancels. 0.5 is chance, 1 tells every training row from every unseen one.

    Training on a row makes it likelier, so an area a little above 0.5 only shows that there was
    training, which is known. Evidence is an area above 0.70: the p-value is that of "at most 0.70".
    """
    train = _gains(evidence, evidence.train)
    test = _gains(evidence, evidence.test, evidence.clean)
    if not train.values.size and not test.values.size:
        return unavailable(
            NAME,
            f"no log-probabilities of references by both {evidence.base} and {evidence.tuned}; "
            "local models give them, served ones may with `--logprobs`.",
        )
    refusal = too_few(NAME, train.units, test.units)
    if refusal is not None:
        return refusal
    area = roc_area(train.values, test.values, clusters=(train.clusters, test.clusters))
    means = float(train.values.mean()), float(test.values.mean())
    p = _p_value(area)
    return Signal(
        name=NAME,
        level=level_of(p, area.low, area.high, AREA),
        value=area.value,
        low=area.low,
        high=area.high,
        p=p,
        p_adjusted=None,
        threshold=AREA,
        detail=(
            f"tuning changed the log-probability of references by {signed(means[0], 2)} a token on "
            f"training rows and by {signed(means[1], 2)} on unseen ones; as a test of which is "
            f"which it has an area of {area.value:.2f} (90 % CI {area.low:.2f} to {area.high:.2f}; "
            "0.50 is chance)."
        ),
        numbers={"gain_train": means[0], "gain_test": means[1]},
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Gains:
    """What tuning did to the references of one split, row by row; see `membership`."""

    values: FloatArray
    clusters: Clusters

    @property
    def units(self) -> int:
        """Independent units."""
        return self.values.size if self.clusters is None else int(self.clusters.max(initial=-1)) + 1


def _gains(evidence: Evidence, split: SplitResult, rows: Mask | None = None) -> _Gains:
    """Of the rows whose first reference both models were asked about."""
    told = [split.likelihoods.get(model) for model in (evidence.tuned, evidence.base)]
    values, chosen = [], []
    for i, example in enumerate(split.examples):
        if rows is not None and not rows[i]:
            continue
        new, ref = (_of(example.references[0], () if t is None else t[i]) for t in told)
        if new is not None and ref is not None and new.tokens:
            values.append((new.logprob - ref.logprob) / new.tokens)
            chosen.append(i)
    places = np.array(chosen, dtype=np.intp)
    return _Gains(np.array(values), subset(clusters_of(split.examples), places))


def _of(text: str, likelihoods: tuple[Likelihood, ...]) -> Likelihood | None:
    return next((likelihood for likelihood in likelihoods if likelihood.text == text), None)


def _p_value(area: Area) -> float:
    """One-sided p-value of "the area is at most that of an honest fine-tune"."""
    excess = area.value - AREA
    if area.se == 0:
        return float(excess <= 0)
    return z_cdf(-excess / area.se)
