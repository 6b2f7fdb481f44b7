"""ROUGE, as the rouge-score package computes it, in every script.

Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries". For ASCII text the numbers are
those of rouge-score 0.1.2 with `use_stemmer=True` (or False with `stem=False`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain, pairwise
from typing import Any, TypeVar

from evalkit.scorers.base import scorer
from evalkit.scorers.lcs import lcs_length, lcs_positions
from evalkit.scorers.text import rouge_words

LONGEST_WORD = 100
"""Longer words are not stemmed: no English word is so long, and the stemmer is not linear."""
SHORTEST_WORD = 4
DETAILS = "f|tok:unicode|refs:max|v1"

Words = list[str]
Cut = TypeVar("Cut")


@scorer(details=DETAILS)
def rouge1(prediction: str, references: Sequence[str], *, stem: bool = True) -> float:
    """F-measure of single words, best over references."""
    return _best(_overlap, prediction, references, lambda text: tokens(text, stem=stem))


@scorer(details=DETAILS)
def rouge2(prediction: str, references: Sequence[str], *, stem: bool = True) -> float:
    """F-measure of pairs of neighbouring words, best over references."""
    return _best(_overlap, prediction, references, lambda text: _pairs(tokens(text, stem=stem)))


@scorer(details=DETAILS)
def rouge_l(prediction: str, references: Sequence[str], *, stem: bool = True) -> float:
    """F-measure of the longest common subsequence of words, best over references."""
    return _best(_subsequence, prediction, references, lambda text: tokens(text, stem=stem))


@scorer(details=f"split:newline|{DETAILS}")
def rouge_lsum(prediction: str, references: Sequence[str], *, stem: bool = True) -> float:
    """F-measure of the union of sentence-wise common subsequences, best over references.

    Sentences are lines. Section 3.2 of Lin 2004, every word counted at most once.
    """
    return _best(_summary, prediction, references, lambda text: _sentences(text, stem=stem))


def tokens(text: str, *, stem: bool) -> Words:
    """Lower-cased words, those of ASCII letters reduced to their stems if asked."""
    words = rouge_words(text)
    return (
        [_stem(word) if len(word) >= SHORTEST_WORD else word for word in words] if stem else words
    )


@lru_cache(maxsize=1)
def _stemmer() -> Any:  # noqa: ANN401 - nltk has no types
    from nltk.stem.porter import PorterStemmer

    return PorterStemmer()


@lru_cache(maxsize=2**17)
def _stem(word: str) -> str:
    if len(word) > LONGEST_WORD or not word.isascii():
        return word
    return str(_stemmer().stem(word))


def _pairs(words: Words) -> list[tuple[str, str]]:
    return list(pairwise(words))


def _sentences(text: str, *, stem: bool) -> list[Words]:
    return [tokens(line, stem=stem) for line in text.split("\n") if line]


def _best(
    measure: Callable[[Cut, Cut], float],
    prediction: str,
    references: Sequence[str],
    cut: Callable[[str], Cut],
) -> float:
    said = cut(prediction)
    return max(measure(cut(reference), said) for reference in references)


def _f_measure(hits: int, reference: int, prediction: int) -> float:
    precision, recall = hits / max(prediction, 1), hits / max(reference, 1)
    return 2 * precision * recall / (precision + recall) if hits else 0.0


def _overlap(reference: Sequence[Any], prediction: Sequence[Any]) -> float:
    wanted, said = Counter(reference), Counter(prediction)
    hits = sum(min(wanted[item], said[item]) for item in wanted.keys() & said.keys())
    return _f_measure(hits, len(reference), len(prediction))


def _subsequence(reference: Words, prediction: Words) -> float:
    return _f_measure(lcs_length(reference, prediction), len(reference), len(prediction))


def _summary(reference: list[Words], prediction: list[Words]) -> float:
    wanted, said = Counter(chain(*reference)), Counter(chain(*prediction))
    hits = 0
    for sentence in reference:
        union = set[int]().union(*(lcs_positions(sentence, other) for other in prediction))
        for position in sorted(union):
            word = sentence[position]
            if wanted[word] > 0 and said[word] > 0:
                hits += 1
                wanted[word] -= 1
                said[word] -= 1
    return _f_measure(hits, sum(map(len, reference)), sum(map(len, prediction)))
