"""ROUGE, as the rouge-score package computes it, in every script.

Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries". For ASCII text the numbers are
those of rouge-score 0.1.2 with `use_stemmer=True` (or False with `stem=False`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any, Literal

from evalkit.scorers.base import MeanScorer, Scorer, SuiteContext, SuiteScorer, changed, named
from evalkit.scorers.lcs import lcs_length, lcs_positions
from evalkit.scorers.ngrams import count, matches_of_order
from evalkit.scorers.sentences import sentences
from evalkit.scorers.stems import MOST_WORDS, stem, stems_words
from evalkit.scorers.text import rouge_words

SHORTEST_WORD = 4
"""Shorter words are not stemmed."""
MOST_SENTENCES = 500
"""Texts of more sentences get them joined two by two, until they are no more."""

Words = list[str]
Split = Literal["lines", "sentences"]


@SuiteScorer
def rouge1(context: SuiteContext, *, stem: bool | None = None) -> Scorer:
    """F-measure of single words, best over references."""
    chosen = _stems(context, stem)
    function = partial(_best, measure=partial(overlap, order=1), cut=partial(tokens, stem=chosen))
    return _mean(named("rouge1", changed(rouge1, stem=stem)), function, chosen)


@SuiteScorer
def rouge2(context: SuiteContext, *, stem: bool | None = None) -> Scorer:
    """F-measure of pairs of neighbouring words, best over references."""
    chosen = _stems(context, stem)
    function = partial(_best, measure=partial(overlap, order=2), cut=partial(tokens, stem=chosen))
    return _mean(named("rouge2", changed(rouge2, stem=stem)), function, chosen)


@SuiteScorer
def rouge_l(context: SuiteContext, *, stem: bool | None = None) -> Scorer:
    """F-measure of the longest common subsequence of words, best over references."""
    chosen = _stems(context, stem)
    function = partial(_best, measure=subsequence, cut=partial(tokens, stem=chosen))
    return _mean(named("rouge_l", changed(rouge_l, stem=stem)), function, chosen)


@SuiteScorer
def rouge_lsum(
    context: SuiteContext, *, stem: bool | None = None, split: Split = "lines"
) -> Scorer:
    """F-measure of the union of sentence-wise common subsequences, best over references.

    Sentences are lines, or with `split="sentences"` what ends in a full stop and the like. Section
    3.2 of Lin 2004, every word counted at most once.
    """
    chosen = _stems(context, stem)
    function = partial(_best, measure=union, cut=partial(_cut, stem=chosen, split=split))
    name = named("rouge_lsum", changed(rouge_lsum, stem=stem, split=split))
    return _mean(name, function, chosen, f"split:{split}|")


def tokens(text: str, *, stem: bool) -> Words:
    """Lower-cased words, those of ASCII letters reduced to their stems if asked."""
    words = rouge_words(text)
    return list(map(_STEMS.__getitem__, words)) if stem else words


class _Stems(dict[str, str]):
    """Word to what ROUGE counts it as, found out once for each."""

    def __missing__(self, word: str) -> str:
        if len(self) >= MOST_WORDS:
            self.clear()
        plain = len(word) < SHORTEST_WORD or not word.isascii()
        self[word] = found = word if plain else stem(word)
        return found


_STEMS = _Stems()


def _stems(context: SuiteContext, asked: bool | None) -> bool:  # noqa: FBT001 - an option
    return stems_words(context.config) if asked is None else asked


def _mean(name: str, function: Callable[..., float], stem: bool, split: str = "") -> MeanScorer:  # noqa: FBT001 - an option
    stems = "yes" if stem else "no"
    base = name.partition("(")[0]
    signature = f"{base}|stem:{stems}|{split}f|tok:unicode|refs:max|v1"
    return MeanScorer(name=name, signature=signature, function=function)


def _cut(text: str, *, stem: bool, split: Split) -> list[Words]:
    parts = text.split("\n") if split == "lines" else sentences(text)
    found = [tokens(part, stem=stem) for part in parts if part]
    while len(found) > MOST_SENTENCES:
        found = [list(chain(*found[at : at + 2])) for at in range(0, len(found), 2)]
    return found


def _best(
    prediction: str,
    references: Sequence[str],
    *,
    measure: Callable[[list[Any], list[Any]], float],
    cut: Callable[[str], list[Any]],
) -> float:
    said = cut(prediction)
    return max(measure(cut(reference), said) for reference in references)


def _f_measure(hits: int, reference: int, prediction: int) -> float:
    precision, recall = hits / max(prediction, 1), hits / max(reference, 1)
    return 2 * precision * recall / (precision + recall) if hits else 0.0


def overlap(reference: Words, prediction: Words, *, order: int) -> float:
    """F-measure of n-grams of one order."""
    hits = matches_of_order(prediction, reference, order)
    return _f_measure(hits, count(reference, order), count(prediction, order))


def subsequence(reference: Words, prediction: Words) -> float:
    """F-measure of the longest common subsequence."""
    return _f_measure(lcs_length(reference, prediction), len(reference), len(prediction))


def union(reference: list[Words], prediction: list[Words]) -> float:
    """F-measure of the words that some sentence of the prediction has in common with a reference's.

    Args:
        reference: its sentences, in words.
        prediction: the same.
    """
    wanted, said = Counter(chain(*reference)), Counter(chain(*prediction))
    others = [(sentence, frozenset(sentence)) for sentence in dict.fromkeys(map(tuple, prediction))]
    hits = 0
    for sentence in reference:
        vocabulary = frozenset(sentence)
        positions = set[int]().union(
            *(lcs_positions(sentence, other) for other, words in others if words & vocabulary)
        )
        for position in sorted(positions):
            word = sentence[position]
            if wanted[word] > 0 and said[word] > 0:
                hits += 1
                wanted[word] -= 1
                said[word] -= 1
    return _f_measure(hits, sum(map(len, reference)), sum(map(len, prediction)))
