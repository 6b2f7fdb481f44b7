from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from evalkit.stats.roots import root


@given(st.floats(-50, 50), st.sampled_from([1e-3, 1e-12]))
def test_agrees_with_scipy(at: float, within: float) -> None:
    def rises(x: float) -> float:
        return math.atan(x - at)

    theirs = brentq(rises, -60, 70, xtol=1e-14)
    assert root(rises, -60, 70, within) == pytest.approx(theirs, abs=within + 1e-13)
    assert root(rises, 70, -60, within) == pytest.approx(theirs, abs=within + 1e-13)
    falls = root(lambda x: -rises(x), -60, 70, within)
    assert falls == pytest.approx(theirs, abs=within + 1e-13)


def test_ends_where_numbers_do() -> None:
    assert root(lambda x: x - 1e16, 0.0, 3e16, 0.0) == 1e16
