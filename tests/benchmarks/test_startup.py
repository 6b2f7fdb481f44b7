"""`pytest -m benchmark -s tests/benchmarks/test_startup.py`: the bound is 0.25 s."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import pytest

from tests.benchmarks.measure import EVALKIT, cost_of


@pytest.mark.benchmark
def test_help_is_instant(tmp_path: Path) -> None:
    runs = [
        (cost_of([*EVALKIT, "--help"], tmp_path), cost_of([sys.executable, "-c", ""], tmp_path))
        for _ in range(7)
    ]
    shown = statistics.median(helped.seconds for helped, _ in runs)
    bare = statistics.median(empty.seconds for _, empty in runs)
    print(f"\nevalkit --help: {shown:.3f} s (bare python {bare:.3f} s, ratio {shown / bare:.1f})")
    assert all(helped.code == 0 for helped, _ in runs)
