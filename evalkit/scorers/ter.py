"""TER, the edits that turn a completion into its reference, as sacrebleu computes it.

Snover et al. 2006, "A Study of Translation Edit Rate with Targeted Human Annotation". The search
for shifts takes seconds for a pair of a few hundred words: longer texts are done without shifts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from evalkit.scorers.base import Kind, Scorer, SuiteContext, SuiteScorer, changed, named
from evalkit.scorers.bleu import reference_count
from evalkit.stats.samples import FloatArray

MOST_WORDS = 200
"""Pairs with a longer side are compared word by word, without shifts: an upper bound of TER."""


@dataclass(frozen=True)
class Ter(Scorer):
    """Edits over reference words; less is better, and more than 1 is possible.

    Attributes:
        edit: prediction and references to edits and mean reference length, with shifts.
        lowercase: whether case is ignored.
    """

    name: str
    signature: str
    edit: Callable[[str, Sequence[str]], tuple[float, float]]
    lowercase: bool
    unit: str = field(default="edits a word", init=False)
    better: int = field(default=-1, init=False)
    kind: Kind = field(default="corpus", init=False)

    def stats(self, prediction: str, references: Sequence[str]) -> tuple[float, ...]:
        """Fewest edits over the references, and the mean of the references' lengths in words."""
        longest = max(len(text.split()) for text in (prediction, *references))
        if longest <= MOST_WORDS:
            return self.edit(prediction, references)
        said = self._words(prediction)
        accepted = [self._words(reference) for reference in references]
        fewest = min(_levenshtein(said, wanted) for wanted in accepted)
        return float(fewest), sum(map(len, accepted)) / len(accepted)

    def corpus(self, totals: FloatArray) -> FloatArray:
        """Edits over words; without any reference word, 1 if there are edits and 0 if not."""
        edits, words = totals[..., 0], totals[..., 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            rate: FloatArray = np.where(words == 0, np.minimum(edits, 1.0), edits / words)
        return rate

    def _words(self, text: str) -> list[str]:
        return (text.lower() if self.lowercase else text).split()


@SuiteScorer
def ter(context: SuiteContext, *, lowercase: bool = True) -> Scorer:
    """TER over what white space parts, as sacrebleu has it by default."""
    nrefs = reference_count(context.references)
    case = "lc" if lowercase else "mixed"
    return Ter(
        named("ter", changed(ter, lowercase=lowercase)),
        f"ter|nrefs:{nrefs}|case:{case}|tok:tercom|norm:no|punct:yes|asian:no|"
        f"shifts:{MOST_WORDS}|v1",
        partial(_edit, case_sensitive=not lowercase),
        lowercase,
    )


def _edit(
    prediction: str, references: Sequence[str], *, case_sensitive: bool
) -> tuple[float, float]:
    from sacrebleu.metrics import TER

    score = TER(case_sensitive=case_sensitive).sentence_score(prediction, list(references))
    return float(score.num_edits), float(score.ref_length)


def _levenshtein(said: list[str], wanted: list[str]) -> int:
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.distance(said, wanted) if wanted else len(said)
