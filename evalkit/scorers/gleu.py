"""GLEU, the sentence score of Google's translation system, as nltk computes it.

Wu et al. 2016 (arXiv:1609.08144), section 4.3: matches of 1- to 4-grams over the n-grams of the
longer side, which is the lesser of precision and recall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from evalkit.scorers.base import Kind, Scorer, SuiteContext, SuiteScorer, changed, named
from evalkit.scorers.batches import BatchScorer
from evalkit.scorers.ngrams import matches, totals
from evalkit.scorers.spelling import Speller
from evalkit.scorers.tokenizers import Tokenizer, speller_for
from evalkit.stats.samples import FloatArray

ORDER = 4


@dataclass(frozen=True)
class Gleu(BatchScorer):
    """GLEU over a corpus; the value of one example is its sentence GLEU.

    Attributes:
        speller: what cuts texts into words.
    """

    name: str
    signature: str
    speller: Speller
    kind: Kind = field(default="corpus", init=False)

    def table(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> FloatArray:
        """Matches, and n-grams of the longer side, against the reference that scores best."""
        batch = self.speller.batch(predictions, references)
        pairs = batch.pairs
        longer = np.maximum(totals(pairs.said, ORDER), totals(pairs.accepted, ORDER))
        matched, possible = matches(pairs, ORDER).sum(axis=1), longer.sum(axis=1)
        share = np.where(possible, matched / np.maximum(possible, 1), -1.0)
        return np.column_stack((matched, possible)).astype(np.float64)[batch.best_rows(share)]

    def corpus(self, totals: FloatArray) -> FloatArray:
        """Matches over n-grams; 0 of nothing."""
        matched, possible = totals[..., 0], totals[..., 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            score: FloatArray = np.where(possible == 0, 0.0, matched / possible)
        return score


@SuiteScorer
def gleu(context: SuiteContext, *, tokenize: Tokenizer = "auto") -> Scorer:
    """GLEU over the words that BLEU counts too."""
    tokenizer, speller = speller_for(context, tokenize, "gleu")
    name = named("gleu", changed(gleu, tokenize=tokenize))
    return Gleu(name, f"gleu|n:1-{ORDER}|tok:{tokenizer}|refs:max|v1", speller)
