"""V11, V12: specification vectors; the O'Brien-Fleming constants by numerical integration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from evalkit.stats.samples import floats
from evalkit.stats.sequential import E_REJECT, e_process, obrien_fleming

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


def test_e_process_v12() -> None:
    assert e_process(-D)[-1] == pytest.approx(7.279783, abs=1e-6)
    assert e_process(D, null=-0.05)[-1] == pytest.approx(0.127684, abs=1e-6)


def test_e_process_rarely_rejects_what_is_true() -> None:
    """A 200-pair walk without a trend may reach 20 in at most 5 % of the runs, at any time."""
    draws = np.random.default_rng(1).choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=(400, 200))
    assert np.mean([e_process(d).max() >= E_REJECT for d in draws]) <= 0.05
    assert e_process(np.full(60, 0.5))[-1] > E_REJECT
