from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.schema import Comparison, GateRule, ModelSpec
from evalkit.verdict import compare_rows, gate
from tests.verdict.table import BASE, MODELS, TUNED, config, from_counts, record, table

Counts = tuple[int, int, int, int]


def row(counts: Counts, suite: str = "qa") -> Comparison:
    t = from_counts(*counts, suite=config(suite))
    return compare_rows(t.split, t.stats, t.scorers, models=MODELS)[0]


WORSE: Counts = (100, 6, 20, 74)  # p_regression .003
SLIGHTLY: Counts = (100, 8, 18, 74)  # .025
EQUAL: Counts = (100, 9, 8, 83)


def test_a_significant_loss_fails() -> None:
    found = gate(record([config()], [row(WORSE)]))
    assert (found.verdict, found.mode) == ("FAIL", "significant-regression")
    (result,) = found.results
    assert result.p_regression == pytest.approx(0.003020, abs=1e-6)
    assert result.delta == pytest.approx(-0.07)
    assert result.reason == (
        "exact_match -7.0 points on 200 pairs (95 % CI -12.4..-2.2): a significant loss "
        "(adjusted one-sided p = 0.003)."
    )
    assert found.reason == "Significantly worse than the base: tuned on qa."


def test_no_significant_loss_passes() -> None:
    found = gate(record([config()], [row(EQUAL)]))
    assert found.verdict == "PASS"
    assert found.reason == "No significant loss against the base in 1 comparison."


def test_suites_of_one_model_are_one_family() -> None:
    suites = [config(name) for name in ("a", "b", "c")]
    alone = gate(record(suites[:1], [row(SLIGHTLY, "a")]))
    together = gate(record(suites, [row(SLIGHTLY, "a"), row(EQUAL, "b"), row(EQUAL, "c")]))
    assert (alone.verdict, together.verdict) == ("FAIL", "PASS")
    assert together.results[0].p_regression == pytest.approx(
        3 * (alone.results[0].p_regression or 0)
    )


def test_models_are_families_of_their_own_and_the_gravest_counts() -> None:
    other = ModelSpec("other", "file", "c", "tuned", tuned_from="base")
    rows = [row(SLIGHTLY), replace(row(EQUAL), tuned="other")]
    found = gate(record([config()], rows, models=(BASE, TUNED, other)))
    assert [(r.tuned, r.verdict) for r in found.results] == [("tuned", "FAIL"), ("other", "PASS")]
    assert found.verdict == "FAIL"


def test_what_is_missing_is_never_a_pass() -> None:
    few = row((5, 0, 0, 14))
    lost = replace(row(EQUAL), missing=11)
    description = replace(row(EQUAL), p_regression=None)
    empty = table({"base": [None] * 30, "tuned": ["a"] * 30}, ["a"] * 30)
    (nothing,) = compare_rows(empty.split, empty.stats, empty.scorers, models=MODELS)
    for rows, reason in [
        ([], "no answers in common"),
        ([nothing], "no answers in common"),
        ([few], "19 pairs compared; a decision needs at least 20"),
        ([lost], "11 of 211 (5.2 %) pairs are missing"),
        ([description], "neither direction of it is worse"),
    ]:
        found = gate(record([config()], rows))
        assert found.verdict == "INCONCLUSIVE"
        assert reason in found.results[0].reason
        assert found.reason == "Not enough to judge by: tuned on qa."
    assert gate(record([config()], [replace(row(EQUAL), missing=10)])).verdict == "PASS"


def test_a_failure_is_graver_than_a_gap_in_the_data() -> None:
    found = gate(record([config("a"), config("b")], [row(WORSE, "a")]))
    assert [r.verdict for r in found.results] == ["FAIL", "INCONCLUSIVE"]
    assert found.verdict == "FAIL"


def test_nothing_to_judge_is_inconclusive() -> None:
    assert gate(record([], [])).verdict == "INCONCLUSIVE"
    found = gate(record([config()], [], models=(BASE,)))
    assert (found.verdict, found.mode) == ("INCONCLUSIVE", "none")
    assert found.reason == "There is nothing to judge: no tuned model, or no suite."


def test_rules_come_from_the_suite_or_from_the_caller() -> None:
    careful = config(gate=GateRule(alpha=0.001))
    assert gate(record([careful], [row(WORSE)])).verdict == "PASS"
    assert gate(record([careful], [row(WORSE)]), GateRule(alpha=0.05)).verdict == "FAIL"


def test_slices_other_scorers_and_training_rows_do_not_decide() -> None:
    rows = [
        replace(row(WORSE), slice="lang=de"),
        replace(row(WORSE), scorer="f1"),
        replace(row(WORSE), split="train"),
        row(EQUAL),
    ]
    assert gate(record([config()], rows)).verdict == "PASS"
