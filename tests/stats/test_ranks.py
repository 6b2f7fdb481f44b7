"""V14: specification vector; scikit-learn and scipy as oracles of the area."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, rankdata
from sklearn.metrics import roc_auc_score

from evalkit.stats.ranks import midranks, roc_area
from evalkit.stats.samples import floats

TRAIN = floats([1.2, 0.9, 1.5, 0.4, 1.1])
TEST = floats([0.3, 0.8, 0.2, 0.5, 0.9, 0.1])
SAMPLES = st.lists(st.integers(0, 9), min_size=2, max_size=30)


def test_v14() -> None:
    found = roc_area(TRAIN, TEST)
    assert found.value == pytest.approx(0.883333, abs=1e-6)
    assert found.se == pytest.approx(0.111305, abs=1e-6)
    assert (found.low, found.high) == pytest.approx((0.700252, 1.0), abs=1e-6)
    theirs = mannwhitneyu(TRAIN, TEST, alternative="greater", method="asymptotic")
    assert theirs.statistic / 30 == pytest.approx(found.value)
    assert theirs.pvalue == pytest.approx(0.022063, abs=1e-6)


@given(SAMPLES, SAMPLES)
def test_agrees_with_scikit_learn(first: list[int], second: list[int]) -> None:
    labels = np.repeat([1, 0], [len(first), len(second)])
    found = roc_area(floats(first), floats(second))
    assert found.value == pytest.approx(roc_auc_score(labels, [*first, *second]))


@given(st.lists(st.floats(-4, 4).map(lambda value: round(value, 1)), max_size=30))
def test_ranks_agree_with_scipy_to_the_last_bit(values: list[float]) -> None:
    assert midranks(floats(values)).tolist() == rankdata(values).tolist()


def test_a_row_repeated_within_its_cluster_tells_nothing_new() -> None:
    alone = roc_area(TRAIN, TEST)
    twice = roc_area(
        np.repeat(TRAIN, 2),
        np.repeat(TEST, 3),
        clusters=(np.repeat(np.arange(5), 2), np.repeat(np.arange(6), 3)),
    )
    assert (twice.value, twice.se) == pytest.approx((alone.value, alone.se))
    assert roc_area(np.repeat(TRAIN, 2), np.repeat(TEST, 3)).se < alone.se


def test_variance_is_that_of_all_pairs() -> None:
    """DeLong's structural components written out over all pairs."""
    psi = (TRAIN[:, None] > TEST) + 0.5 * (TRAIN[:, None] == TEST)
    variance = psi.mean(axis=1).var(ddof=1) / 5 + psi.mean(axis=0).var(ddof=1) / 6
    assert roc_area(TRAIN, TEST).se == pytest.approx(np.sqrt(variance))
