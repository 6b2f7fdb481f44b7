"""The committed results are those of these cells, and a small measurement agrees with them."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from evalkit.data import rarity
from evalkit.pipeline.plan import PERTURB
from evalkit.schema import GateRule
from evalkit.stats.paired import SPARSE
from evalkit.stats.planning import DISAGREEMENT_AFTER_TUNING, POWER
from evalkit.stats.resampling import BOOTSTRAP_DRAWS, ENUMERATE_UP_TO, RANDOM_DRAWS
from evalkit.stats.samples import (
    ALPHA,
    CONFIDENCE,
    DECISION,
    FEWEST_UNITS,
    SMALL_SAMPLE,
    THRESHOLD,
    rng,
)
from evalkit.stats.trends import FEWEST_POINTS
from evalkit.verdict import leaks
from evalkit.verdict.claims import MOST_MISSING
from evalkit.verdict.scores import FEWEST_REFERENCES
from evalkit.verdict.signals import copying, curve, leakage, signals
from evalkit.verdict.signals.registry import LEAD
from tests.calibration import coverage, gate, overfit, wording
from tests.calibration import leakage as planted
from tests.calibration.cells import Cell, measured, noise, tables
from tests.calibration.models import ADDED, Truth, answers, expected
from tests.calibration.table import CELLS, filled, load, main

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"
RESULTS = {(row.study, row.cell): row for row in load()}
QUICK = [
    *((cell, 0.05) for cell in coverage.CELLS if cell.draws == 20_000),
    *((cell, 0.02) for cell in coverage.CELLS if 0 < cell.draws < 20_000),
    *((cell, 0.05) for cell in gate.CELLS if cell.draws),
    *(
        (cell, 60 / cell.draws)
        for cell in overfit.CELLS
        if cell.name.startswith("n = 200: ") and "weak" not in cell.name
    ),
    *((cell, 0.05) for cell in wording.CELLS if cell.name.startswith("n = 100: ")),
    *((cell, 0.1) for cell in planted.CELLS if "worded" in cell.name),
]
"""Simulated cells that are measured again, with this part of their draws."""


MISSED = {
    "n = 200: 20 points memorised, 43 % disagree",
    "n = 200: 20 points memorised, 43 % disagree, test harder",
}
"""Promises that are not kept, which the page says and explains."""


def name_of(value: Cell | float) -> str:
    return value.name if isinstance(value, Cell) else ""


def test_every_cell_has_a_result_and_every_result_a_cell() -> None:
    assert list(RESULTS) == [(cell.study, cell.name) for cell in CELLS]
    for cell in CELLS:
        found = RESULTS[cell.study, cell.name]
        assert (found.draws, found.bounds) == (cell.draws, dict(cell.bounds))
        assert set(found.bounds) <= set(found.figures)


def test_promises_are_kept_but_for_those_that_the_page_explains() -> None:
    assert {row.cell for row in RESULTS.values() if row.missed} == MISSED


def test_the_page_shows_the_results() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page) == page


@pytest.mark.parametrize("cell", [cell for cell in CELLS if not cell.draws], ids=name_of)
def test_what_is_enumerated_comes_out_the_same(cell: Cell) -> None:
    found = measured(cell)
    assert found.figures == pytest.approx(RESULTS[cell.study, cell.name].figures, abs=2e-6)
    assert not found.missed


@pytest.mark.parametrize(("cell", "effort"), QUICK, ids=name_of)
def test_fewer_draws_agree(cell: Cell, effort: float) -> None:
    found, full = measured(cell, effort), RESULTS[cell.study, cell.name]
    for outcome, share in full.figures.items():
        error = math.hypot(noise(share, found.draws), noise(share, full.draws))
        assert abs(found.figures[outcome] - share) <= 4.5 * error, outcome


def test_tables_are_all_that_can_happen() -> None:
    found = list(tables(60, 0.2, -0.05))
    assert sum(weight for *_, weight in found) == pytest.approx(1.0, abs=1e-9)
    change = sum((wins - losses) / 60 * weight for wins, losses, weight in found)
    assert change == pytest.approx(-0.05, abs=1e-9)


def test_simulated_models_are_what_they_are_said_to_be() -> None:
    generator = rng("models")

    def shares(truth: Truth, *, train: bool = True) -> tuple[float, float, float]:
        base, tuned = answers(generator, 200_000, truth, train=train)
        return float(base.mean()), float(tuned.mean()), float((base != tuned).mean())

    assert shares(Truth()) == pytest.approx(
        (0.5, expected(1.0), DISAGREEMENT_AFTER_TUNING), abs=0.006
    )
    assert shares(Truth(kept=0.0))[2] == pytest.approx(0.43, abs=0.006)
    assert shares(Truth(memorised=0.2))[1] == pytest.approx(expected(1.0) + 0.2, abs=0.006)
    assert shares(Truth(memorised=0.2), train=False)[1] == pytest.approx(expected(1.0), abs=0.006)
    weak = shares(Truth(skill=-3.0, gain=3.0))
    assert weak[:2] == pytest.approx((0.07, 0.5), abs=0.006)
    for train in (True, False):
        base, tuned, _ = shares(Truth(additive=True, harder=1.0), train=train)
        assert tuned - base == pytest.approx(ADDED[0] - ADDED[1], abs=0.006)


def test_the_page_names_the_constants_of_the_code() -> None:
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    rule = GateRule()
    for said in (
        f"With fewer than {FEWEST_UNITS} units there are estimates, but no decisions",
        f"with fewer than {SMALL_SAMPLE} examples a score is marked",
        f"Fewer than {SPARSE} units that differ at all",
        f"if there are at most {ENUMERATE_UP_TO:,}, else it draws {RANDOM_DRAWS:,}",
        f"resampled ({BOOTSTRAP_DRAWS:,} draws)",
        f"a class of fewer than {FEWEST_REFERENCES} references",
        f"two-sided test at {100 * ALPHA:.0f} % finds with {100 * POWER:.0f} % power",
        f"its tuned model on about {100 * DISAGREEMENT_AFTER_TUNING:.0f} %",
        f"Two one-sided tests at {100 * rule.alpha:.0f} %",
        f"The margin is {100 * rule.margin:.0f} points unless the suite says otherwise",
        f"More than {100 * MOST_MISSING:.0f} % missing pairs, fewer than {FEWEST_UNITS} units",
        f"hold {copying.WORDS} words in a row that at most {copying.RARE} training completions",
        f"| {rarity.LEAST_LEAD:g} bits |",
        f"| {rarity.LEAD_BY_SPREAD:g} √d,",
        f"| {rarity.LEAD_BY_LACKING:g} times the rarest word that the test prompt lacks |",
        f"| {rarity.LEAD_BY_SHARED:g} times the rarest word that both have, if",
        f"what is lacking is worth more than {rarity.COMMON:g} bit |",
        f"Both must share {rarity.FEWEST_WORDS} words",
        f"{leakage.FEWEST_CLEAN} clean test prompts",
        f"at most {100 * leaks.MOST_LEAKED:.0f} % leaked",
        f"{100 * CONFIDENCE:.0f} % | level of every interval that is shown",
        f"its {100 * DECISION:.0f} % interval lies above {100 * THRESHOLD:.0f} points",
        f"{PERTURB} test prompts of a suite (`--perturb N`) are also asked reworded",
        f"a loss file with {FEWEST_POINTS} validation losses",
        f"rises by {100 * curve.RISE:.0f} % from the third to the last quarter",
    ):
        assert said in text


def test_the_page_tells_of_the_signals_that_there_are() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(rows) <= set(signals())
    assert rows[0] == LEAD


def test_a_page_without_a_place_for_a_table_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Nothing here\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no block <!-- coverage -->"):
        main(["--write", str(page)])
