"""V10: specification vector; the plans of statistics section 8."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats import planning as plan


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
