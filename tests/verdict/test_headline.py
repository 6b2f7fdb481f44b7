from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.schema import Comparison, GateRule, Leak, ModelSpec, RunRecord, SuiteConfig, Usage
from evalkit.verdict import adjust, arm_differences, compare_rows, gate, headline, overfit
from evalkit.verdict.headline import Finding, Headline
from evalkit.verdict.wording import MINUS
from tests.verdict.table import (
    BASE,
    MODELS,
    TUNED,
    Table,
    config,
    evidence,
    from_counts,
    leaks,
    record,
    table,
)

Counts = tuple[int, int, int, int]
BETTER: Counts = (80, 60, 5, 55)
WORSE: Counts = (80, 5, 60, 55)
EQUAL: Counts = (490, 8, 8, 494)
UNCLEAR: Counts = (30, 9, 8, 33)


def compared(t: Table) -> list[Comparison]:
    return compare_rows(t.split, t.stats, t.scorers, models=MODELS)


def run_of(*parts: tuple[SuiteConfig, Counts]) -> RunRecord:
    tables = [from_counts(*counts, suite=suite) for suite, counts in parts]
    rows = [row for t in tables for row in compared(t)]
    return record([suite for suite, _ in parts], adjust(rows), tables=tables)


def only(run: RunRecord) -> Headline:
    (found,) = headline(run)
    return found


def test_better_by_one_suite_is_its_own_comparison() -> None:
    run = run_of((config(), BETTER))
    found = only(run).better
    (row,) = run.comparisons
    assert (found.answer, found.tone) == ("yes", "good")
    assert found.sentence.startswith("+27.5 points on unseen prompts (95 % CI ")
    assert row.low is not None
    assert f"{100 * row.low:+.1f}.." in found.sentence


def test_better_on_some_and_worse_on_others_is_mixed() -> None:
    found = only(run_of((config("a"), BETTER), (config("b"), BETTER), (config("c"), WORSE))).better
    assert (found.answer, found.tone) == ("mixed", "unsure")
    assert "clearly better on 2, clearly worse on 1 (c)" in found.sentence
    assert found.sentence.startswith("+9.2 points")
    found = only(run_of((config("a"), BETTER), (config("b"), BETTER))).better
    assert "clearly better on 2, clearly worse on none." in found.sentence


def test_worse_and_not_shown() -> None:
    assert only(run_of((config(), WORSE))).better.tone == "bad"
    unclear = only(run_of((config(), UNCLEAR))).better
    assert (unclear.answer, unclear.tone) == ("not shown", "unsure")


def test_where_less_is_better_a_fall_is_a_gain() -> None:
    suite = config(scorers=("repetition",))
    t = table({"base": ["a b c d " * 9] * 60, "tuned": ["a b c d e"] * 60}, ["a"] * 60, suite=suite)
    run = record([suite], adjust(compared(t)), tables=[t])
    assert only(run).better.answer == "yes"


def test_general_suites_answer_what_was_forgotten() -> None:
    general = config("general", general=True)
    kept = only(run_of((config(), BETTER), (general, EQUAL)))
    assert (kept.forgot.answer, kept.forgot.tone) == ("no", "good")
    assert "mean of" not in kept.better.sentence
    lost = only(run_of((config(), BETTER), (general, WORSE)))
    assert (lost.forgot.answer, lost.forgot.tone) == ("yes", "bad")
    assert lost.forgot.sentence.startswith(
        "general fell 27.5 points (one-sided p < 0.001; 95 % CI of the change " + MINUS
    )
    unclear = only(run_of((config(), BETTER), (general, UNCLEAR)))
    assert (unclear.forgot.answer, unclear.forgot.tone) == ("not shown", "unsure")
    unchecked = only(run_of((config(), BETTER)))
    assert (unchecked.forgot.answer, unchecked.forgot.tone) == ("unknown", "unsure")
    nothing_else = only(run_of((general, EQUAL)))
    assert nothing_else.better.answer == "unknown"


def with_verdict(train: Counts, test: Counts, *, leaked: int = 0) -> RunRecord:
    tables = [from_counts(*train, split="train"), from_counts(*test)]
    found = leaks(leaked)
    return record(
        [config()],
        adjust([row for t in tables for row in compared(t)]),
        tables=tables,
        overfit=overfit(evidence(*tables, leaks=found)),
        leaks=found,
    )


@pytest.mark.parametrize(
    ("train", "test", "answer", "tone"),
    [
        ((90, 90, 2, 18), (80, 50, 10, 60), "yes, strongly", "bad"),
        ((80, 70, 10, 40), (78, 50, 14, 58), "somewhat", "bad"),
        ((140, 170, 20, 170), (120, 185, 25, 170), "no", "good"),
        ((18, 92, 2, 88), (7, 69, 1, 123), "cannot tell", "unsure"),
    ],
)
def test_overfitted(train: Counts, test: Counts, answer: str, tone: str) -> None:
    found = only(with_verdict(train, test)).overfitted
    assert (found.answer, found.tone) == (answer, tone)
    assert "qa: the gain on" in found.sentence


def test_unknown_training_rows_are_said() -> None:
    found = only(run_of((config(), BETTER))).overfitted
    assert (found.answer, found.tone) == ("unknown", "unsure")


def test_strong_overfitting_fails_the_gate() -> None:
    found = only(with_verdict((90, 90, 2, 18), (80, 50, 10, 60))).ship
    assert found == Finding("Ship?", "no", "FAIL: against base: overfitted on qa.", "bad")


def test_overfitting_speaks_against_a_gate_that_passes() -> None:
    for train, test, level, tone in (
        ((90, 90, 2, 18), (80, 50, 10, 60), "strong", "bad"),
        ((80, 70, 10, 40), (78, 50, 14, 58), "mild", "unsure"),
    ):
        run = with_verdict(train, test)
        verdict = gate(run, GateRule(overfit="none"))
        assert verdict.verdict == "PASS"
        (found,) = headline(run, verdict)
        assert (found.ship.answer, found.ship.tone) == ("not advised", tone)
        assert f"{level} overfitting" in found.ship.sentence


def test_ship_follows_the_gate() -> None:
    assert only(run_of((config(), BETTER))).ship.answer == "yes"
    assert only(run_of((config(), WORSE))).ship == Finding(
        "Ship?", "no", "FAIL: against base: significantly worse on qa.", "bad"
    )
    assert only(record([config()], [])).ship.answer == "not yet"


def test_each_model_gets_its_own_answers() -> None:
    other = ModelSpec("other", "file", "c", "tuned", tuned_from="base")
    run = run_of((config(), BETTER))
    rows = [*run.comparisons, *(replace(row, tuned="other", delta=None) for row in run.comparisons)]
    both = replace(
        run, info=replace(run.info, models=(BASE, TUNED, other)), comparisons=tuple(rows)
    )
    first, second = headline(both)
    assert (first.tuned, first.ship.answer) == ("tuned", "yes")
    assert (second.tuned, second.ship.answer) == ("other", "not yet")
    assert second.better.answer == "unknown"
    assert [f.question for f in first.findings] == [
        "Better?",
        "Overfitted?",
        "Forgot?",
        "Comparable?",
        "Ship?",
    ]


def test_comparable_arms() -> None:
    found = only(run_of((config(), BETTER))).comparable
    assert (found.answer, found.tone) == ("yes", "good")
    assert found.sentence.startswith("200 pairs")


def test_one_model_under_two_names() -> None:
    t = table({"base": ["a", "x"] * 20, "tuned": ["a", "x"] * 20}, ["a"] * 40)
    run = record([config()], compared(t), tables=[t])
    same = arm_differences(run.info.models, run.splits)
    found = only(replace(run, info=replace(run.info, differences=same)))
    assert (found.comparable.answer, found.comparable.tone) == ("no", "bad")
    assert "probably a wrong adapter name" in found.comparable.sentence
    for told in (found.better, found.overfitted, found.forgot):
        assert (told.answer, told.tone) == ("same model", "unsure")
        assert told.sentence == (
            "tuned looks like the same model as base: equal answers to all 40 prompts."
        )
    assert (found.ship.answer, found.ship.tone) == ("not yet", "unsure")


def test_missing_cut_off_and_leaked_answers_ask_for_care() -> None:
    t = table({"base": ["a", None, "x", "x"], "tuned": ["a", "a", "a", "x"]}, ["a"] * 4)
    cut = Usage("tuned", 4, 0, 1, 0, 0, 0, (), {})
    found = only(record([config()], compared(t), tables=[t], usage=[cut])).comparable
    assert (found.answer, found.tone) == ("with care", "unsure")
    assert "1 of 4 (25.0 %) pairs are missing" in found.sentence
    assert "1 of 4 (25.0 %) answers of tuned were cut off" in found.sentence
    leaked = only(with_verdict((90, 90, 2, 18), (80, 50, 10, 60), leaked=3)).comparable
    assert "its training data holds 3 test prompts" in leaked.sentence


def test_leaks_into_other_models_training_do_not_count() -> None:
    run = with_verdict((90, 90, 2, 18), (80, 50, 10, 60))
    foreign = Leak("qa", "train_other", "test-1", "x", "exact", 1.0)
    assert only(replace(run, leaks=(foreign,))).comparable.answer == "yes"
