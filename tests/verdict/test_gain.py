from __future__ import annotations

import pytest

from evalkit.verdict import gain_splits
from tests.verdict.table import MODELS, config, table

SUITE = config(scorers=("exact_match", "contains"))


def test_a_gain_comes_apart_into_skill_and_form() -> None:
    """The base knows half of the answers, but wraps them; the tuned one knows 80 % and doesn't."""
    base = ["It is red." if i < 50 else "It is dark." for i in range(100)]
    tuned = ["red" if i < 80 else "dark" for i in range(100)]
    (found,) = gain_splits(
        table({"base": base, "tuned": tuned}, ["red"] * 100, suite=SUITE).split, models=MODELS
    )
    assert (found.total, found.skill, found.form) == pytest.approx((0.8, 0.3, 0.5))
    assert found.skill_low < 0.3 < found.skill_high
    assert found.form_low < 0.5 < found.form_high
    assert (found.suite, found.split, found.base, found.tuned) == ("qa", "test", "base", "tuned")


def test_the_parts_add_up_also_when_form_is_lost() -> None:
    base = ["red"] * 30 + ["is dark"] * 70
    tuned = ["is red"] * 40 + [None] * 10 + ["red"] * 50
    (found,) = gain_splits(
        table({"base": base, "tuned": tuned}, ["red"] * 100, suite=SUITE).split, models=MODELS
    )
    assert found.skill + found.form == pytest.approx(found.total)
    assert found.form < 0 < found.skill


def test_without_both_scorers_there_is_nothing_to_take_apart() -> None:
    t = table({"base": ["a"], "tuned": ["a"]}, ["a"])
    assert gain_splits(t.split, models=MODELS) == []
    unanswered = table({"base": [None], "tuned": ["a"]}, ["a"], suite=SUITE)
    assert gain_splits(unanswered.split, models=MODELS) == []


def test_rows_that_ask_the_same_widen_the_intervals() -> None:
    base = ["It is red." if i % 2 else "It is dark." for i in range(100)]
    widths = []
    for prompts in (100, 20):
        told = [f"prompt {i % prompts}" for i in range(100)]
        answers = {"base": base, "tuned": ["red"] * 100}
        split = table(answers, ["red"] * 100, suite=SUITE, prompts=told).split
        (found,) = gain_splits(split, models=MODELS)
        widths.append(found.skill_high - found.skill_low)
    assert widths[1] > 2 * widths[0]
