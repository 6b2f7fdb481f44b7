"""Corpus chrF2 as sacrebleu computes it, from statistics that add up.

Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation". Character 1- to 6-grams
without white space, recall weighted twice (beta = 2), precision and recall averaged over the orders
that both sides are long enough for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from evalkit.scorers.base import Kind, Scorer, SuiteContext, SuiteScorer
from evalkit.scorers.bleu import reference_count
from evalkit.stats.samples import FloatArray

ORDER = 6
BETA = 2


@dataclass(frozen=True)
class Chrf(Scorer):
    """chrF2 over a corpus; the value of one example is its sentence chrF2."""

    name: str
    signature: str
    kind: Kind = field(default="corpus", init=False)

    def stats(self, prediction: str, references: Sequence[str]) -> tuple[float, ...]:
        """For each order n-grams of the prediction, of the reference, and matches: 18 numbers.

        Of several references, the first with the best score; like sacrebleu, which makes the corpus
        score depend on their order where scores tie.
        """
        said = _ngrams(prediction)
        rows = [_statistics(said, _ngrams(reference)) for reference in references]
        if len(rows) == 1:
            return tuple(rows[0])
        return tuple(rows[int(np.argmax(chrf_score(np.array(rows))))])

    def corpus(self, totals: FloatArray) -> FloatArray:
        """chrF2 in [0, 1]."""
        return chrf_score(totals)


def chrf_score(totals: FloatArray) -> FloatArray:
    """chrF2 from summed statistics, shape (..., 18) to (...); NaN where the statistics are."""
    counts = totals.reshape(*totals.shape[:-1], ORDER, 3)
    said, wanted, matches = counts[..., 0], counts[..., 1], counts[..., 2]
    present = (said > 0) & (wanted > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        orders = present.sum(axis=-1)
        precision = np.where(present, matches / said, 0.0).sum(axis=-1) / orders
        recall = np.where(present, matches / wanted, 0.0).sum(axis=-1) / orders
        score = (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall)
    return np.where(np.isnan(totals[..., 0]), np.nan, np.nan_to_num(score))


@SuiteScorer
def chrf(context: SuiteContext) -> Scorer:
    """chrF2; the signature is sacrebleu's, with our version."""
    nrefs = reference_count(context.references)
    return Chrf("chrf", f"chrf|nrefs:{nrefs}|case:mixed|eff:yes|nc:{ORDER}|nw:0|space:no|v1")


def _ngrams(text: str) -> list[Counter[str]]:
    text = "".join(text.split())
    return [
        Counter([text[start : start + order] for start in range(len(text) - order + 1)])
        for order in range(1, ORDER + 1)
    ]


def _statistics(said: list[Counter[str]], wanted: list[Counter[str]]) -> list[float]:
    row: list[float] = []
    for mine, other in zip(said, wanted, strict=True):
        matches = sum(min(mine[gram], other[gram]) for gram in mine.keys() & other.keys())
        row += [float(mine.total() if other else 0), float(other.total()), float(matches)]
    return row
