"""Tuned against base, pair by pair: the rows of comparison.csv."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from evalkit.schema import Comparison, Looks, ModelSpec, SplitResult
from evalkit.schema.scores import Family
from evalkit.scorers import Scorer
from evalkit.stats.binary import is_table, mcnemar_midp, tango_interval, tango_z
from evalkit.stats.families import benjamini_hochberg, holm
from evalkit.stats.paired import difference_interval, p_below, sign_flip
from evalkit.stats.quantiles import z_cdf
from evalkit.stats.resampling import ENUMERATE_UP_TO, is_borderline, score_difference
from evalkit.stats.samples import SEED, Clusters, FloatArray, rng
from evalkit.verdict.looks import level_of, valid_p
from evalkit.verdict.parts import Part, clusters_of, slices_of, subset, whole
from evalkit.verdict.scores import Stats, known, note_of

TEST: Final = "test"
BY_TABLE: Final = "tango/mcnemar-midp"
LISTED: Final = ENUMERATE_UP_TO.bit_length() - 1
"""With as many differing pairs all assignments are listed, and p is exact."""
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Estimate:
    """How two sides of the same examples differ, as one method sees it.

    Attributes:
        delta: first - second.
        low: lower bound of the 95 % interval.
        high: upper bound.
        p: two-sided p-value of "no difference".
        p_below: one-sided p-value of "not lower".
        method: interval / test.
        se: standard error of delta where it is no mean of pairs.
        units: independent units behind `se`.
    """

    delta: float
    low: float
    high: float
    p: float
    p_below: float
    method: str
    se: float | None = None
    units: int = 0


def compare_rows(
    split: SplitResult,
    stats: Stats,
    scorers: Sequence[Scorer],
    *,
    models: Sequence[ModelSpec],
    slices: Sequence[str] = (),
    seed: int = SEED,
    looks: Looks | None = None,
) -> list[Comparison]:
    """Every tuned model against the model it was tuned from, by every scorer.

    The first scorer is the primary one: on the test split its comparison is declared, and its
    slices are explored. P-values are not adjusted yet; see `adjust`.

    Args:
        split: answers and per-example values.
        stats: the statistics behind the values.
        scorers: what was computed, the primary scorer first.
        models: the arms; a pair is compared where both were asked.
        slices: fields whose values form slices.
        seed: of the resamples.
        looks: when the run looked, if it did before all was asked; p-values and intervals are
            repeated ones then.
    """
    parts = [whole(split.examples), *slices_of(split.examples, slices)]
    clusters = clusters_of(split.examples)
    looks = looks if split.split == TEST else None
    pairs = [
        _Pair(split, base, tuned, clusters, seed, looks) for base, tuned in pairs_of(split, models)
    ]
    return [
        _compare(pair, part, scorer, stats, primary=at == 0)
        for pair in pairs
        for at, scorer in enumerate(scorers)
        for part in (parts if at == 0 else parts[:1])
    ]


def pairs_of(split: SplitResult, models: Sequence[ModelSpec]) -> list[tuple[str, str]]:
    """(base, tuned) of every tuned model that answered a split together with its base."""
    return [
        (model.tuned_from, model.name)
        for model in models
        if model.tuned_from in split.answers and model.name in split.answers
        if model.tuned_from is not None
    ]


def adjust(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Fill in adjusted p-values, family by family of one tuned model.

    Primary scorers over suites are what was declared: Holm. Slices are explored:
    Benjamini-Hochberg. Other scorers are for reading and stay unadjusted.
    """
    adjusted = list(comparisons)
    methods = {"primary": holm, "exploratory": benjamini_hochberg}
    for tuned in dict.fromkeys(row.tuned for row in comparisons):
        for family, method in methods.items():
            members = [
                (i, row.p)
                for i, row in enumerate(comparisons)
                if row.tuned == tuned and row.family == family and row.p is not None
            ]
            corrected = method([p for _, p in members])
            for (i, _), p in zip(members, corrected, strict=True):
                adjusted[i] = replace(comparisons[i], p_adjusted=p)
    return tuple(adjusted)


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """Two arms on one split, and how they are resampled."""

    split: SplitResult
    base: str
    tuned: str
    clusters: Clusters
    seed: int
    looks: Looks | None


def _compare(pair: _Pair, part: Part, scorer: Scorer, stats: Stats, *, primary: bool) -> Comparison:
    """One pair of arms by one scorer on one part of the split."""
    split = pair.split
    first, second = (stats[m, scorer.name][part.members] for m in (pair.tuned, pair.base))
    both = ~(np.isnan(first).any(axis=1) | np.isnan(second).any(axis=1))
    first, second, chosen = first[both], second[both], part.members[both]
    found = None
    if chosen.size:
        generator = rng(f"{split.suite}/{scorer.name}", pair.seed)
        method = _method(scorer, pair.clusters, first, second)
        level = level_of(pair.looks)
        found = method(scorer, first, second, subset(pair.clusters, chosen), generator, level)
    judged = found if scorer.better else None
    signs = _signs(scorer, first, second)
    return Comparison(
        suite=split.suite,
        split=split.split,
        slice=part.label,
        base=pair.base,
        tuned=pair.tuned,
        scorer=scorer.name,
        delta=known(found.delta) if found else None,
        low=known(found.low) if found else None,
        high=known(found.high) if found else None,
        p=valid_p(judged.p, pair.looks, two_sided=True) if judged else None,
        p_adjusted=None,
        p_regression=(
            valid_p(_p_regression(judged, scorer.better), pair.looks) if judged else None
        ),
        method=(found.method if judged else found.method.split("/")[0]) if found else "",
        family=_family(part, split.split, primary=primary),
        wins=int((signs > 0).sum()),
        ties=int((signs == 0).sum()),
        losses=int((signs < 0).sum()),
        n=int(chosen.size),
        missing=int(part.members.size - chosen.size),
        note="; ".join(filter(None, [note_of(scorer, first, second), _doubt(judged, signs)])),
        se=found.se if found else None,
        units=found.units if found else 0,
    )


def _doubt(found: Estimate | None, signs: FloatArray) -> str:
    """`borderline` where other random draws could well turn the verdict of a drawn p-value."""
    drawn = found is not None and found.method != BY_TABLE and np.count_nonzero(signs) > LISTED
    return "borderline" if found and drawn and is_borderline(found.p) else ""


def _signs(scorer: Scorer, first: FloatArray, second: FloatArray) -> FloatArray:
    """1 where the first side is better (of a description: higher), -1 where the second is."""
    d = scorer.values(first) - scorer.values(second)
    return np.sign(np.where(np.abs(d) <= _ROUNDING, 0.0, d)) * (scorer.better or 1)


def _family(part: Part, split: str, *, primary: bool) -> Family:
    if part.label:
        return "exploratory"
    return "primary" if primary and split == TEST else "secondary"


def _p_regression(found: Estimate, better: int) -> float:
    """One-sided p-value of "not worse", whichever direction is better."""
    return found.p_below if better > 0 else 1.0 - found.p_below


Method = Callable[[Scorer, FloatArray, FloatArray, Clusters, np.random.Generator, float], Estimate]


def _method(scorer: Scorer, clusters: Clusters, first: FloatArray, second: FloatArray) -> Method:
    if scorer.kind == "corpus":
        return _by_resampling
    # Means of several answers to one prompt are fractions, whatever each of them scores.
    table = scorer.binary and is_table(scorer.values(first) - scorer.values(second))
    return _by_table if table and clusters is None else _by_differences


def _by_table(
    scorer: Scorer,
    first: FloatArray,
    second: FloatArray,
    clusters: Clusters,
    generator: np.random.Generator,
    level: float,
) -> Estimate:
    """Paired 0/1 values: Tango's interval, McNemar's mid-p."""
    del clusters, generator
    d = scorer.values(first) - scorer.values(second)
    wins, losses, n = int((d > 0).sum()), int((d < 0).sum()), d.size
    bounds = tango_interval(wins, losses, n, level)
    return Estimate(
        delta=(wins - losses) / n,
        low=bounds.low,
        high=bounds.high,
        p=mcnemar_midp(wins, losses),
        p_below=z_cdf(tango_z(wins, losses, n)),
        method=BY_TABLE,
    )


def _by_differences(
    scorer: Scorer,
    first: FloatArray,
    second: FloatArray,
    clusters: Clusters,
    generator: np.random.Generator,
    level: float,
) -> Estimate:
    """Paired fractional or clustered values: t interval, sign-flip test."""
    d = scorer.values(first) - scorer.values(second)
    bounded = scorer.unit == "score"
    bounds = difference_interval(d, clusters, level, bounded=bounded)
    return Estimate(
        delta=float(d.mean()),
        low=bounds.low,
        high=bounds.high,
        p=sign_flip(d, generator, clusters) if scorer.better else math.nan,
        p_below=p_below(d, clusters, bounded=bounded),
        method="t/sign-flip",
    )


def _by_resampling(
    scorer: Scorer,
    first: FloatArray,
    second: FloatArray,
    clusters: Clusters,
    generator: np.random.Generator,
    level: float,
) -> Estimate:
    """Scores of summed statistics: bootstrap-t interval, approximate randomization."""
    found = score_difference(
        first, second, scorer.corpus, generator, clusters=clusters, level=level
    )
    return Estimate(
        delta=found.delta,
        low=found.low,
        high=found.high,
        p=found.p,
        p_below=found.p_worse,
        method="bootstrap-t/approximate-randomization",
        se=found.sd,
        units=found.units,
    )
