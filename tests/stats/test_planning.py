"""V10: specification vector; the plans of statistics section 8."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats import planning as plan
from evalkit.stats.binary import tango_z
from evalkit.stats.quantiles import z_cdf, z_quantile


def test_v10() -> None:
    assert plan.detectable_binary(200) == pytest.approx(0.069628, abs=1e-6)
    assert plan.detectable_binary(500) == pytest.approx(0.044193, abs=1e-6)
    assert math.ceil(plan.units_for_binary(0.05)) == 391
    assert plan.detectable_mean(200, 0.3) == pytest.approx(0.059723, abs=1e-6)
    assert math.ceil(plan.units_for_pass(0.10, 0.05)) == 248


def test_gap_plans_of_section_8() -> None:
    assert plan.detectable_gap(200, 0.6) == pytest.approx(0.149, abs=5e-4)
    assert plan.detectable_gap(500, 0.6) == pytest.approx(0.094, abs=5e-4)
    assert plan.units_for_gap(1.0, 1.0) == pytest.approx(12.4, abs=0.05)


@given(st.integers(30, 10_000), st.floats(0.05, 1))
def test_the_two_directions_agree(n: int, disagreement: float) -> None:
    delta = plan.detectable_binary(n, disagreement)
    if delta is not None:
        assert plan.units_for_binary(delta, disagreement) == pytest.approx(n, rel=1e-6)


def test_too_few_pairs_can_show_nothing() -> None:
    assert plan.detectable_binary(20, 0.1) is None
    assert plan.detectable_binary(200, 0.0) is None


@pytest.mark.parametrize(
    ("delta", "needed"),
    [
        (0.0, 247.3),  # no change: what `units_for_pass` says
        (0.03, 247.3),  # an observed gain is not built upon
        (-0.025, 4 * 247.3),  # half the margin is the hardest case
        (-0.05, 247.3),  # at the margin, only the loss can be shown
        (-0.10, 247.3 / 4),
    ],
)
def test_units_to_settle(delta: float, needed: float) -> None:
    assert plan.units_to_settle(delta, 0.1, 0.05) == pytest.approx(needed, rel=1e-3)


def test_units_to_settle_without_any_difference_or_any_margin() -> None:
    # Tango's z of a table without discordant pairs is sqrt(n m / (1 - m)).
    n = plan.units_to_settle(0.0, 0.0, 0.05)
    assert n is not None
    assert tango_z(0, 0, math.ceil(n), -0.05) >= z_quantile(0.95) > tango_z(0, 0, int(n), -0.05)
    assert plan.units_to_settle(0.0, 0.1, 0.0) is None
    assert plan.units_to_settle(-0.1, 0.1, 0.0) == pytest.approx(plan.units_for_pass(0.1, 0.1))


def test_units_for_p() -> None:
    assert plan.units_for_p(300, 0.02, 0.02) == pytest.approx(300)
    assert plan.units_for_p(300, 1 - z_cdf(1.0), 1 - z_cdf(2.0)) == pytest.approx(1200)
