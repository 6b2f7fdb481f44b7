"""How often the interval holds the truth: `python -m tests.calibration.coverage`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from evalkit.schema import SuiteConfig
from evalkit.scorers import Scorer, make_scorers, score_predictions
from evalkit.scorers.bleu import bleu_score
from evalkit.stats.binary import mcnemar_midp, tango_interval
from evalkit.stats.intervals import Interval, score_interval
from evalkit.stats.paired import difference_interval, sign_flip
from evalkit.stats.resampling import score_difference
from evalkit.stats.samples import FloatArray, floats
from tests.calibration.cells import Bound, Cell, Figures, Generator, show, tables

Ints = NDArray[np.int64]

NOMINAL: Final[Mapping[str, Bound]] = {"coverage": (0.93, 0.97)}
AT_LEAST: Final[Mapping[str, Bound]] = {"coverage": (0.93, 1.0)}
LEVEL: Final[Mapping[str, Bound]] = {"rejected": (0.0, 0.06)}

SPARSE_F1 = (0.92, 0.02)
EVEN_F1 = (0.30, 0.30)
"""Share of zeros and of ones among F1-like scores; the others are Beta(2, 2), of mean one half."""


def inside(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


# --- One model -----------------------------------------------------------------------------------


def one_proportion(generator: Generator, draws: int, *, n: int, p: float) -> Figures:
    """0/1 scores of one model: every count of right answers, weighted by its probability."""
    del generator, draws
    held = [inside(score_interval(floats([1] * k + [0] * (n - k))), p) for k in range(n + 1)]
    return {"coverage": float(binom.pmf(np.arange(n + 1), n, p) @ floats(held))}


def f1_like(generator: Generator, n: int, zeros: float, ones: float) -> FloatArray:
    """Scores as F1 has them: many 0, many 1, and something in between."""
    kind = generator.random(n)
    return np.where(kind < zeros, 0.0, np.where(kind < zeros + ones, 1.0, generator.beta(2, 2, n)))


def one_mean(generator: Generator, draws: int, *, n: int, mixture: tuple[float, float]) -> Figures:
    """F1-like scores of one model."""
    zeros, ones = mixture
    truth = ones + 0.5 * (1 - zeros - ones)
    held = [inside(score_interval(f1_like(generator, n, zeros, ones)), truth) for _ in range(draws)]
    return {"coverage": float(np.mean(held))}


def one_clustered(
    generator: Generator, draws: int, *, clusters: int, size: int, p: float, icc: float
) -> Figures:
    """0/1 scores in clusters whose members resemble each other (beta-binomial)."""
    code = np.arange(clusters).repeat(size)
    weight = 1 / icc - 1
    held = []
    for _ in range(draws):
        of_cluster = generator.beta(p * weight, (1 - p) * weight, clusters)
        values = floats(generator.random(clusters * size) < of_cluster.repeat(size))
        held.append(inside(score_interval(values, code), p))
    return {"coverage": float(np.mean(held))}


# --- Two models on the same prompts --------------------------------------------------------------


def paired_proportions(
    generator: Generator, draws: int, *, n: int, disagreement: float, delta: float
) -> Figures:
    """Difference of paired 0/1 scores: every table of pairs, weighted by its probability."""
    del generator, draws
    held = sum(
        weight * inside(tango_interval(wins, losses, n), delta)
        for wins, losses, weight in tables(n, disagreement, delta)
    )
    return {"coverage": held}


def paired_f1(generator: Generator, draws: int, *, n: int) -> Figures:
    """Difference of paired F1-like scores: half of the answers change, for better or worse."""
    held = []
    for _ in range(draws):
        new, ref = f1_like(generator, n, *EVEN_F1), f1_like(generator, n, *SPARSE_F1)
        d = np.where(generator.random(n) < 0.5, new - ref, 0.0)
        held.append(inside(difference_interval(d), 0.225))  # .5 (.50 - .05)
    return {"coverage": float(np.mean(held))}


@cache
def classifier() -> tuple[Scorer, FloatArray]:
    """Macro-F1 of three classes, and the statistics of each (reference, prediction)."""
    labels = ["a", "b", "c"]
    config = SuiteConfig(
        name="x", task="classification", scorers=("macro_f1",), labels=tuple(labels)
    )
    (scorer,) = make_scorers(["macro_f1"], config, [[label] for label in labels])
    references = [[label] for label in labels for _ in labels]
    rows = score_predictions(scorer, labels * 3, references)
    return scorer, rows.reshape(3, 3, -1)


def macro_f1_delta(generator: Generator, draws: int, *, n: int) -> Figures:
    """Difference of macro-F1 of two classifiers, 85 % and 75 % right, of unequal classes."""
    scorer, rows = classifier()
    prior, right = floats([0.5, 0.3, 0.2]), (0.85, 0.75)
    confusion = [np.eye(3) * (1.5 * r - 0.5) + (0.5 - 0.5 * r) for r in right]
    expected = [np.einsum("r,rp,rpk->k", prior, c, rows) for c in confusion]
    truth = float(scorer.corpus(expected[0]) - scorer.corpus(expected[1]))
    held = []
    for _ in range(draws):
        reference = generator.choice(3, n, p=prior)
        sides = []
        for share in right:
            wrong = (reference + generator.integers(1, 3, n)) % 3
            sides.append(rows[reference, np.where(generator.random(n) < share, reference, wrong)])
        found = score_difference(sides[0], sides[1], scorer.corpus, generator)
        held.append(found.low <= truth <= found.high)
    return {"coverage": float(np.mean(held))}


def bleu_delta(generator: Generator, draws: int, *, n: int) -> Figures:
    """Difference of BLEU of two equally good systems; how often it is called a difference, too."""
    held, rejected = [], []
    for _ in range(draws):
        length = generator.integers(6, 25, n)
        easy = generator.beta(6, 3, n)
        sides = [bleu_rows(generator, length, easy) for _ in range(2)]
        found = score_difference(
            sides[0], sides[1], partial(bleu_score, effective_order=False), generator
        )
        held.append(found.low <= 0 <= found.high)
        rejected.append(found.p <= 0.05)
    return {"coverage": float(np.mean(held)), "rejected": float(np.mean(rejected))}


def bleu_rows(generator: Generator, length: Ints, easy: FloatArray) -> FloatArray:
    """BLEU statistics of one system: longer n-grams match less often."""
    hypothesis = np.maximum(4, length + generator.integers(-2, 3, length.size))
    totals = [hypothesis - order for order in range(4)]
    matches = [
        generator.binomial(np.minimum(total, length - order), easy ** (order + 1))
        for order, total in enumerate(totals)
    ]
    return floats(np.column_stack([*matches, *totals, hypothesis, length]))


# --- Tests ---------------------------------------------------------------------------------------


def mcnemar_level(generator: Generator, draws: int, *, n: int, disagreement: float) -> Figures:
    """How often McNemar's mid-p calls equal models different."""
    del generator, draws
    return {
        "rejected": sum(
            weight * (mcnemar_midp(wins, losses) <= 0.05)
            for wins, losses, weight in tables(n, disagreement, 0.0)
        )
    }


def sign_flip_level(generator: Generator, draws: int, *, n: int) -> Figures:
    """How often the sign flip calls two equally good models different; F1-like scores."""
    rejected = []
    for _ in range(draws):
        new, ref = f1_like(generator, n, *EVEN_F1), f1_like(generator, n, *EVEN_F1)
        rejected.append(sign_flip(new - ref, generator) <= 0.05)
    return {"rejected": float(np.mean(rejected))}


def interval(
    name: str,
    measure: Callable[..., Figures],
    bounds: Mapping[str, Bound] = NOMINAL,
    draws: int = 0,
    **options: object,
) -> Cell:
    return Cell("coverage", name, partial(measure, **options), draws, bounds)


CELLS = (
    *(
        interval(f"score, 0/1, n = {n}, true mean {p}", one_proportion, n=n, p=p)
        for n in (100, 500)
        for p in (0.05, 0.5, 0.95)
    ),
    *(
        interval(f"score, F1-like, n = {n}, true mean {m}", one_mean, draws=20_000, n=n, mixture=x)
        for n in (100, 500)
        for m, x in ((0.05, SPARSE_F1), (0.5, EVEN_F1))
    ),
    *(
        interval(
            f"score, 0/1, {clusters} clusters of 5, true mean 0.9, ICC 0.3",
            one_clustered,
            draws=20_000,
            clusters=clusters,
            size=5,
            p=0.9,
            icc=0.3,
        )
        for clusters in (20, 100)
    ),
    *(
        interval(
            f"difference, 0/1, n = {n}, {100 * share:.0f} % disagree, true {delta:+}",
            paired_proportions,
            n=n,
            disagreement=share,
            delta=delta,
        )
        for n, share, delta in ((100, 0.2, 0.0), (100, 0.2, -0.05), (500, 0.1, -0.02))
    ),
    *(interval(f"difference, F1-like, n = {n}", paired_f1, draws=20_000, n=n) for n in (100, 500)),
    interval("difference of macro-F1, n = 100", macro_f1_delta, AT_LEAST, 1_000, n=100),
    interval("difference of macro-F1, n = 500", macro_f1_delta, draws=1_000, n=500),
    interval("difference of BLEU, n = 100", bleu_delta, {**NOMINAL, **LEVEL}, 1_000, n=100),
    Cell(
        "coverage",
        "equal models, McNemar mid-p, n = 100, 20 % disagree",
        partial(mcnemar_level, n=100, disagreement=0.2),
        bounds=LEVEL,
    ),
    Cell(
        "coverage",
        "equal models, sign flip, F1-like, n = 100",
        partial(sign_flip_level, n=100),
        2_000,
        LEVEL,
    ),
)

if __name__ == "__main__":
    show(CELLS)
