"""What a reader sees of two runs, and of what makes arms less comparable."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.report import render_report
from evalkit.report.side_by_side import SHOWN_FLIPS, comparison_text
from evalkit.schema import Comparison, Difference, Flip, RunComparison, Score
from tests.report.factory import make_record, with_info
from tests.report.hostile import EVIL, spoil
from tests.report.pages import element
from tests.report.test_terminal import plain

ROW = Comparison(
    "qa", "test", "", "old/tuned", "tuned", "exact_match", 0.1, 0.02, 0.18, 0.01, 0.02, 0.99,
    "tango/mcnemar-midp", "primary", 8, 50, 2, 60, 0,
)  # fmt: skip
FLIPS = tuple(
    Flip("qa", "tuned", f"id{i}", "broke" if i < 2 else "fixed", 0.0, 1.0, f"prompt {i}\x1b[31m")
    for i in range(SHOWN_FLIPS + 3)
)
FOUND = RunComparison(
    "old", "new",
    (Difference("repeats", "", "1", "3", "flag"),
     Difference("system prompt", "b", "none", "Be [red]brief[/red].", "refuse")),
    (ROW, replace(ROW, slice="language=de")),
    tuple(Score("qa", "test", "", m, "exact_match", s, None, None, 60, 0)
          for m, s in (("old/tuned", 0.5), ("tuned", 0.6))),
    FLIPS,
)  # fmt: skip


def test_two_runs_on_a_terminal() -> None:
    text = plain(comparison_text(FOUND), width=140)
    lines = text.splitlines()
    assert lines[0].startswith("new against old")
    (row,) = (line for line in lines if line.startswith("qa "))
    assert row.split() == [
        "qa", "tuned", "exact_match", "0.500", "0.600", "+0.100", "[+0.020,", "+0.180]", "0.020",
        str(SHOWN_FLIPS + 1), "2",
    ]  # fmt: skip
    refused = lines.index("not compared: b: system prompt: none → Be [red]brief[/red].")
    assert lines[refused + 1] == "with care: repeats: 1 → 3"
    assert next(line for line in lines if line.startswith("broke: ")).startswith(
        "broke: qa / tuned / id0: prompt 0"
    )
    assert lines[-1] == "and 3 more flips: --json has all"
    assert "\x1b[31m" not in text


@pytest.mark.parametrize("width", [80, 72])
def test_a_narrow_terminal_folds_names_and_cuts_nothing(width: int) -> None:
    text = plain(comparison_text(replace(FOUND, differences=(), flips=())), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert {"0.500", "0.600", "0.020", "+0.100"} <= set(text.split())


def test_nothing_changed_is_said() -> None:
    text = plain(comparison_text(replace(FOUND, differences=(), flips=())), width=140)
    assert "nothing changed that was looked at" in text
    assert "no prompt flipped" in text


def test_the_report_lists_what_arms_do_not_share() -> None:
    found = (
        Difference("same model", "overfit", "equal to all 60", "equal to all 60", "refuse"),
        Difference("cut off by max_tokens", "tuned", "3 of 60", "40 of 60", "flag"),
    )
    record = with_info(make_record(suites=1), differences=found)
    page = element(render_report(record), "section", ' id="comparable"[^>]*')
    assert "No comparison." in page
    assert "probably a wrong adapter name" in page
    assert "40 of 60" in page
    assert EVIL[:20] not in element(
        render_report(spoil(record)), "section", ' id="comparable"[^>]*'
    )
    clear = render_report(with_info(record, differences=()))
    assert "None of this was found." in element(clear, "section", ' id="comparable"[^>]*')
