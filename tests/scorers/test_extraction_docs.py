"""docs/extraction.md shows steps that do what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evalkit.data import load_suite, parse_extract
from evalkit.data.extraction import ANSWER
from evalkit.schema import SuiteConfig
from evalkit.scorers import make_extractor
from evalkit.scorers.extract import _MAKERS
from evalkit.scorers.patterns import SECONDS

PAGE = (Path(__file__).parents[2] / "docs" / "extraction.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| `")
]


def codes(cell: str) -> list[str]:
    """What stands in code quotes, double ones too."""
    return [long or short for long, short in re.findall(r"`` (.*?) ``|`([^`]+)`", cell)]


def test_every_step_has_a_row() -> None:
    assert {codes(row[0])[0].partition("=")[0] for row in ROWS} == {"answer", "whole", *_MAKERS}
    following = [codes(row[0])[0] for row in ROWS[1 : 1 + len(ANSWER)]]
    assert tuple(following) == ANSWER
    assert SECONDS == 2
    assert "two seconds" in PAGE


@pytest.mark.parametrize("row", ROWS[:-1], ids=lambda row: str(codes(row[0])[0]))
def test_a_row_shows_what_its_step_does(row: list[str]) -> None:
    name, _, example, left = row
    completion, *given = (text.replace("⏎", "\n") for text in codes(example))
    steps = parse_extract(given or [codes(name)[0]])
    assert make_extractor(SuiteConfig("demo", "qa", extract=steps))(completion) == codes(left)[0]


def test_every_suite_it_shows_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text('{"prompt": "Where is it?", "completion": "delivery"}\n')
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    for block in blocks:
        (tmp_path / "suite.yaml").write_text(f"test: test.jsonl\n{block}")
        config = load_suite(tmp_path).config
        assert make_extractor(config)("Answer: 7 delivery") is not None
    assert make_extractor(config)("Sure! I want to be REIMBURSED, so reimburse me.") == "refund"
    assert make_extractor(config)("Money back, or shipping?") is None


def test_the_command_line_it_shows_is_made_of_steps() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("evalkit ")]
    run, score = (parse_extract(re.findall(r"--extract (\S+)", line)) for line in lines)
    assert [str(step) for step in run] == [*ANSWER, "number"]
    assert [str(step) for step in score] == [*ANSWER, "after=Answer:", "number"]
