"""Units and clusters: means with the standard error that their dependence allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
Clusters = NDArray[np.intp] | None
"""Cluster code of each value, or None where every value is a cluster of its own."""

SEED = 12345
CONFIDENCE = 0.95
"""Level of every interval that is displayed."""
DECISION = 0.90
"""Level of the intervals behind one-sided decisions at alpha = .05."""
ALPHA = 0.05
"""Level of every test, one-sided or two-sided."""
SMALL_SAMPLE = 30
"""Below this many values an estimate is marked as one from a small sample."""
THRESHOLD = 0.10
"""From ten points on, a gap between training and unseen prompts is strong overfitting."""
FEWEST_UNITS = 20
"""Below this many units there are estimates, but no decisions."""


def rng(name: str, seed: int = SEED) -> np.random.Generator:
    """A generator of its own for each name, so that one result never depends on another's draws."""
    return np.random.default_rng(np.random.SeedSequence([seed, crc32(name.encode())]))


def floats(values: ArrayLike) -> FloatArray:
    """The values as a float64 array; booleans and integers are welcome."""
    return np.asarray(values, dtype=np.float64)


def codes(labels: ArrayLike) -> NDArray[np.intp]:
    """Cluster labels of any kind as codes 0 .. C-1."""
    return np.unique(np.asarray(labels), return_inverse=True)[1].astype(np.intp)


def cluster_sums(rows: FloatArray, clusters: Clusters) -> FloatArray:
    """Sums of the rows (n, ...) of each cluster (C, ...); the rows themselves without clusters."""
    if clusters is None:
        return rows
    sums = np.zeros((int(clusters.max(initial=-1)) + 1, *rows.shape[1:]))
    np.add.at(sums, clusters, rows)
    return sums


def mean_answered(layers: Sequence[FloatArray]) -> FloatArray:
    """Mean of K >= 1 arrays of one shape, over those that are not NaN; NaN where all are."""
    stack = np.stack(layers)
    seen = ~np.isnan(stack)
    counts = seen.sum(axis=0)
    sums = np.where(seen, stack, 0.0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean and how sure it is.

    Attributes:
        value: the mean over all n values.
        se: its standard error; NaN for a single unit.
        n: values.
        units: independent units: clusters, or values without clusters.
    """

    value: float
    se: float
    n: int
    units: int


def mean(values: FloatArray, clusters: Clusters = None) -> Mean:
    """Mean with the (clustered) standard error sqrt(C/(C-1) sum_c (sum_i x_ci - m)^2) / n.

    Without clusters this is sd / sqrt(n). Source: Liang & Zeger 1986; Miller 2024.

    Args:
        values: n >= 1 numbers.
        clusters: code of each value's cluster.
    """
    n = values.size
    center = float(values.mean())
    sums = cluster_sums(values - center, clusters)
    units = sums.shape[0]
    if units == 1:
        return Mean(center, math.nan, n, 1)
    se = math.sqrt(units / (units - 1) * float(sums @ sums)) / n
    # Equal values leave rounding noise behind, which would pass for a tiny but real variance.
    scale = float(np.abs(values).max(initial=0.0))
    return Mean(center, 0.0 if se <= 1e-12 * scale else se, n, units)


@dataclass(frozen=True, slots=True)
class Repeats:
    """Repeated measurements of the same units, averaged unit by unit.

    Attributes:
        means: one mean a unit; the values that every other function takes.
        mean: mean of the means, with the standard error over units.
        within: variance between measurements of one unit (noise of measuring).
        between: variance between units, freed of the noise.
    """

    means: FloatArray
    mean: Mean
    within: float
    between: float


def repeats(matrix: FloatArray) -> Repeats:
    """Average K >= 2 measurements (units, K) of each unit; the unit stays the unit.

    Source: one-way analysis of variance; Miller 2024, "Adding Error Bars to Evals".
    """
    means = matrix.mean(axis=1)
    within = float(matrix.var(axis=1, ddof=1).mean())
    between = max(0.0, float(means.var(ddof=1)) - within / matrix.shape[1])
    return Repeats(means, mean(means), within, between)
