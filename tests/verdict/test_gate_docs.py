"""What docs/gate.md says, done here."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from evalkit.data.suitefile import read_suite_file
from evalkit.schema import GateRule
from evalkit.stats.decisions import binary_decision, three_way
from evalkit.stats.planning import units_for_pass

PAGE = (Path(__file__).parents[2] / "docs" / "gate.md").read_text(encoding="utf-8")
DISAGREEMENT, MARGIN = 0.10, 0.05


def rows() -> Iterator[list[str]]:
    block = re.search(r"<!-- rates -->\n(.*?)<!-- end rates -->", PAGE, re.DOTALL)
    assert block is not None
    for line in block[1].splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


@cache
def decided(wins: int, losses: int, n: int) -> str:
    return three_way(binary_decision(wins, losses, n, MARGIN))


def outcomes(n: int, change: float) -> Iterator[tuple[int, int, float]]:
    """Every table of n pairs whose chance matters, with that chance."""
    win, lose = (DISAGREEMENT + change) / 2, (DISAGREEMENT - change) / 2
    logs = [math.log(p) for p in (win, lose, 1 - win - lose)]
    most = int(n * DISAGREEMENT + 8 * math.sqrt(n * DISAGREEMENT))
    for wins in range(most):
        for losses in range(min(most, n - wins + 1)):
            counts = wins, losses, n - wins - losses
            log = math.lgamma(n + 1) - sum(math.lgamma(c + 1) for c in counts)
            log += sum(c * p for c, p in zip(counts, logs, strict=True))
            if log > math.log(1e-9):
                yield wins, losses, math.exp(log)


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: "/".join(row[:2]))
def test_the_table_of_rates_is_what_the_rule_does(row: list[str]) -> None:
    n, change = int(row[0]), int(row[1]) / 100
    rates = dict.fromkeys(["dropped", "by more", "FAIL", "INCONCLUSIVE", "PASS"], 0.0)
    for wins, losses, chance in outcomes(n, change):
        rates["dropped"] += chance * (wins < losses)
        rates["by more"] += chance * (losses - wins > 0.02 * n)
        rates[decided(wins, losses, n)] += chance
    assert [f"{rate:.3f}".removeprefix("0") for rate in rates.values()] == row[2:]


def test_the_rule_shown_is_the_default(tmp_path: Path) -> None:
    block = re.search(r"```yaml\n(gate:.*?)```", PAGE, re.DOTALL)
    assert block is not None
    (tmp_path / "suite.yaml").write_text(f"test: t.jsonl\n{block[1]}")
    assert read_suite_file(tmp_path / "suite.yaml").config.gate == GateRule()
    assert all(f"  {field}:" in block[1] for field in GateRule.__dataclass_fields__)


def test_how_many_prompts_let_most_unchanged_models_pass() -> None:
    n = math.ceil(units_for_pass(DISAGREEMENT, MARGIN))
    assert n == 248
    passed = sum(p for b, c, p in outcomes(n, 0.0) if decided(b, c, n) == "PASS")
    # The formula is the normal one; Tango's test at exactly 248 pairs passes a little fewer.
    assert passed == pytest.approx(0.774, abs=0.001)
