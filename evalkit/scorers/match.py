"""Scorers that compare a completion with its references as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator

from evalkit.schema import SuiteConfig
from evalkit.scorers.base import (
    MeanScorer,
    Scorer,
    SuiteContext,
    SuiteScorer,
    named,
    scorer,
)
from evalkit.scorers.batches import BatchMean
from evalkit.scorers.ngrams import common_items
from evalkit.scorers.patterns import Pattern, compile_pattern, fits
from evalkit.scorers.text import (
    articles,
    in_units,
    normalise,
    space_out,
    squad_words,
    words_of_normalised,
)
from evalkit.stats.samples import FloatArray

Squad = Literal["1.1", "2.0"]
"""Versions of the SQuAD script, to be followed to the letter in every script."""
MOST_BATCHES = 2**9
"""Batches whose scores are remembered: those of one scorer are often the next one's too."""
NOTHING = "  "
"""A text without words, with a space on either side."""


@SuiteScorer
def exact_match(context: SuiteContext, *, squad: Squad | None = None) -> Scorer:
    """Whether the normalised prediction equals a normalised reference (SQuAD's exact match)."""
    rule = Rule(articles(context.config.language), squad)
    name, signature = _called("exact_match", context.config, squad, "refs:any")
    return BatchMean(name, signature, lambda *texts: _compared(rule, *texts)[:, 0], binary=True)


@scorer(details="refs:any|v1")
def exact_match_strict(prediction: str, references: Sequence[str]) -> bool:
    """Whether the prediction equals a reference to the byte."""
    return prediction in references


@SuiteScorer
def contains(context: SuiteContext) -> Scorer:
    """Whether the words of a normalised reference occur side by side in the prediction."""
    dropped = articles(context.config.language)
    function = partial(_contains, normal=partial(normalise, dropped=dropped))
    name, signature = _called("contains", context.config, None, "tok:unicode|refs:any")
    return MeanScorer(name, signature, function, binary=True)


@SuiteScorer
def f1(context: SuiteContext, *, squad: Squad | None = None) -> Scorer:
    """Harmonic mean of precision and recall over the multisets of normalised words.

    As `compute_f1` of the SQuAD 2.0 script (Rajpurkar et al. 2018, arXiv:1806.03822): with nothing
    on one side the score is 1 if the other side is empty too, else 0. The script of SQuAD 1.1
    (Rajpurkar et al. 2016, arXiv:1606.05250) gives 0 there.
    """
    rule = Rule(articles(context.config.language), squad)
    words = "space" if squad else "unicode"
    name, signature = _called("f1", context.config, squad, f"tok:{words}|refs:max")
    return BatchMean(name, signature, lambda *texts: _compared(rule, *texts)[:, 1])


def _called(name: str, config: SuiteConfig, squad: Squad | None, details: str) -> tuple[str, str]:
    """The name of a scorer, and a signature that says how texts are normalised."""
    language = f"lang:{config.language}|" if config.language and squad is None else ""
    return (
        named(name, {} if squad is None else {"squad": squad}),
        f"{name}|norm:squad{'-' + squad if squad else ''}|{language}{details}|v1",
    )


def _contains(prediction: str, references: Sequence[str], *, normal: Callable[[str], str]) -> bool:
    """Whatever `exact_match` accepts; a reference without words is contained only in nothing."""
    said = _spaced(normal(prediction))
    return any(
        wanted in said if wanted != NOTHING else said == NOTHING
        for wanted in (_spaced(normal(text)) for text in references)
    )


def _spaced(normalised: str) -> str:
    """Words with a space on either side; letters of unspaced scripts are words."""
    return f" {' '.join(space_out(normalised).split())} "


@dataclass(frozen=True, slots=True)
class Rule:
    """How texts are normalised, and which references count.

    Attributes:
        dropped: articles.
        squad: the version of the SQuAD script that is followed to the letter.
    """

    dropped: frozenset[str]
    squad: Squad | None

    def words(self, text: str) -> list[str]:
        """What white space parts in the normalised text."""
        return squad_words(text) if self.squad else words_of_normalised(text, self.dropped)

    def answers(self, normalised: list[list[str]]) -> list[list[str]]:
        """The references that count: since 2.0 not those that are nothing, unless all are."""
        if self.squad == "1.1":
            return normalised
        return [answer for answer in normalised if answer] or normalised[:1]


def _compared(
    rule: Rule, predictions: Sequence[str], references: Sequence[Sequence[str]]
) -> FloatArray:
    """Exact match and F1 of every example, which most ask for together; shape (n, 2)."""
    return _remembered(rule, tuple(predictions), tuple(map(tuple, references)))


@lru_cache(maxsize=MOST_BATCHES)
def _remembered(
    rule: Rule, predictions: tuple[str, ...], references: tuple[tuple[str, ...], ...]
) -> FloatArray:
    pairs = zip(predictions, references, strict=True)
    return np.array([_compare(rule, prediction, accepted) for prediction, accepted in pairs])


def _compare(rule: Rule, prediction: str, references: Sequence[str]) -> tuple[float, float]:
    """Exact match and F1 of one example."""
    said = rule.words(prediction)
    accepted = rule.answers([rule.words(text) for text in references])
    exact = said in accepted
    if rule.squad is None and not (prediction.isascii() and all(map(str.isascii, references))):
        said, accepted = in_units(said), [in_units(words) for words in accepted]
    empty = 0.0 if rule.squad == "1.1" else 1.0
    return float(exact), max([_f1(said, wanted, empty) for wanted in accepted])


def _f1(said: list[str], wanted: list[str], empty: float) -> float:
    if not said or not wanted:
        return empty if said == wanted else 0.0
    same = common_items(said, wanted)
    if not same:
        return 0.0
    precision, recall = same / len(said), same / len(wanted)
    return 2 * precision * recall / (precision + recall)


def _checked(pattern: str | None) -> str | None:
    """A pattern that can be compiled, or none."""
    if pattern is not None:
        compile_pattern(pattern)
    return pattern


@scorer(details="refs:any|v1")
def regex(
    prediction: str,
    references: Sequence[str],
    *,
    pattern: Annotated[str | None, AfterValidator(_checked)] = None,
    full: bool = False,
    ignore_case: bool = False,
) -> bool:
    """Whether a regular expression in the syntax of Python's `re` matches the prediction.

    Args:
        prediction: the completion.
        references: patterns.
        pattern: the shape that every answer has to have, instead of the references.
        full: whether the pattern has to match all of the prediction instead of some part.
        ignore_case: whether letters match in either case.

    Raises:
        ValueError: a reference is no regular expression.
        ScorerError: a pattern took too long.
    """
    patterns = references if pattern is None else [pattern]
    return any(
        fits(_pattern(text, ignore_case=ignore_case), prediction, full=full) for text in patterns
    )


def _pattern(text: str, *, ignore_case: bool) -> Pattern:
    try:
        return compile_pattern(text, ignore_case=ignore_case)
    except ValueError as error:
        raise ValueError(
            f"reference {error}; escape special characters with a backslash, or use the scorer "
            "'contains'"
        ) from None
