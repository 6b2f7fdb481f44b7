"""ROUGE, as the rouge-score package computes it, in every script.

Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries". For ASCII text the numbers are
those of rouge-score 0.1.2 with `use_stemmer=True` (or False with `stem=False`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal

from evalkit.scorers import stems
from evalkit.scorers.base import MeanScorer, Scorer, SuiteContext, SuiteScorer, changed, named
from evalkit.scorers.lcs import lcs_length, lcs_positions
from evalkit.scorers.ngrams import common_pairs, common_words, count
from evalkit.scorers.sentences import sentences
from evalkit.scorers.spelling import Speller
from evalkit.scorers.text import rouge_words

SHORTEST_WORD = 4
"""Shorter words are not stemmed."""
MOST_SENTENCES = 200
"""Texts of more sentences get them joined two by two, until they are no more."""

Split = Literal["lines", "sentences"]


@SuiteScorer
def rouge1(context: SuiteContext, *, stem: bool | None = None) -> Scorer:
    """F-measure of single words, best over references."""
    return _mean(named("rouge1", changed(rouge1, stem=stem)), words_overlap, _stems(context, stem))


@SuiteScorer
def rouge2(context: SuiteContext, *, stem: bool | None = None) -> Scorer:
    """F-measure of pairs of neighbouring words, best over references."""
    return _mean(named("rouge2", changed(rouge2, stem=stem)), pairs_overlap, _stems(context, stem))


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
    words = rouge_words(text)
    return list(map(_STEMS.__getitem__, words)) if stem else words


class _Stems(dict[str, str]):
    """Word to what ROUGE counts it as, found out once for each."""

    def __missing__(self, word: str) -> str:
        if len(self) >= stems.MOST_WORDS:
            self.clear()
        plain = len(word) < SHORTEST_WORD or not word.isascii()
        self[word] = found = word if plain else stems.stem(word)
        return found


_STEMS = _Stems()


@lru_cache(maxsize=2)
def _speller(stem: bool) -> Speller:  # noqa: FBT001 - a key
    return Speller(rouge_words, _STEMS.__getitem__ if stem else None)


def _stems(context: SuiteContext, asked: bool | None) -> bool:  # noqa: FBT001 - an option
    return stems.stems_words(context.config) if asked is None else asked


def _mean(name: str, measure: Callable[[str, str], float], stem: bool) -> MeanScorer:  # noqa: FBT001 - an option
    spell = _speller(stem).pair

    def score(prediction: str, references: Sequence[str]) -> float:
        said, accepted = spell(prediction, references)
        return max(measure(wanted, said) for wanted in accepted)

    return MeanScorer(name=name, signature=_sign(name.partition("(")[0], stem), function=score)


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


def _f_measure(hits: int, reference: int, prediction: int) -> float:
    precision, recall = hits / max(prediction, 1), hits / max(reference, 1)
    return 2 * precision * recall / (precision + recall) if hits else 0.0


def words_overlap(reference: str, prediction: str) -> float:
    """F-measure of words, of spelled texts."""
    return _f_measure(common_words(prediction, reference), len(reference), len(prediction))


def pairs_overlap(reference: str, prediction: str) -> float:
    """F-measure of pairs of neighbouring words, of spelled texts."""
    hits = common_pairs(prediction, reference)
    return _f_measure(hits, count(reference, 2), count(prediction, 2))


def subsequence(reference: str, prediction: str) -> float:
    """F-measure of the longest common subsequence, of spelled texts."""
    return _f_measure(lcs_length(reference, prediction), len(reference), len(prediction))


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
    return _f_measure(hits, len(whole), len(other_whole))
