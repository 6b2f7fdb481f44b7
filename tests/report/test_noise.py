"""What a reader sees of repetitions and of the noise floor."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.report import render_report, summary_text
from evalkit.schema import Answer, Failure, Noise, RunRecord
from tests.report.factory import NOISE, make_record, with_info
from tests.report.hostile import EVIL, spoil
from tests.report.pages import element
from tests.report.test_terminal import plain


def noisy(floor: float = 0.056) -> RunRecord:
    return with_info(make_record(suites=1, n=60), noise=(replace(NOISE, floor=floor),))


def section(record: RunRecord) -> str:
    return element(render_report(record), "section", ' id="noise"[^>]*')


@pytest.mark.parametrize(("floor", "word"), [(0.056, "larger than"), (0.99, "inside")])
def test_changes_stand_beside_the_noise_floor(floor: float, word: str) -> None:
    record = noisy(floor)
    text = section(record)
    assert f"{word} the noise floor" in text
    change = next(c for c in record.comparisons if c.tuned == "tuned" and c.family == "primary")
    assert f'data-value="{change.delta!r}"' in text
    assert f'data-value="{floor!r}"' in text


def test_repetitions_alone_have_no_floor() -> None:
    alone = Noise("capitals", "test", "tuned", "exact_match", 5, 60, 9, 0.21, 0.4)
    text = section(with_info(make_record(suites=1, n=6), noise=(alone,)))
    assert "floor:" not in text.partition('<p class="about">')[0]
    assert 'data-value="0.21"' in text


def test_a_run_that_asked_once_says_nothing_of_noise() -> None:
    record = with_info(make_record(suites=1, n=6), noise=())
    assert 'id="noise"' not in render_report(record)
    assert "itself again" not in plain(summary_text(record))


def test_the_terminal_shows_it_below_the_suites() -> None:
    text = plain(summary_text(noisy()), width=140)
    assert "9 of 60 prompts" in text
    assert "±0.056" in text
    assert text.index("change [95 %") < text.index("itself again")


def test_names_take_no_effect() -> None:
    assert EVIL[:20] not in section(spoil(noisy()))


def test_examples_say_how_many_answers_differ() -> None:
    record = make_record(suites=1)
    split = record.splits[0]
    first = split.answers["tuned"][0]
    row = (first, Answer("another"), Failure("timeout", "late"))
    repeats = {"tuned": (row, *(((a,) * 3) for a in split.answers["tuned"][1:]))}
    record = replace(record, splits=(replace(split, repeats=repeats), *record.splits[1:]))
    page = render_report(record)
    assert "first of 3 answers, 1 of them unlike it, 1 missing" in page
    assert "first of 3 answers, all alike" in page
