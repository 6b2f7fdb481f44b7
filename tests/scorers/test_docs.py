"""docs/scorers.md tells of every scorer, and what it tells is so."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evalkit.schema import Example, SuiteConfig
from evalkit.scorers import make_scorers, score_predictions
from evalkit.scorers.base import MeanScorer, defaults
from evalkit.scorers.builtin import BUILTIN
from evalkit.scorers.graders import SIMILARITIES, TYPES
from tests.scorers.shipped import NEEDED, WRITTEN

PAGE = (Path(__file__).parents[2] / "docs" / "scorers.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Table")[2].partition("## Fine print")[0]
TABLE = {
    cells[0].strip("` "): [cell.strip() for cell in cells[1:]]
    for line in SECTION.splitlines()
    if line.startswith("| `")
    for cells in [line.strip("| ").split(" |")]
}
COLUMNS = (
    "name", "definition", "kind, range", "options (default)",
    "signature", "source", "oracle", "test",
)  # fmt: skip
HERE = Path(__file__).parent
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
JSON_BLOCKS = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def test_the_table_has_a_row_for_each_shipped_scorer() -> None:
    assert f"| {' | '.join(COLUMNS)} |" in SECTION
    assert list(TABLE) == list(BUILTIN)


def _function(name: str) -> Callable[..., object]:
    shipped = BUILTIN[name]
    return shipped.function if isinstance(shipped, MeanScorer) else shipped.build


@pytest.mark.parametrize("name", BUILTIN)
def test_a_row_has_no_gaps_and_names_tests_that_there_are(name: str) -> None:
    assert len(TABLE[name]) == len(COLUMNS) - 1
    assert all(TABLE[name])
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", TABLE[name][-1])
    assert named
    for file, test in named:
        tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
        found = [part for part in tree.body if isinstance(part, ast.FunctionDef)]
        assert test in {part.name for part in found}


def test_no_oracle_goes_unmentioned() -> None:
    for path in sorted((HERE / "oracles").glob("test_*.py")):
        assert f"`oracles/{path.name}::" in SECTION


@pytest.mark.parametrize("name", BUILTIN)
def test_a_row_tells_kind_options_and_signature(config: SuiteConfig, name: str) -> None:
    _, kind, options, signature, *_ = TABLE[name]
    assert (options == "none") == (not defaults(_function(name)) and name not in NEEDED)
    (ours,) = make_scorers([WRITTEN[name]], config, [["a"], ["b"]])
    expected = "0 or 1" if ours.binary else "[0, 1]" if ours.unit == "score" else ours.unit
    assert kind == f"{ours.kind}, {expected}"
    assert (name in NEEDED) == ("needed" in options)
    for option, default in defaults(_function(name)).items():
        shown = f'"{default}"' if isinstance(default, str) else str(default)
        shown = f"{default:g}" if isinstance(default, float) else shown
        assert f"`{option}` ({shown})" in options
    for part in re.findall(r"`([a-z]+:[a-z]+)`", signature):
        assert part in ours.signature.split("|")


def test_the_page_names_those_that_see_whole_completions(config: SuiteConfig) -> None:
    (line,) = re.findall(r"^  (.*) always see all that was said", PAGE, re.MULTILINE)
    made = make_scorers(list(WRITTEN.values()), config, [["a"], ["b"]])
    assert re.findall(r"`(\w+)`", line) == [scorer.name for scorer in made if scorer.whole]


def test_an_own_scorer_sees_the_row(config: SuiteConfig, tmp_path: Path) -> None:
    path = tmp_path / "my_scorers.py"
    path.write_text("\n".join(BLOCKS), encoding="utf-8")
    (made,) = make_scorers([f"{path}:names_customer"], config, [["x"]])
    example = Example("1", "Who?", (), ("x",), {"customer": "Ada"})
    assert made.example_stats("Dear Ada,", example) == (1.0, 1.0)


def test_the_grader_of_the_page_grades(config: SuiteConfig, tmp_path: Path) -> None:
    (tmp_path / "grader.json").write_text(JSON_BLOCKS[0], encoding="utf-8")
    (made,) = make_scorers([f"{tmp_path / 'grader.json'}"], config, [["x"]])
    assert made.name == "close"
    example = Example("1", "Capital?", (), ("Lima",))
    assert made.example_stats("Lima", example) == (1.0, 1.0)
    np.testing.assert_allclose(made.example_stats("Limo", example), (0.3 * 0.75, 1.0))


def test_the_page_names_every_type_of_grader() -> None:
    table = PAGE.partition("## Graders")[2]
    for name in (*TYPES, *SIMILARITIES):
        assert f"`{name}`" in table


def test_the_examples_of_own_scorers_run(config: SuiteConfig, tmp_path: Path) -> None:
    path = tmp_path / "my_scorers.py"
    path.write_text("\n".join(BLOCKS), encoding="utf-8")
    specs = [f"{path}:{name}" for name in ("same_start", "surplus(at_least=1)", "LengthRatio")]
    references = [["ab"], ["c", "d"]]
    made = make_scorers(specs, config, references)
    stats = [score_predictions(scorer, ["abab", "d"], references) for scorer in made]
    scores = [scorer.corpus(rows.sum(axis=0)) for scorer, rows in zip(made, stats, strict=True)]
    np.testing.assert_allclose(scores, [1.0, 1.5, 5 / 3])
