"""V7, V8: specification vectors; numpy and scipy as oracles of the resampling."""

from __future__ import annotations

import tracemalloc
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evalkit.stats.intervals import constant_half_width
from evalkit.stats.resampling import (
    bootstrap_interval,
    is_borderline,
    jackknife_se,
    moved,
    resampled_totals,
    score_difference,
)
from evalkit.stats.samples import floats, rng

Array = NDArray[np.float64]

FIRST = floats(
    [
        [6, 4, 3, 2, 7, 6, 5, 4, 7, 7],
        [5, 3, 1, 0, 8, 7, 6, 5, 8, 9],
        [9, 7, 5, 4, 10, 9, 8, 7, 10, 9],
    ]
)
SECOND = floats(
    [
        [5, 3, 2, 1, 7, 6, 5, 4, 7, 7],
        [6, 4, 2, 1, 8, 7, 6, 5, 8, 9],
        [7, 5, 3, 2, 10, 9, 8, 7, 10, 9],
    ]
)


def bleu(totals: Array) -> Array:
    """Papineni's formula from match1-4, total1-4, hypothesis length, reference length."""
    with np.errstate(divide="ignore"):
        precision = np.exp(np.log(totals[..., :4] / totals[..., 4:8]).mean(axis=-1))
    brevity = np.exp(np.minimum(0.0, 1.0 - totals[..., 9] / totals[..., 8]))
    return np.asarray(precision * brevity)


def mean_of(totals: Array) -> Array:
    return np.asarray(totals[..., 0] / totals[..., 1])


def macro_f1(totals: Array) -> Array:
    """From right, predicted and reference counts of three classes; absent classes stay out."""
    right, predicted, support = (totals[..., i : i + 3] for i in (0, 3, 6))
    used = (predicted + support) > 0
    f1 = np.where(used, 2 * right / np.where(used, predicted + support, 1), 0)
    return np.asarray(f1.sum(axis=-1) / used.sum(axis=-1))


def counted(values: Array) -> Array:
    return np.column_stack([values, np.ones(values.size)])


def test_bleu_v7() -> None:
    assert bleu(FIRST.sum(axis=0)) == pytest.approx(0.548377, abs=1e-6)
    assert bleu(SECOND.sum(axis=0)) == pytest.approx(0.436108, abs=1e-6)
    found = score_difference(FIRST, SECOND, bleu, rng("v7"))
    assert found.delta == pytest.approx(0.112269, abs=1e-6)
    assert found.p == pytest.approx(0.75, abs=1e-6)


def test_bootstrap_of_v7_agrees_with_all_27_resamples() -> None:
    weights = np.array([np.bincount(drawn, minlength=3) for drawn in product(range(3), repeat=3)])
    every = bleu(weights @ FIRST)
    drawn = bleu(resampled_totals(FIRST, rng("v7"), draws=20_000))
    assert every.mean() == pytest.approx(0.522409, abs=1e-6)
    assert every.std() == pytest.approx(0.156150, abs=1e-6)
    assert drawn.mean() == pytest.approx(every.mean(), abs=0.01)
    assert drawn.std() == pytest.approx(every.std(), abs=0.01)


def test_macro_f1_v8() -> None:
    reference, predicted = [0, 0, 0, 0, 1, 1, 1, 2], [0, 0, 0, 1, 1, 1, 0, 2]
    one_hot = np.eye(3)
    rows = np.array(
        [
            np.concatenate([one_hot[p] * (p == r), one_hot[p], one_hot[r]])
            for r, p in zip(reference, predicted, strict=True)
        ]
    )
    assert macro_f1(rows.sum(axis=0)) == pytest.approx(0.805556, abs=1e-6)
    assert jackknife_se(rows, macro_f1) == pytest.approx(0.158287, abs=1e-6)


def test_jackknife_of_a_mean_is_its_standard_error() -> None:
    x = floats([0.1, 0.5, 0.9, 0.3])
    assert jackknife_se(counted(x), mean_of) == pytest.approx(x.std(ddof=1) / 2)


def test_every_resample_has_as_many_units() -> None:
    totals = resampled_totals(counted(np.arange(7.0)), rng("x"), draws=500)
    assert (totals[:, 1] == 7).all()
    assert totals[:, 0].mean() / 7 == pytest.approx(3.0, abs=0.15)


def test_blocks_do_not_show() -> None:
    """More weights than fit into one block give the same draws as fewer rows at a time would."""
    rows = counted(rng("rows").random(3000))
    totals = resampled_totals(rows, rng("x"), draws=700)
    indices = rng("x").integers(0, 3000, size=(700, 3000))
    assert totals[:, 0] == pytest.approx(rows[indices, 0].sum(axis=1))


def test_blocks_keep_memory_small() -> None:
    """The weights of all these draws at once would take 80 MB."""
    tracemalloc.start()
    resampled_totals(np.ones((10_000, 1)), rng("x"), draws=1_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_clusters_are_drawn_whole() -> None:
    rows = counted(floats([1, 1, 0, 0, 0, 0]))
    totals = resampled_totals(rows, rng("x"), draws=200, clusters=np.array([0, 0, 1, 1, 1, 1]))
    assert set(totals[:, 1]) <= {4.0, 6.0, 8.0}


def test_percentile_bootstrap_covers_a_mean_as_normal_theory_says() -> None:
    x = rng("values").random(400)
    found = bootstrap_interval(counted(x), mean_of, rng("x"))
    half = 1.96 * x.std() / 20
    assert (found.low, found.high) == pytest.approx((x.mean() - half, x.mean() + half), abs=0.01)


@given(st.integers(0, 13))
def test_few_units_are_listed(count: int) -> None:
    units = floats(2 ** np.arange(count))[:, None]
    swaps = moved(units, rng("x"))
    assert swaps.exact
    assert sorted(swaps.amounts[:, 0]) == list(range(2**count))


def test_many_units_are_drawn_and_half_of_them_move() -> None:
    swaps = moved(np.ones((40, 1)), rng("x"))
    assert not swaps.exact
    assert swaps.amounts.mean() == pytest.approx(20, abs=0.2)
    assert swaps.amounts.std() == pytest.approx(np.sqrt(10), abs=0.1)
    assert swaps.p_value(0) == pytest.approx(1 / 10_000)


def test_difference_of_a_mean_agrees_with_the_t_interval() -> None:
    a, b = rng("a").random(300), rng("b").random(300)
    found = score_difference(counted(a), counted(b), mean_of, rng("x"))
    se = (a - b).std(ddof=1) / np.sqrt(300)
    assert found.sd == pytest.approx(se, rel=0.06)
    assert found.low == pytest.approx(found.delta - 1.968 * se, abs=0.005)


def test_difference_mirrors() -> None:
    a, b = counted(rng("a").random(40)), counted(rng("b").random(40))
    one, other = (score_difference(*s, mean_of, rng("x")) for s in ((a, b), (b, a)))
    assert (one.delta, one.low, one.high) == pytest.approx((-other.delta, -other.high, -other.low))
    assert one.p == other.p
    assert one.p_worse == pytest.approx(1 - other.p_worse)


def test_nothing_differs() -> None:
    found = score_difference(FIRST, FIRST, bleu, rng("x"))
    assert (found.delta, found.p, found.p_worse) == (0.0, 1.0, 0.5)
    assert found.high == pytest.approx(constant_half_width(3, 0.95))


def test_null_is_rejected_as_often_as_it_should() -> None:
    rejected = 0
    for trial in range(200):
        g = rng("null", trial)
        a, b = g.random(25), g.random(25)
        found = score_difference(counted(a), counted(b), mean_of, g)
        rejected += found.p <= 0.05
    assert 2 <= rejected <= 20  # 10 expected; 2 and 20 are beyond 3 standard deviations


def test_borderline_is_what_other_draws_could_turn() -> None:
    assert is_borderline(0.048)
    assert is_borderline(0.053)
    assert not is_borderline(0.04)
    assert not is_borderline(0.06)
    assert is_borderline(0.06, draws=200)
