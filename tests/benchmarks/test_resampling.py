"""Processor time of resampling: 10,000 draws over 10,000 pairs. Run with `-m benchmark -s`."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from evalkit.stats.resampling import moved, resampled_totals
from evalkit.stats.samples import rng

PAIRS = DRAWS = 10_000
MEAN, BLEU = 2, 10
"""Statistics of one example: value and count; match counts, totals and lengths."""
MOST = {MEAN: 1.0, BLEU: 2.0}
"""Seconds that either may take."""


@pytest.mark.benchmark
@pytest.mark.parametrize("width", [MEAN, BLEU], ids=["mean", "bleu"])
def test_resampling_a_paired_difference(width: int) -> None:
    rows = rng("rows").random((PAIRS, 2 * width))
    bootstrap = seconds(lambda: resampled_totals(rows, rng("x"), DRAWS))
    swaps = seconds(lambda: moved(rows[:, :width] - rows[:, width:], rng("x"), DRAWS))
    print(f"\n{width} statistics: bootstrap {bootstrap:.2f} s, swaps {swaps:.2f} s")
    assert bootstrap < MOST[width]
    assert swaps < MOST[width]


def seconds(work: Callable[[], object]) -> float:
    """Processor time, which other processes on the machine don't lengthen much."""
    started = time.process_time()
    work()
    return time.process_time() - started
