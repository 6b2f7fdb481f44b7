"""V5, V6, V19: specification vectors of the gate's p-values and the pooled change."""

from __future__ import annotations

import math

import pytest
from scipy.stats import ttest_1samp

from evalkit.stats.decisions import (
    OneSided,
    binary_decision,
    estimate_decision,
    paired_decision,
    pooled,
    three_way,
)
from evalkit.stats.samples import floats, mean

D = floats([0.10, -0.25, 0, 0.05, -0.40, -0.15, 0, -0.30, 0.20, -0.10, -0.05, -0.35])


@pytest.mark.parametrize(
    ("table", "worse", "noninferior", "verdict"),
    [
        ((6, 20, 200), 0.003020, 0.792696, "FAIL"),
        ((9, 8, 200), 0.595817, 0.008369, "PASS"),
        ((4, 7, 60), 0.182856, 0.5, "INCONCLUSIVE"),
    ],
)
def test_binary_v5(
    table: tuple[int, int, int], worse: float, noninferior: float, verdict: str
) -> None:
    found = binary_decision(*table, 0.05)
    assert (found.worse, found.noninferior) == pytest.approx((worse, noninferior), abs=1e-6)
    assert three_way(found) == verdict


def test_paired_v6() -> None:
    found = paired_decision(D, 0.05)
    assert (found.worse, found.noninferior) == pytest.approx((0.041216, 0.829116), abs=1e-6)


def test_estimate_is_the_t_test_of_its_estimate() -> None:
    m = mean(D)
    found = estimate_decision(m.value, m.se, m.units, 0.05)
    assert found.worse == pytest.approx(ttest_1samp(D, 0, alternative="less").pvalue)
    assert found.noninferior == pytest.approx(ttest_1samp(D, -0.05, alternative="greater").pvalue)


def test_a_certain_loss_inside_the_margin_passes() -> None:
    assert three_way(OneSided(worse=0.001, noninferior=0.001)) == "PASS"


def test_identical_sides_pass_with_enough_pairs_only() -> None:
    assert three_way(binary_decision(0, 0, 200, 0.05)) == "PASS"
    assert three_way(binary_decision(0, 0, 20, 0.05)) == "INCONCLUSIVE"


def test_pooled_mean_is_the_backward_transfer_v19() -> None:
    changes = [a - b for a, b in zip([0.60, 0.64, 0.56], [0.62, 0.71, 0.55], strict=True)]
    found = pooled(changes, [0.02, 0.02, 0.02])
    assert found.value == pytest.approx(-0.026667, abs=1e-6)
    assert min(changes) == pytest.approx(-0.07)
    assert found.se == pytest.approx(0.02 / math.sqrt(3))
    assert found.decision(0.05).worse == pytest.approx(0.010461, abs=1e-6)  # Phi(-2.309401)


def test_pooled_without_error_is_what_it_is() -> None:
    assert pooled([-0.1], [0.0]).decision(0.05) == OneSided(worse=0.0, noninferior=1.0)
    assert pooled([0.0], [0.0]).decision(0.05) == OneSided(worse=0.5, noninferior=0.0)
