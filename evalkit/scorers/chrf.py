"""Corpus chrF and chrF++ as sacrebleu computes them, from statistics that add up.

Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation"; Popović 2017, "chrF++:
words helping character n-grams". Character n-grams without white space, and for chrF++ those of
words; recall weighs `beta` times as much as precision; both are averaged over the orders that both
sides are long enough for.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from annotated_types import Ge

from evalkit.scorers.base import Kind, Scorer, SuiteContext, SuiteScorer, changed, named
from evalkit.scorers.bleu import reference_count
from evalkit.stats.samples import FloatArray

PUNCTUATION = frozenset(string.punctuation)
Grams = list[Counter[Hashable]]


@dataclass(frozen=True)
class Chrf(Scorer):
    """chrF over a corpus; the value of one example is its sentence chrF.

    Attributes:
        char_order: the longest character n-grams.
        word_order: the longest word n-grams; 0 for chrF, 2 for chrF++.
        beta: how many times as much as precision recall weighs.
        lowercase: whether case is ignored.
    """

    name: str
    signature: str
    char_order: int = 6
    word_order: int = 0
    beta: int = 2
    lowercase: bool = False
    kind: Kind = field(default="corpus", init=False)

    def stats(self, prediction: str, references: Sequence[str]) -> tuple[float, ...]:
        """For each order n-grams of the prediction, of the reference, and matches.

        Of several references, the first with the best score; like sacrebleu, which makes the corpus
        score depend on their order where scores tie.
        """
        said = self._grams(prediction)
        rows = [_statistics(said, self._grams(reference)) for reference in references]
        if len(rows) == 1:
            return tuple(rows[0])
        return tuple(rows[int(np.argmax(chrf_score(np.array(rows), self.beta)))])

    def corpus(self, totals: FloatArray) -> FloatArray:
        """ChrF in [0, 1]."""
        return chrf_score(totals, self.beta)

    def _grams(self, text: str) -> Grams:
        text = text.lower() if self.lowercase else text
        joined = "".join(text.split())
        grams: Grams = [
            Counter([joined[start : start + order] for start in range(len(joined) - order + 1)])
            for order in range(1, self.char_order + 1)
        ]
        if self.word_order:
            words = list(_words(text))
            grams += [
                Counter(zip(*(words[start:] for start in range(order)), strict=False))
                for order in range(1, self.word_order + 1)
            ]
        return grams


def chrf_score(totals: FloatArray, beta: int = 2) -> FloatArray:
    """ChrF from summed statistics, shape (..., 3 * orders) to (...); NaN where they are."""
    counts = totals.reshape(*totals.shape[:-1], -1, 3)
    said, wanted, matches = counts[..., 0], counts[..., 1], counts[..., 2]
    present = (said > 0) & (wanted > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        orders = present.sum(axis=-1)
        precision = np.where(present, matches / said, 0.0).sum(axis=-1) / orders
        recall = np.where(present, matches / wanted, 0.0).sum(axis=-1) / orders
        score = (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
    return np.where(np.isnan(totals[..., 0]), np.nan, np.nan_to_num(score))


@SuiteScorer
def chrf(
    context: SuiteContext,
    *,
    char_order: Annotated[int, Ge(1)] = 6,
    word_order: Annotated[int, Ge(0)] = 0,
    beta: Annotated[int, Ge(1)] = 2,
    lowercase: bool = False,
) -> Scorer:
    """chrF2, or chrF2++ with `word_order=2`; the signature is sacrebleu's, with our version."""
    nrefs = reference_count(context.references)
    case = "lc" if lowercase else "mixed"
    signature = f"nrefs:{nrefs}|case:{case}|eff:yes|nc:{char_order}|nw:{word_order}|space:no"
    options = changed(
        chrf, char_order=char_order, word_order=word_order, beta=beta, lowercase=lowercase
    )
    return Chrf(
        named("chrf", options),
        f"chrf|{signature}|{'' if beta == 2 else f'beta:{beta}|'}v1",  # noqa: PLR2004 - the default
        char_order,
        word_order,
        beta,
        lowercase,
    )


def _words(text: str) -> Iterator[str]:
    """Words of chrF++: what white space parts; a sign at the end, or else at the start, is one."""
    for word in text.split():
        if len(word) > 1 and word[-1] in PUNCTUATION:
            yield from (word[:-1], word[-1])
        elif len(word) > 1 and word[0] in PUNCTUATION:
            yield from (word[0], word[1:])
        else:
            yield word


def _statistics(said: Grams, wanted: Grams) -> list[float]:
    row: list[float] = []
    for mine, other in zip(said, wanted, strict=True):
        matches = sum([min(mine[gram], other[gram]) for gram in mine.keys() & other.keys()])
        row += [float(mine.total() if other else 0), float(other.total()), float(matches)]
    return row
