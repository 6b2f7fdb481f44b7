"""Scorers that compare a completion with its references as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Annotated, Literal

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
from evalkit.scorers.ngrams import common_words
from evalkit.scorers.patterns import Pattern, compile_pattern, fits
from evalkit.scorers.spelling import Speller
from evalkit.scorers.text import (
    articles,
    normalise,
    normalised_words,
    space_out,
    squad_words,
)

Squad = Literal["1.1", "2.0"]
"""Versions of the SQuAD script, to be followed to the letter in every script."""
Spell = Callable[[str, Sequence[str]], tuple[str, list[str]]]


@SuiteScorer
def exact_match(context: SuiteContext, *, squad: Squad | None = None) -> Scorer:
    """Whether the normalised prediction equals a normalised reference (SQuAD's exact match)."""
    dropped = articles(context.config.language)
    function = partial(
        _equals,
        spell=_speller(dropped, squad).pair,
        normal=partial(normalise, dropped=dropped) if squad is None else None,
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
    spell = _letter_speller(articles(context.config.language)).pair
    function = partial(_contains, spell=spell)
    return _mean("contains", context.config, function, None, "tok:unicode|refs:any")


@SuiteScorer
def f1(context: SuiteContext, *, squad: Squad | None = None) -> Scorer:
    """Harmonic mean of precision and recall over the multisets of normalised words.

    As `compute_f1` of the SQuAD 2.0 script (Rajpurkar et al. 2018, arXiv:1806.03822): with nothing
    on one side the score is 1 if the other side is empty too, else 0. The script of SQuAD 1.1
    (Rajpurkar et al. 2016, arXiv:1606.05250) gives 0 there.
    """
    spell = _speller(articles(context.config.language), squad).pair
    function = partial(_best_f1, spell=spell, empty=0.0 if squad == "1.1" else 1.0)
    words = "space" if squad else "unicode"
    return _mean("f1", context.config, function, squad, f"tok:{words}|refs:max")


@lru_cache(maxsize=16)
def _speller(dropped: frozenset[str], squad: Squad | None) -> Speller:
    return Speller(squad_words if squad else partial(normalised_words, dropped=dropped))


@lru_cache(maxsize=16)
def _letter_speller(dropped: frozenset[str]) -> Speller:
    """Single letters of unspaced scripts: there, a word may be one and begin anywhere."""
    return Speller(lambda text: space_out(normalise(text, dropped)).split())


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
    prediction: str,
    references: Sequence[str],
    *,
    spell: Spell,
    normal: Callable[[str], str] | None,
    all_: bool,
) -> bool:
    """Equal words; in unspaced scripts the spaces have to agree as well."""
    said, accepted = spell(prediction, references)
    if said not in _answers(accepted, all_=all_):
        return False
    if normal is None or prediction.isascii():
        return True
    return normal(prediction) in map(normal, references)


def _contains(prediction: str, references: Sequence[str], *, spell: Spell) -> bool:
    """Whatever `exact_match` accepts; a reference without words is contained only in nothing."""
    said, accepted = spell(prediction, references)
    return any(wanted in said if wanted else not said for wanted in accepted)


def _best_f1(prediction: str, references: Sequence[str], *, spell: Spell, empty: float) -> float:
    said, accepted = spell(prediction, references)
    return max(_f1(said, wanted, empty) for wanted in _answers(accepted, all_=not empty))


def _f1(said: str, wanted: str, empty: float) -> float:
    if not said or not wanted:
        return empty if said == wanted else 0.0
    same = common_words(said, wanted)
    if not same:
        return 0.0
    precision, recall = same / len(said), same / len(wanted)
    return 2 * precision * recall / (precision + recall)


def _answers(spelled: list[str], *, all_: bool) -> list[str]:
    """The references that count: SQuAD 2.0 leaves out those that are nothing, unless all are."""
    return spelled if all_ else [answer for answer in spelled if answer] or spelled[:1]


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
