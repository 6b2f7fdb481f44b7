"""Scorers that compare a completion with its references as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator

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
from evalkit.scorers.ngrams import common_items
from evalkit.scorers.patterns import Pattern, compile_pattern, fits
from evalkit.scorers.text import (
    articles,
    normalise,
    normalised_words,
    space_out,
    squad_words,
)

Squad = Literal["1.1", "2.0"]
"""Versions of the SQuAD script, to be followed to the letter in every script."""
Cut = Callable[[str], list[str]]
Answer = TypeVar("Answer", str, list[str])
NOTHING = "  "
"""A text without words, with a space on either side."""


@SuiteScorer
def exact_match(context: SuiteContext, *, squad: Squad | None = None) -> Scorer:
    """Whether the normalised prediction equals a normalised reference (SQuAD's exact match)."""
    dropped = articles(context.config.language)
    function = partial(
        _equals,
        normal=_squad_text if squad else partial(normalise, dropped=dropped),
        all_=squad == "1.1",
    )
    return _mean("exact_match", context.config, function, squad, "refs:any")


@scorer(details="refs:any|v1")
def exact_match_strict(prediction: str, references: Sequence[str]) -> bool:
    """Whether the prediction equals a reference to the byte."""
    return prediction in references


@SuiteScorer
def contains(context: SuiteContext) -> Scorer:
    """Whether the words of a normalised reference occur side by side in the prediction."""
    dropped = articles(context.config.language)
    function = partial(_contains, normal=partial(normalise, dropped=dropped))
    return _mean("contains", context.config, function, None, "tok:unicode|refs:any")


@SuiteScorer
def f1(context: SuiteContext, *, squad: Squad | None = None) -> Scorer:
    """Harmonic mean of precision and recall over the multisets of normalised words.

    As `compute_f1` of the SQuAD 2.0 script (Rajpurkar et al. 2018, arXiv:1806.03822): with nothing
    on one side the score is 1 if the other side is empty too, else 0. The script of SQuAD 1.1
    (Rajpurkar et al. 2016, arXiv:1606.05250) gives 0 there.
    """
    dropped = articles(context.config.language)
    function = partial(
        _best_f1,
        cut=squad_words if squad else partial(normalised_words, dropped=dropped),
        empty=0.0 if squad == "1.1" else 1.0,
    )
    words = "space" if squad else "unicode"
    return _mean("f1", context.config, function, squad, f"tok:{words}|refs:max")


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


def _squad_text(text: str) -> str:
    return " ".join(squad_words(text))


def _equals(
    prediction: str, references: Sequence[str], *, normal: Callable[[str], str], all_: bool
) -> bool:
    return normal(prediction) in _answers([normal(text) for text in references], all_=all_)


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


def _best_f1(prediction: str, references: Sequence[str], *, cut: Cut, empty: float) -> float:
    said = cut(prediction)
    accepted = _answers([cut(text) for text in references], all_=not empty)
    return max(_f1(said, wanted, empty) for wanted in accepted)


def _f1(said: list[str], wanted: list[str], empty: float) -> float:
    if not said or not wanted:
        return empty if said == wanted else 0.0
    same = common_items(said, wanted)
    if not same:
        return 0.0
    precision, recall = same / len(said), same / len(wanted)
    return 2 * precision * recall / (precision + recall)


def _answers(normalised: list[Answer], *, all_: bool) -> list[Answer]:
    """The references that count: SQuAD 2.0 leaves out those that are nothing, unless all are."""
    return normalised if all_ else [answer for answer in normalised if answer] or normalised[:1]


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
