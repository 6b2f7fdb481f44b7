"""Scorers that compare a completion with its references as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from operator import eq
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
from evalkit.scorers.ngrams import Batch, BoolArray, f_measure, lengths, matches
from evalkit.scorers.patterns import Pattern, compile_pattern, fits
from evalkit.scorers.spelling import References, Speller, Words
from evalkit.scorers.text import (
    articles,
    normalise,
    normalised_units,
    pieces,
    space_out,
    squad_pieces,
    squad_read,
    squad_words,
)
from evalkit.stats.samples import FloatArray

Squad = Literal["1.1", "2.0"]
"""Versions of the SQuAD script, to be followed to the letter in every script."""
NOTHING = "  "
"""A text without words, with a space on either side."""


@SuiteScorer
def exact_match(context: SuiteContext, *, squad: Squad | None = None) -> Scorer:
    """Whether the normalised prediction equals a normalised reference (SQuAD's exact match)."""
    dropped = articles(context.config.language)
    function = partial(
        _equals,
        speller=_speller(dropped, as_squad=squad is not None),
        normal=_squad_text if squad else partial(normalise, dropped=dropped),
        all_=squad == "1.1",
    )
    name, signature = _called("exact_match", context.config, squad, "refs:any")
    return BatchMean(name, signature, function, binary=True)


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
    dropped = articles(context.config.language)
    function = partial(
        _best_f1,
        speller=_speller(dropped, as_squad=squad is not None),
        empty=0.0 if squad == "1.1" else 1.0,
    )
    words = "space" if squad else "unicode"
    name, signature = _called("f1", context.config, squad, f"tok:{words}|refs:max")
    return BatchMean(name, signature, function)


def _called(name: str, config: SuiteConfig, squad: Squad | None, details: str) -> tuple[str, str]:
    """The name of a scorer, and a signature that says how texts are normalised."""
    language = f"lang:{config.language}|" if config.language and squad is None else ""
    return (
        named(name, {} if squad is None else {"squad": squad}),
        f"{name}|norm:squad{'-' + squad if squad else ''}|{language}{details}|v1",
    )


@lru_cache(maxsize=16)
def _speller(dropped: frozenset[str], *, as_squad: bool) -> Speller:
    if as_squad:
        return Speller(Words(squad_pieces, squad_read))
    return Speller(Words(pieces, partial(normalised_units, dropped=dropped)))


def _squad_text(text: str) -> str:
    return " ".join(squad_words(text))


def _equals(
    predictions: Sequence[str],
    references: References,
    *,
    speller: Speller,
    normal: Callable[[str], str],
    all_: bool,
) -> FloatArray:
    batch = speller.batch(predictions, references)
    pairs = batch.pairs
    texts = [text for accepted in references for text in accepted]
    same = np.fromiter(map(eq, pairs.said, pairs.accepted), dtype=bool, count=len(texts))
    for row, example in zip(np.flatnonzero(same), batch.examples[same], strict=True):
        said, wanted = predictions[example], texts[row]
        if not (said.isascii() and wanted.isascii()):  # equal units may be parted otherwise
            same[row] = normal(said) == normal(wanted)
    return batch.best(np.where(_answers(batch, all_=all_), same, 0.0))


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


def _best_f1(
    predictions: Sequence[str], references: References, *, speller: Speller, empty: float
) -> FloatArray:
    batch = speller.batch(predictions, references)
    pairs = batch.pairs
    said, wanted = lengths(pairs.said), lengths(pairs.accepted)
    values = f_measure(matches(pairs, 1)[:, 0], wanted, said)
    values = np.where(said + wanted, values, empty)
    return batch.best(np.where(_answers(batch, all_=not empty), values, 0.0))


def _answers(batch: Batch, *, all_: bool) -> BoolArray:
    """Which references count: SQuAD 2.0 leaves out those that are nothing, unless all are."""
    filled = lengths(batch.accepted) > 0
    return filled | all_ | ~np.logical_or.reduceat(filled, batch.starts)[batch.examples]


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
