from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from evalkit.report import render_markdown
from evalkit.report.markdown import _code, _prose
from evalkit.report.text import signed
from tests.report.factory import make_record, with_info
from tests.report.hostile import spoil


def test_it_says_the_verdict_the_answers_and_the_numbers() -> None:
    record = make_record()
    text = render_markdown(record)
    assert "**FAIL**" in text
    assert "### `tuned` against `base`" in text
    assert text.count("| Better? |") == text.count("| Ship? |") == 2
    change = next(c for c in record.comparisons if (c.suite, c.tuned) == ("capitals", "tuned"))
    row = next(line for line in text.splitlines() if line.startswith("| `capitals` |"))
    assert f"{signed(change.delta)} [{signed(change.low)}, {signed(change.high)}]" in row
    assert text.endswith("> ⚠️ capitals: 1 of 60 answers of base is missing.\n")


def test_rows_of_a_table_have_as_many_cells_as_its_head() -> None:
    lines = render_markdown(spoil(make_record(n=4))).splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("| Suite |"))
    cells = [len(re.findall(r"(?<!\\)\|", line)) for line in lines[head : head + 8]]
    assert len(set(cells)) == 1


def test_hostile_texts_stay_inert() -> None:
    text = render_markdown(spoil(make_record(n=4)))
    outside = re.sub(r"`[^`\n]*`", "", text)
    assert "<img" not in outside
    assert "<script" not in outside
    assert not re.search(r"@\w", outside)
    assert "\x1b" not in text
    assert "\u202e" not in text


@given(st.text())
def test_prose_is_one_line_without_markup_mentions_or_links(text: str) -> None:
    prose = _prose(f"{text} @all #12 https://x.example www.x.example a|b <b> [x](y) `c` $m$")
    assert "\n" not in prose
    assert not re.search(r"[\\`*_\[\]<>|~$]|@\w|(?<!&)#\d|://|www\.", prose)


@given(st.text())
def test_a_name_cannot_leave_its_code_span(name: str) -> None:
    code = _code(name)
    assert code.count("`") == 2
    assert not re.search(r"(?<!\\)\|", code)


def test_without_a_tuned_model_there_is_only_the_table() -> None:
    text = render_markdown(make_record(tuned=(), n=4, suites=1))
    assert "| `capitals` |" in text
    assert "Better?" not in text


def test_without_scorers_there_is_no_table() -> None:
    record = with_info(make_record(n=4, suites=1), scorers={})
    assert "\n| Suite |" not in render_markdown(record)
