"""ROUGE, as the rouge-score package computes it, in every script.

Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries". For ASCII text the numbers are
those of rouge-score 0.1.2 with `use_stemmer=True` (or False with `stem=False`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Literal, TypeAlias

import numpy as np

from evalkit.scorers import stems
from evalkit.scorers.base import MeanScorer, Scorer, SuiteContext, SuiteScorer, changed, named
from evalkit.scorers.batches import BatchMean
from evalkit.scorers.lcs import lcs_lengths, lcs_positions
from evalkit.scorers.ngrams import Batch, IntArray, f_measure, lengths, totals
from evalkit.scorers.sentences import sentences
from evalkit.scorers.spelling import References, Speller, Words
from evalkit.scorers.text import rouge_pieces, units
from evalkit.stats.samples import FloatArray

SHORTEST_WORD = 4
"""Shorter words are not stemmed."""
MOST_SENTENCES = 200
"""Texts of more sentences get them joined two by two, until they are no more."""

Split = Literal["lines", "sentences"]
Counts: TypeAlias = tuple[IntArray, IntArray, IntArray]
"""Matches, n-grams of the reference and of the prediction, each of shape (pairs,)."""


@SuiteScorer
def rouge1(context: SuiteContext, *, stem: bool | None = None) -> Scorer:
    """F-measure of single words, best over references."""
    return _mean(
        named("rouge1", changed(rouge1, stem=stem)),
        partial(overlap, order=1),
        _stems(context, stem),
    )


@SuiteScorer
def rouge2(context: SuiteContext, *, stem: bool | None = None) -> Scorer:
    """F-measure of pairs of neighbouring words, best over references."""
    return _mean(
        named("rouge2", changed(rouge2, stem=stem)),
        partial(overlap, order=2),
        _stems(context, stem),
    )


@SuiteScorer
def rouge_l(context: SuiteContext, *, stem: bool | None = None) -> Scorer:
    """F-measure of the longest common subsequence of words, best over references."""
    return _mean(named("rouge_l", changed(rouge_l, stem=stem)), subsequence, _stems(context, stem))


@SuiteScorer
def rouge_lsum(
    context: SuiteContext, *, stem: bool | None = None, split: Split = "lines"
) -> Scorer:
    """F-measure of the union of sentence-wise common subsequences, best over references.

    Sentences are lines, or with `split="sentences"` what ends in a full stop and the like. Section
    3.2 of Lin 2004, every word counted at most once.
    """
    chosen = _stems(context, stem)
    speller = _speller(chosen)

    def score(prediction: str, references: Sequence[str]) -> float:
        said = _cut(prediction, split)
        return max(_spelled_union(speller, _cut(text, split), said) for text in references)

    return MeanScorer(
        name=named("rouge_lsum", changed(rouge_lsum, stem=stem, split=split)),
        signature=_sign("rouge_lsum", chosen, f"split:{split}|"),
        function=score,
    )


def tokens(text: str, *, stem: bool) -> list[str]:
    """Lower-cased words, those of ASCII letters reduced to their stems if asked."""
    return (STEMS if stem else WORDS)(text)


def _stem(word: str) -> str:
    plain = len(word) < SHORTEST_WORD or not word.isascii()
    return word if plain else stems.stem(word)


WORDS = Words(rouge_pieces, units)
STEMS = Words(rouge_pieces, lambda piece: [_stem(word) for word in units(piece)])


@lru_cache(maxsize=2)
def _speller(stem: bool) -> Speller:  # noqa: FBT001 - a key
    return Speller(STEMS if stem else WORDS)


def _stems(context: SuiteContext, asked: bool | None) -> bool:  # noqa: FBT001 - an option
    return stems.stems_words(context.config) if asked is None else asked


def _mean(name: str, count: Callable[[Batch], Counts], stem: bool) -> BatchMean:  # noqa: FBT001 - an option
    speller = _speller(stem)

    def measure(predictions: Sequence[str], references: References) -> FloatArray:
        batch = speller.batch(predictions, references)
        return batch.best(f_measure(*count(batch.pairs)))

    return BatchMean(name, _sign(name.partition("(")[0], stem), measure)


def _sign(name: str, stem: bool, split: str = "") -> str:  # noqa: FBT001 - an option
    return f"{name}|stem:{'yes' if stem else 'no'}|{split}f|tok:unicode|refs:max|v1"


def _cut(text: str, split: Split) -> list[str]:
    parts = text.split("\n") if split == "lines" else sentences(text)
    found = [part for part in parts if part]
    while len(found) > MOST_SENTENCES:
        found = ["\n".join(found[at : at + 2]) for at in range(0, len(found), 2)]
    return found


def _spelled_union(speller: Speller, reference: Sequence[str], prediction: Sequence[str]) -> float:
    spelled = speller.spell((*reference, *prediction))
    return union(spelled[: len(reference)], spelled[len(reference) :])


def overlap(pairs: Batch, order: int) -> Counts:
    """Matches and numbers of n-grams of one order, a reference each."""
    hits = pairs.one_and_two[:, order - 1]
    return hits, totals(pairs.accepted, order)[:, -1], totals(pairs.said, order)[:, -1]


def subsequence(pairs: Batch) -> Counts:
    """Lengths of longest common subsequences and of the texts, a reference each."""
    hits = lcs_lengths(pairs.accepted, pairs.said)
    return hits, lengths(pairs.accepted), lengths(pairs.said)


def union(reference: Sequence[str], prediction: Sequence[str]) -> float:
    """F-measure of the words that some sentence of the prediction has in common with a reference's.

    Args:
        reference: its sentences, spelled.
        prediction: the same.
    """
    whole, other_whole = "".join(reference), "".join(prediction)
    wanted, said = Counter(whole), Counter(other_whole)
    others = [(sentence, set(sentence)) for sentence in dict.fromkeys(prediction)]
    hits = 0
    for sentence in reference:
        positions = set[int]().union(
            *(lcs_positions(sentence, other) for other, words in others if words & set(sentence))
        )
        for word in [sentence[position] for position in sorted(positions)]:
            if wanted[word] > 0 and said[word] > 0:
                hits += 1
                wanted[word] -= 1
                said[word] -= 1
    return float(f_measure(*np.array((hits, len(whole), len(other_whole)))))
