"""How much a model differs from itself: the rows of noise.csv, and which changes are no larger."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from evalkit.schema import Answer, Comparison, ModelSpec, Noise, SplitResult
from evalkit.scorers import Scorer
from evalkit.stats.quantiles import z_two_sided
from evalkit.stats.samples import (
    CONFIDENCE,
    SEED,
    FloatArray,
    cluster_sums,
    mean_answered,
    repeats,
)
from evalkit.verdict.compare import TEST, compare_rows
from evalkit.verdict.parts import clusters_of, subset

_AGAIN: Final = ModelSpec("\0again", "", "", "tuned")
"""Stands for a model that is asked a second time; no arm can have this name."""


def noise_rows(
    split: SplitResult,
    layers: Mapping[str, Sequence[FloatArray]],
    scorer: Scorer,
    *,
    seed: int = SEED,
) -> list[Noise]:
    """One row for each model that was asked more than once.

    Args:
        split: its answers, the repeated ones too.
        layers: model -> statistics (n, k) by the scorer, a layer for each time it was asked; those
            of a second asking come last.
        scorer: the suite's primary scorer.
        seed: of every resample.
    """
    return [
        _noise(split, model, own, scorer, seed) for model, own in layers.items() if len(own) > 1
    ]


def within_noise(comparisons: Sequence[Comparison], noise: Sequence[Noise]) -> list[Comparison]:
    """The declared changes that are no larger than what asking the base twice makes."""
    floors = {(row.suite, row.model, row.scorer): row.floor for row in noise}
    return [
        row
        for row in comparisons
        if row.family == "primary" and row.split == TEST and row.delta is not None
        for floor in [floors.get((row.suite, row.base, row.scorer))]
        if floor is not None and 0 < abs(row.delta) <= floor
    ]


def _noise(
    split: SplitResult, model: str, layers: Sequence[FloatArray], scorer: Scorer, seed: int
) -> Noise:
    texts = [
        {outcome.text if isinstance(outcome, Answer) else None for outcome in row}
        for row in _all_outcomes(split, model)
    ]
    answered = [found for found in texts if None not in found]
    values = np.column_stack([scorer.values(layer) for layer in layers])
    values = values[~np.isnan(values).any(axis=1)]
    spread = repeats(values) if len(values) > 1 else None
    row = Noise(
        suite=split.suite,
        split=split.split,
        model=model,
        scorer=scorer.name,
        times=len(layers),
        n=len(answered),
        differing=sum(len(found) > 1 for found in answered),
        within=math.sqrt(spread.within) if spread else None,
        between=math.sqrt(spread.between) if spread else None,
    )
    return _with_floor(row, split, layers, scorer, seed) if model in split.again else row


def _all_outcomes(split: SplitResult, model: str) -> list[tuple[object, ...]]:
    again = split.again.get(model) or ((),) * len(split.examples)
    return [(*one, *two) for one, two in zip(split.asked(model), again, strict=True)]


def _with_floor(
    row: Noise, split: SplitResult, layers: Sequence[FloatArray], scorer: Scorer, seed: int
) -> Noise:
    """A against A, by the very comparison that tuned and base go through."""
    half = len(layers) // 2
    first, second = mean_answered(layers[:half]), mean_answered(layers[half:])
    (found,) = compare_rows(
        replace(split, answers={row.model: (), _AGAIN.name: ()}),
        {(row.model, scorer.name): first, (_AGAIN.name, scorer.name): second},
        [scorer],
        models=[replace(_AGAIN, tuned_from=row.model)],
        seed=seed,
    )
    if found.delta is None:
        return row
    # The true difference is 0, so what is squared are the differences themselves, not their
    # distances from a mean.
    error = found.se
    if error is None:
        d = scorer.values(second) - scorer.values(first)
        kept = np.flatnonzero(~np.isnan(d))
        sums = cluster_sums(d[kept], subset(clusters_of(split.examples), kept))
        error = float(np.linalg.norm(sums)) / kept.size
    floor = z_two_sided(CONFIDENCE) * error
    return replace(row, delta=found.delta, low=found.low, high=found.high, floor=floor)
