"""V11, V12: specification vectors; the O'Brien-Fleming constants by numerical integration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from evalkit.stats.samples import floats
from evalkit.stats.sequential import (
    E_REJECT,
    e_process,
    obrien_fleming,
    repeated_level,
    repeated_p,
)

D = floats([0, -1, 0, -1, -1, 0, 1, -1, -1, 0, -1, -1])


def test_bounds_v11() -> None:
    assert obrien_fleming(5) == pytest.approx(
        [3.915355, 2.768574, 2.260531, 1.957678, 1.751], abs=1e-6
    )


@pytest.mark.parametrize("looks", [1, 2, 3, 4, 5])
def test_bounds_spend_five_percent(looks: int) -> None:
    """P(any look crosses) for a random walk, integrated step by step on a grid."""
    grid = np.linspace(-10.0, 10.0, 4001)
    step = grid[1] - grid[0]
    kernel = norm.pdf(grid)
    density, crossed = kernel.copy(), 0.0
    for look, bound in enumerate(obrien_fleming(looks), start=1):
        if look > 1:
            density = np.convolve(density, kernel, mode="same") * step
        over = grid >= bound * np.sqrt(look)
        crossed += density[over].sum() * step
        density[over] = 0.0
    assert crossed == pytest.approx(0.05, abs=2e-3 / looks + 1e-3)


def test_undeclared_looks_are_refused() -> None:
    with pytest.raises(ValueError, match="found 6, expected 1 to 5"):
        obrien_fleming(6)


@pytest.mark.parametrize("look", [1, 2, 3, 4, 5])
def test_a_repeated_p_is_five_percent_on_the_bound(look: int) -> None:
    z = obrien_fleming(5)[look - 1]
    assert repeated_p(norm.sf(z), look) == pytest.approx(0.05, abs=2e-4)
    assert repeated_p(2 * norm.sf(z), look, two_sided=True) == pytest.approx(0.10, abs=2e-4)


def test_one_look_leaves_p_as_it_is() -> None:
    for p in (1e-9, 0.03, 0.5, 0.97):
        assert repeated_p(p, 1, 1) == pytest.approx(p, rel=1e-6)
        assert repeated_p(p, 1, 1, two_sided=True) == pytest.approx(p, rel=1e-6)
    assert (repeated_p(0.0, 2), repeated_p(1.0, 2)) == (0.0, 1.0)
    assert repeated_level(1, 1) == pytest.approx(0.95)


def test_repeated_levels_are_those_of_the_table() -> None:
    """Jennison & Turnbull 2000, table 2.3: C_B(5, .05) = 2.040."""
    for look in range(1, 6):
        z = 2.040 * np.sqrt(5 / look)
        assert repeated_level(look) == pytest.approx(1 - 2 * norm.sf(z), abs=2e-4)


def test_stopping_whenever_one_likes_costs_nothing() -> None:
    """The smallest repeated p over all looks of a walk without drift is a p-value."""
    steps = np.random.default_rng(3).normal(size=(600, 5)).cumsum(axis=1)
    for two_sided in (False, True):
        smallest = [
            min(
                repeated_p(
                    norm.sf(abs(w) if two_sided else w, scale=np.sqrt(k)) * (1 + two_sided),
                    k,
                    two_sided=two_sided,
                )
                for k, w in enumerate(walk, start=1)
            )
            for walk in steps
        ]
        assert np.mean(np.array(smallest) <= 0.05) == pytest.approx(0.05, abs=0.025)


def test_e_process_v12() -> None:
    assert e_process(-D)[-1] == pytest.approx(7.279783, abs=1e-6)
    assert e_process(D, null=-0.05)[-1] == pytest.approx(0.127684, abs=1e-6)


def test_e_process_rarely_rejects_what_is_true() -> None:
    """A 200-pair walk without a trend may reach 20 in at most 5 % of the runs, at any time."""
    draws = np.random.default_rng(1).choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=(400, 200))
    assert np.mean([e_process(d).max() >= E_REJECT for d in draws]) <= 0.05
    assert e_process(np.full(60, 0.5))[-1] > E_REJECT
