"""The scorers of a stored run with the statistics of its answers, as comparisons want them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import ComparabilityError
from evalkit.pipeline.scoring import score_split, suite_scorers
from evalkit.schema import ScorerInfo, SplitResult, SuiteConfig
from evalkit.scorers import MeanScorer, Scorer

if TYPE_CHECKING:
    from numpy.typing import NDArray

Stats = Mapping[tuple[str, str], "NDArray[np.float64]"]


def stored_scorer(
    config: SuiteConfig, split: SplitResult, known: ScorerInfo
) -> tuple[Scorer, Stats]:
    """A scorer and its statistics of every model.

    Means are rebuilt from the stored values of the examples, whoever computed them. Other scores
    are computed again from the completions.

    Args:
        config: the suite.
        split: answers and values of its test split.
        known: what the run says of the scorer.

    Raises:
        ComparabilityError: this evalkit computes the score in another way.
        ScorerError: a scorer that is not to be had any more.
    """
    if known.kind == "mean":
        return _rebuilt(known), {
            key: np.column_stack([values, np.where(np.isnan(values), np.nan, 1.0)])
            for key, values in split.values.items()
            if key[1] == known.name
        }
    scorer = _named(config, split, known.name)
    if scorer.signature != known.signature:
        raise ComparabilityError(
            f"suite {config.name!r}: this evalkit computes {known.name!r} as {scorer.signature}, "
            f"the runs as {known.signature}; score both again"
        )
    return scorer, score_split(config, split, [scorer]).stats


def _named(config: SuiteConfig, split: SplitResult, name: str) -> Scorer:
    """The scorer of a suite that has a name, however the suite spells it: `own.py:LengthRatio`."""
    for spec in () if name in config.scorers else config.scorers:
        (scorer,) = suite_scorers(config, split.examples, [spec])
        if scorer.name == name:
            return scorer
    (scorer,) = suite_scorers(config, split.examples, [name])
    return scorer


def _rebuilt(known: ScorerInfo) -> MeanScorer:
    return MeanScorer(
        name=known.name,
        signature=known.signature,
        function=_not_again,
        unit=known.unit,
        better=known.better,
        binary=known.binary,
    )


def _not_again(prediction: str, references: Sequence[str]) -> float:
    """Stands where the function was: what it returned is stored."""
    raise NotImplementedError((prediction, references))
