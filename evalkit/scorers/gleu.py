"""GLEU, the sentence score of Google's translation system, as nltk computes it.

Wu et al. 2016 (arXiv:1609.08144), section 4.3: matches of 1- to 4-grams over the n-grams of the
longer side, which is the lesser of precision and recall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from evalkit.scorers.base import Kind, Scorer, SuiteContext, SuiteScorer, changed, named
from evalkit.scorers.ngrams import matches
from evalkit.scorers.spelling import Speller
from evalkit.scorers.tokenizers import Tokenizer, speller_for
from evalkit.stats.samples import FloatArray

ORDER = 4


@dataclass(frozen=True)
class Gleu(Scorer):
    """GLEU over a corpus; the value of one example is its sentence GLEU.

    Attributes:
        speller: what cuts texts into words.
    """

    name: str
    signature: str
    speller: Speller
    kind: Kind = field(default="corpus", init=False)

    def stats(self, prediction: str, references: Sequence[str]) -> tuple[float, ...]:
        """Matches, and n-grams of the longer side, against the reference that scores best."""
        said, accepted = self.speller.pair(prediction, references)
        pairs = [_statistics(said, wanted) for wanted in accepted]
        return max(pairs, key=lambda pair: pair[0] / pair[1] if pair[1] else -1.0)

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


def _statistics(said: str, wanted: str) -> tuple[float, float]:
    longer = max(len(said), len(wanted))
    matched = sum(matches(said, wanted, ORDER))
    return float(matched), float(sum(max(longer - n, 0) for n in range(ORDER)))
