"""V5: specification vectors; scipy and statsmodels as oracles of the exact test."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest
from statsmodels.stats.contingency_tables import mcnemar

from evalkit.stats.binary import mcnemar_exact, mcnemar_midp, tango_interval, tango_z
from evalkit.stats.quantiles import z_two_sided


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, int]:
    n = draw(st.integers(1, 200))
    wins = draw(st.integers(0, n))
    return wins, draw(st.integers(0, n - wins)), n


@pytest.mark.parametrize(
    ("table", "level", "low", "high"),
    [
        ((6, 20, 200), 0.95, -0.123929, -0.021589),
        ((6, 20, 200), 0.90, -0.114468, -0.029644),
        ((9, 8, 200), 0.90, -0.030769, 0.041256),
        ((4, 7, 60), 0.90, -0.148106, 0.044571),
        ((0, 0, 100), 0.95, -0.036993, 0.036993),
    ],
)
def test_tango_interval_v5(
    table: tuple[int, int, int], level: float, low: float, high: float
) -> None:
    found = tango_interval(*table, level)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)


def test_tango_statistic_v5() -> None:
    assert tango_z(6, 20, 200) == pytest.approx(-2.745626, abs=1e-6)
    assert tango_z(6, 20, 200, -0.05) == pytest.approx(-0.815812, abs=1e-6)
    assert tango_z(6, 20, 200) == pytest.approx((6 - 20) / math.sqrt(6 + 20))


def test_mcnemar_v5() -> None:
    assert mcnemar_midp(6, 20) == pytest.approx(0.005925, abs=1e-6)
    assert mcnemar_exact(6, 20) == pytest.approx(0.009355, abs=1e-6)
    assert mcnemar_midp(0, 0) == 1.0


@given(tables())
def test_tango_interval_mirrors_and_holds_the_difference(table: tuple[int, int, int]) -> None:
    wins, losses, n = table
    found, mirrored = tango_interval(wins, losses, n), tango_interval(losses, wins, n)
    assert -1 <= found.low <= (wins - losses) / n <= found.high <= 1
    assert (found.low, found.high) == pytest.approx((-mirrored.high, -mirrored.low), abs=1e-9)


@given(tables())
def test_tango_bounds_are_where_the_statistic_says(table: tuple[int, int, int]) -> None:
    found = tango_interval(*table)
    z = z_two_sided(0.95)
    if found.low > -1 + 1e-6:
        assert tango_z(*table, found.low) == pytest.approx(z, abs=1e-5)
    if found.high < 1 - 1e-6:
        assert tango_z(*table, found.high) == pytest.approx(-z, abs=1e-5)


def test_only_one_side_ever_wins() -> None:
    assert tango_interval(10, 0, 10).high == 1.0
    assert tango_interval(0, 10, 10).low == -1.0
    assert tango_z(3, 1, 10, 1.0) == -math.inf


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_agrees_with_scipy_and_statsmodels(wins: int, losses: int) -> None:
    if wins + losses == 0:
        return
    exact = binomtest(wins, wins + losses).pvalue
    assert mcnemar_exact(wins, losses) == pytest.approx(exact, abs=1e-9)
    assert mcnemar_exact(wins, losses) == pytest.approx(
        mcnemar([[5, wins], [losses, 5]], exact=True).pvalue, abs=1e-9
    )
    point = binom.pmf(wins, wins + losses, 0.5)
    assert mcnemar_midp(wins, losses) == pytest.approx(exact - point, abs=1e-9)
    assert mcnemar_midp(wins, losses) == mcnemar_midp(losses, wins)


def test_mid_p_holds_its_level() -> None:
    """Exact type I error over all tables with 30 discordant pairs."""
    rejected = [k for k in range(31) if mcnemar_midp(k, 30 - k) <= 0.05]
    assert 0.03 <= sum(binom.pmf(k, 30, 0.5) for k in rejected) <= 0.055
