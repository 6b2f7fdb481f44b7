"""Sentence BLEU as nltk computes it: each completion by itself, and the mean of that.

It is no estimate of corpus BLEU; it is here because others report it. Chen and Cherry 2014, "A
Systematic Comparison of Smoothing Techniques for Sentence-Level BLEU", for the smoothing.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from evalkit.scorers.base import Scorer, SuiteContext, SuiteScorer, changed, named
from evalkit.scorers.batches import BatchMean
from evalkit.scorers.bleu import ORDER, statistics
from evalkit.scorers.tokenizers import Tokenizer, speller_for
from evalkit.stats.samples import FloatArray

EPSILON = 0.1
Smooth = Literal["none", "epsilon", "add-one", "nist"]
Precisions = list[float]


@SuiteScorer
def sentence_bleu(
    context: SuiteContext, *, smooth: Smooth = "none", tokenize: Tokenizer = "auto"
) -> Scorer:
    """Sentence BLEU over the words that BLEU counts, against all references at once."""
    tokenizer, speller = speller_for(context, tokenize, "sentence_bleu")

    def measure(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> FloatArray:
        rows = statistics(speller.batch(predictions, references)).astype(int).tolist()
        return np.array([score(row, smooth) for row in rows])

    return BatchMean(
        name=named("sentence_bleu", changed(sentence_bleu, smooth=smooth, tokenize=tokenize)),
        signature=f"sentence_bleu|smooth:{smooth}|tok:{tokenizer}|refs:all|v1",
        measure=measure,
    )


def score(statistics: Sequence[int], smooth: Smooth) -> float:
    """Sentence BLEU of one example.

    Args:
        statistics: those of BLEU: matches (4), totals (4), length, closest reference's length.
        smooth: what an order without a match counts as. `none`: next to nothing, some 1e-308;
            `epsilon`: 0.1 matches; `add-one`: one more match of one more n-gram, for every order
            above the first; `nist`: 1/2 match, 1/4 for the next such order, and so on.
    """
    hits, totals, (said, closest) = statistics[:ORDER], statistics[ORDER:-2], statistics[-2:]
    if not hits[0]:
        return 0.0
    possible = [max(total, 1) for total in totals]
    logarithms = [math.log(p) / ORDER for p in _SMOOTHED[smooth](hits, possible)]
    brevity = 1.0 if said > closest else math.exp(1 - closest / said)
    return brevity * math.exp(math.fsum(logarithms))


def _unsmoothed(hits: Sequence[int], possible: Sequence[int]) -> Precisions:
    pairs = zip(hits, possible, strict=True)
    return [hit / total if hit else sys.float_info.min for hit, total in pairs]


def _epsilon(hits: Sequence[int], possible: Sequence[int]) -> Precisions:
    return [(hit or EPSILON) / total for hit, total in zip(hits, possible, strict=True)]


def _add_one(hits: Sequence[int], possible: Sequence[int]) -> Precisions:
    longer = zip(hits[1:], possible[1:], strict=True)
    return [hits[0] / possible[0], *((hit + 1) / (total + 1) for hit, total in longer)]


def _nist(hits: Sequence[int], possible: Sequence[int]) -> Precisions:
    half, found = 1.0, []
    for hit, total in zip(hits, possible, strict=True):
        half = half if hit else half / 2
        found.append((hit or half) / total)
    return found


_SMOOTHED: Mapping[Smooth, Callable[[Sequence[int], Sequence[int]], Precisions]] = {
    "none": _unsmoothed,
    "epsilon": _epsilon,
    "add-one": _add_one,
    "nist": _nist,
}
