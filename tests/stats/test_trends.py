"""V17: specification vector."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.stats.samples import floats
from evalkit.stats.trends import tail_rise

LOSSES = [1.3, 1.12, 1.05, 1.01, 0.99, 1.0, 1.03, 1.02, 1.06, 1.1, 1.09, 1.13]


def test_v17() -> None:
    found = tail_rise(floats(LOSSES))
    assert found is not None
    assert found.tau == pytest.approx(0.733333, abs=1e-6)
    assert found.p == pytest.approx(0.027778, abs=1e-6)
    assert found.rise == pytest.approx(0.067961, abs=1e-6)


def test_noise_about_a_flat_line_rarely_rises() -> None:
    draws = 1 + 0.02 * np.random.default_rng(5).standard_normal((300, 24))
    rises = [tail_rise(d) for d in draws]
    assert np.mean([r is not None and r.p <= 0.05 and r.rise >= 0.02 for r in rises]) <= 0.05


def test_falling_short_and_constant_curves() -> None:
    falling = tail_rise(floats(sorted(LOSSES, reverse=True)))
    assert falling is not None
    assert falling.p > 0.9
    assert tail_rise(floats(LOSSES[:7])) is None
    assert tail_rise(np.ones(20)) is None
