"""V9: specification vector; statsmodels and scipy as oracles."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

from evalkit.stats.families import benjamini_hochberg, holm

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def test_v9() -> None:
    p = [0.001, 0.01, 0.03, 0.04, 0.2]
    assert holm(p) == pytest.approx([0.005, 0.04, 0.09, 0.09, 0.2])
    assert benjamini_hochberg(p) == pytest.approx([0.005, 0.025, 0.05, 0.05, 0.2])


@given(P_VALUES)
@settings(max_examples=15)  # statsmodels takes a tenth of a second for each
def test_holm_agrees_with_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-12)


@given(P_VALUES)
def test_benjamini_hochberg_agrees_with_scipy(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p), abs=1e-12)


@given(P_VALUES)
def test_nothing_gets_smaller_and_order_is_kept(p: list[float]) -> None:
    for adjusted in (holm(p), benjamini_hochberg(p)):
        assert all(after >= before - 1e-15 for before, after in zip(p, adjusted, strict=True))
        assert sorted(range(len(p)), key=lambda i: (p[i], i)) == sorted(
            range(len(p)), key=lambda i: (adjusted[i], p[i], i)
        )


def test_empty_family() -> None:
    assert holm([]) == benjamini_hochberg([]) == []
