"""Many tests at once: Holm for what was declared, Benjamini-Hochberg for what was explored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.samples import FloatArray, floats

if TYPE_CHECKING:
    from numpy.typing import NDArray


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values: any of them <= alpha keeps the family's error at alpha.

    Source: Holm 1979. Order of the input is kept; an empty family is fine.
    """
    p = floats(p_values)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    return _restored(stepped, order)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjusted p-values: the expected share of false finds.

    Source: Benjamini & Hochberg 1995. Order of the input is kept; an empty family is fine.
    """
    p = floats(p_values)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * p.size / np.arange(1, p.size + 1)
    stepped = np.minimum.accumulate(scaled[::-1])[::-1]
    return _restored(stepped, order)


def _restored(stepped: FloatArray, order: NDArray[np.intp]) -> list[float]:
    """Capped at 1 and put back into the order of the input."""
    adjusted = np.empty(stepped.size)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [float(p) for p in adjusted]
