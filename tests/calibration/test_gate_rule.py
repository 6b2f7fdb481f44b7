"""The rule that is calibrated is the gate's."""

from __future__ import annotations

from evalkit.stats.samples import rng
from evalkit.verdict import gate
from tests.calibration.gate import DISAGREEMENT, all_suites
from tests.verdict.table import config, from_counts, record


def test_several_suites_are_judged_as_by_the_gate() -> None:
    generator = rng("several suites")
    seen = set()
    for _ in range(60):
        sides = [DISAGREEMENT / 2 + d for d in generator.uniform(-0.04, 0.01, 3)]
        counts = [
            generator.multinomial(n, [win, DISAGREEMENT - win, 1 - DISAGREEMENT])
            for win, n in zip(sides, (60, 150, 200), strict=True)
        ]
        suites = [(int(c[0]), int(c[1]), int(c.sum())) for c in counts]
        names = [config(f"suite {i}") for i in range(len(suites))]
        tables = [
            from_counts(n - wins - losses, wins, losses, 0, suite=name)
            for (wins, losses, n), name in zip(suites, names, strict=True)
        ]
        found = gate(record(names, [], tables=tables)).verdict
        assert found == all_suites(suites)
        seen.add(found)
    assert seen == {"PASS", "FAIL", "INCONCLUSIVE"}
