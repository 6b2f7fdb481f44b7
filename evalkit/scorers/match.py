"""Scorers that compare a completion with its references as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Literal, TypeVar

from evalkit.schema import SuiteConfig
from evalkit.scorers.base import (
    MeanScorer,
    ScoreFunction,
    Scorer,
    SuiteContext,
    SuiteScorer,
    named,
    scorer,
)
from evalkit.scorers.ngrams import matches
from evalkit.scorers.text import (
    articles,
    normalise,
    normalised_words,
    space_out,
    squad_words,
)

Squad = Literal["1.1", "2.0"]
"""Versions of the SQuAD script, to be followed to the letter in every script."""
Words = Callable[[str], list[str]]
Answer = TypeVar("Answer", str, list[str])


@SuiteScorer
def exact_match(context: SuiteContext, *, squad: Squad | None = None) -> Scorer:
    """Whether the normalised prediction equals a normalised reference (SQuAD's exact match)."""
    dropped = articles(context.config.language)
    normal = partial(normalise, dropped=dropped) if squad is None else _squad_text
    function = partial(_equals, normal=normal, all_=squad == "1.1")
    return _mean("exact_match", context.config, function, squad, "refs:any")


@scorer(details="refs:any|v1")
def exact_match_strict(prediction: str, references: Sequence[str]) -> bool:
    """Whether the prediction equals a reference to the byte."""
    return prediction in references


@SuiteScorer
def contains(context: SuiteContext) -> Scorer:
    """Whether the words of a normalised reference occur side by side in the prediction."""
    dropped = articles(context.config.language)

    def words(text: str) -> list[str]:
        return space_out(normalise(text, dropped)).split()

    function = partial(_contains, words=words)
    return _mean("contains", context.config, function, None, "tok:unicode|refs:any")


@SuiteScorer
def f1(context: SuiteContext, *, squad: Squad | None = None) -> Scorer:
    """Harmonic mean of precision and recall over the multisets of normalised words.

    As `compute_f1` of the SQuAD 2.0 script (Rajpurkar et al. 2018, arXiv:1806.03822): with nothing
    on one side the score is 1 if the other side is empty too, else 0. The script of SQuAD 1.1
    (Rajpurkar et al. 2016, arXiv:1606.05250) gives 0 there.
    """
    dropped = articles(context.config.language)
    words = partial(normalised_words, dropped=dropped) if squad is None else squad_words
    function = partial(_best_f1, words=words, empty=0.0 if squad == "1.1" else 1.0)
    return _mean(
        "f1", context.config, function, squad, f"tok:{'space' if squad else 'unicode'}|refs:max"
    )


def word_f1(said: Sequence[str], wanted: Sequence[str], *, empty: float = 1.0) -> float:
    """F1 of two multisets of words.

    Args:
        said: words of the prediction.
        wanted: words of one reference.
        empty: the score if there is nothing on either side.
    """
    if not said or not wanted:
        return empty if said == wanted else 0.0
    (same,) = matches(said, wanted, 1)
    if not same:
        return 0.0
    precision, recall = same / len(said), same / len(wanted)
    return 2 * precision * recall / (precision + recall)


def _mean(
    name: str, config: SuiteConfig, function: ScoreFunction, squad: Squad | None, details: str
) -> MeanScorer:
    """A mean scorer whose signature says how texts are normalised."""
    language = f"lang:{config.language}|" if config.language and squad is None else ""
    return MeanScorer(
        name=named(name, {} if squad is None else {"squad": squad}),
        signature=f"{name}|norm:squad{'-' + squad if squad else ''}|{language}{details}|v1",
        function=function,
        binary=name != "f1",
    )


def _equals(
    prediction: str, references: Sequence[str], *, normal: Callable[[str], str], all_: bool
) -> bool:
    return normal(prediction) in _answers([normal(text) for text in references], all_=all_)


def _contains(prediction: str, references: Sequence[str], *, words: Words) -> bool:
    """Whatever `exact_match` accepts; a reference without words is contained only in nothing."""
    said = words(prediction)
    inside = f" {' '.join(said)} "
    return any(
        f" {' '.join(wanted)} " in inside if wanted else not said
        for wanted in map(words, references)
    )


def _best_f1(prediction: str, references: Sequence[str], *, words: Words, empty: float) -> float:
    said = words(prediction)
    accepted = _answers([words(text) for text in references], all_=not empty)
    return max(word_f1(said, wanted, empty=empty) for wanted in accepted)


def _answers(normalised: list[Answer], *, all_: bool) -> list[Answer]:
    """The references that count: SQuAD 2.0 leaves out those that are nothing, unless all are."""
    return normalised if all_ else [answer for answer in normalised if answer] or normalised[:1]


def _squad_text(text: str) -> str:
    return " ".join(squad_words(text))


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
