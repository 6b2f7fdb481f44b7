"""Scorers that compare a completion with its references as text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from evalkit.scorers.base import scorer
from evalkit.scorers.text import normalise, normalised_words


@scorer(details="norm:squad|refs:any|v1")
def exact_match(prediction: str, references: Sequence[str]) -> bool:
    """Whether the normalised prediction equals a normalised reference (SQuAD's exact match)."""
    normalised = normalise(prediction)
    return any(normalised == normalise(reference) for reference in references)


@scorer(details="refs:any|v1")
def exact_match_strict(prediction: str, references: Sequence[str]) -> bool:
    """Whether the prediction equals a reference to the byte."""
    return prediction in references


@scorer(details="norm:squad|tok:unicode|refs:any|v1")
def contains(prediction: str, references: Sequence[str]) -> bool:
    """Whether the words of a normalised reference occur side by side in the prediction.

    Whatever `exact_match` accepts, this accepts. A reference that normalises to nothing is
    contained only in a prediction that does so too.
    """
    words = normalised_words(prediction)
    inside = f" {' '.join(words)} "
    return any(
        f" {' '.join(wanted)} " in inside if wanted else not words
        for wanted in map(normalised_words, references)
    )


@scorer(details="norm:squad|tok:unicode|refs:max|v1")
def f1(prediction: str, references: Sequence[str]) -> float:
    """Harmonic mean of precision and recall over the multisets of normalised words.

    As `compute_f1` of the SQuAD v2 evaluation script (Rajpurkar et al. 2018, arXiv:1806.03822):
    with nothing on one side the score is 1 if the other side is empty too, else 0.
    """
    words = normalised_words(prediction)
    return max(_f1(words, normalised_words(reference)) for reference in references)


def _f1(predicted: list[str], wanted: list[str]) -> float:
    if predicted == wanted:
        return 1.0
    if not predicted or not wanted:
        return 0.0
    counts = Counter(wanted)
    same = sum(min(count, counts[word]) for word, count in Counter(predicted).items())
    if not same:
        return 0.0
    precision, recall = same / len(predicted), same / len(wanted)
    return 2 * precision * recall / (precision + recall)


@scorer(details="refs:any|v1")
def regex(
    prediction: str, references: Sequence[str], *, full: bool = False, ignore_case: bool = False
) -> bool:
    """Whether a reference, read as a regular expression of Python's `re`, matches the prediction.

    Args:
        prediction: the completion.
        references: patterns.
        full: whether the pattern has to match all of the prediction instead of some part.
        ignore_case: whether letters match in either case.

    Raises:
        ValueError: a reference is no regular expression.
    """
    patterns = (_pattern(reference, ignore_case=ignore_case) for reference in references)
    return any(
        (pattern.fullmatch(prediction) if full else pattern.search(prediction)) is not None
        for pattern in patterns
    )


@lru_cache(maxsize=4096)
def _pattern(text: str, *, ignore_case: bool) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE if ignore_case else re.NOFLAG)
    except re.error as error:
        raise ValueError(
            f"reference {text!r} is no regular expression: {error}; escape special characters "
            "with a backslash, or use the scorer 'contains'"
        ) from None
