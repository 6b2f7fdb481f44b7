"""`pytest -m benchmark -s tests/benchmarks/test_gate.py`: the bound is 3 s."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.store import write
from evalkit.verdict import adjust, compare_rows
from tests.benchmarks.measure import EVALKIT, cost_of
from tests.verdict.table import MODELS, config, record, table

N = 10_000


@pytest.mark.benchmark
@pytest.mark.parametrize("scorer", ["exact_match", "f1", "bleu"])
def test_ten_thousand_examples_are_judged_from_their_folder(tmp_path: Path, scorer: str) -> None:
    suite = config(scorers=(scorer,))
    references = [f"the {i} grey cats sat on mat {i * 7} today" for i in range(N)]
    base = [r if i % 3 else f"not {r}" for i, r in enumerate(references)]
    tuned = [r if i % 4 else f"never {r}" for i, r in enumerate(references)]
    t = table({"base": base, "tuned": tuned}, references, suite=suite)
    rows = compare_rows(t.split, t.stats, t.scorers, models=MODELS)
    write(record([suite], adjust(rows), tables=[t]), tmp_path / "run")
    cost = min((cost_of([*EVALKIT, "gate", "run"], tmp_path) for _ in range(3)),
               key=lambda c: c.seconds)  # fmt: skip
    print(
        f"\nevalkit gate, {N:,} examples, {scorer}: {cost.seconds:.2f} s, {cost.processor:.2f} s "
        f"of them of the processor, {cost.megabytes:.0f} MB"
    )
    assert cost.code == 0
    assert cost.processor < 3
