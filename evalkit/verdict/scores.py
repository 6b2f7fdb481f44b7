"""Scores with their intervals: the rows of summary.csv."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from evalkit.schema import Looks, Score, SplitResult
from evalkit.scorers import Scorer, class_report
from evalkit.scorers.classes import ClassScorer
from evalkit.stats.intervals import Interval, score_interval, t_interval
from evalkit.stats.resampling import bootstrap_interval
from evalkit.stats.samples import SEED, SMALL_SAMPLE, Clusters, FloatArray, rng
from evalkit.verdict.looks import level_of
from evalkit.verdict.parts import Part, clusters_of, slices_of, subset, whole

Stats = Mapping[tuple[str, str], NDArray[np.float64]]
"""(model, scorer) -> statistics (n, k) of one split; a missing answer is a row of NaN."""

FEWEST_REFERENCES = 10
"""An average over classes is unreliable if some class has fewer references than this."""


def score_rows(
    split: SplitResult,
    stats: Stats,
    scorers: Sequence[Scorer],
    *,
    slices: Sequence[str] = (),
    seed: int = SEED,
    looks: Looks | None = None,
) -> list[Score]:
    """Every model's score by every scorer, on the whole split and on each slice.

    Means of scores get Wilson's interval on the effective sample size, means of descriptions a t
    interval, scores of summed statistics a percentile bootstrap.

    Args:
        split: answers and per-example values.
        stats: the statistics behind the values.
        scorers: what was computed.
        slices: fields whose values form slices.
        seed: of the resamples.
        looks: when the run looked, if it did before all was asked.
    """
    parts = [whole(split.examples), *slices_of(split.examples, slices)]
    clusters = clusters_of(split.examples)
    level = level_of(looks if split.split == "test" else None)
    estimate = partial(_estimate, seed=seed, level=level)
    return [
        _score(split, part, clusters, model, scorer, stats[model, scorer.name], estimate)
        for scorer in scorers
        for model in split.answers
        for part in parts
    ]


def _score(
    split: SplitResult,
    part: Part,
    clusters: Clusters,
    model: str,
    scorer: Scorer,
    rows: FloatArray,
    estimate: Callable[[Scorer, FloatArray, Clusters, str], tuple[float, Interval]],
) -> Score:
    answered = part.members[~np.isnan(rows[part.members]).any(axis=1)]
    n = answered.size
    value, bounds = math.nan, Interval(math.nan, math.nan)
    if n:
        name = f"{split.suite}/{scorer.name}"
        value, bounds = estimate(scorer, rows[answered], subset(clusters, answered), name)
    return Score(
        suite=split.suite,
        split=split.split,
        slice=part.label,
        model=model,
        scorer=scorer.name,
        score=known(value),
        low=known(bounds.low),
        high=known(bounds.high),
        n=n,
        missing=part.members.size - n,
        note=note_of(scorer, rows[answered]),
    )


def _estimate(
    scorer: Scorer, rows: FloatArray, clusters: Clusters, name: str, *, seed: int, level: float
) -> tuple[float, Interval]:
    """Score of some examples and its interval."""
    if scorer.kind == "corpus":
        # The name leaves out model and slice: whoever has the same examples gets the same draws.
        draws = rng(name, seed)
        bounds = bootstrap_interval(rows, scorer.corpus, draws, clusters=clusters, level=level)
        return float(scorer.corpus(rows.sum(axis=0))), bounds
    values = scorer.values(rows)
    interval = score_interval if scorer.unit == "score" else t_interval
    return float(values.mean()), interval(values, clusters, level)


def note_of(scorer: Scorer, *sides: FloatArray) -> str:
    """What a reader must know before believing a score of these statistics, or their difference."""
    n = len(sides[0])
    if n == 0:
        return "nothing to score"
    notes = ["small sample"] if n < SMALL_SAMPLE else []
    if any(_has_rare_class(scorer, rows) for rows in sides):
        notes.append("unreliable")
    return "; ".join(notes)


def _has_rare_class(scorer: Scorer, rows: FloatArray) -> bool:
    """Whether the score is a plain average over classes, one of which has few references."""
    if not isinstance(scorer, ClassScorer) or scorer.average != "macro":
        return False
    report = class_report(rows.sum(axis=0), scorer.labels)
    averaged = (report.support > 0) | (report.predicted > 0)
    return bool((report.support[averaged] < FEWEST_REFERENCES).any())


def known(value: float) -> float | None:
    """The value, or None where there is none."""
    return None if math.isnan(value) else value
