"""The overfitting verdict through its public functions; V13 with its levels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from evalkit.schema import Leak, Level, ModelSpec, OverfitVerdict, Signal, SuiteConfig
from evalkit.verdict import gather, overfit, overfit_levels
from evalkit.verdict.overfit import adjust_signals, join
from evalkit.verdict.signals import level_of
from evalkit.verdict.signals.registry import SECOND_SCALE
from tests.verdict.table import (
    MODELS,
    Table,
    config,
    evidence,
    from_counts,
    leaks,
    right_or_wrong,
    table,
)

Counts = tuple[int, int, int, int]
Bools = NDArray[np.bool_]


def judge(
    train: Table, test: Table, *, suite: SuiteConfig | None = None, leaks: Sequence[Leak] = ()
) -> OverfitVerdict:
    (verdict,) = overfit(evidence(train, test, suite=suite, leaks=leaks))
    return verdict


def signal_of(verdict: OverfitVerdict, name: str) -> Signal:
    return next(s for s in verdict.signals if s.name == name)


@pytest.mark.parametrize(
    ("train", "test", "level"),
    [
        ((90, 90, 2, 18), (80, 50, 10, 60), "strong"),
        ((18, 92, 2, 88), (7, 69, 1, 123), "inconclusive"),
        ((140, 170, 20, 170), (120, 185, 25, 170), "none"),
        ((80, 70, 10, 40), (78, 50, 14, 58), "mild"),
    ],
)
def test_levels_v13(train: Counts, test: Counts, level: Level) -> None:
    verdict = judge(from_counts(*train, split="train"), from_counts(*test))
    assert verdict.level == level
    assert signal_of(verdict, "gap").level == level
    assert (verdict.n_train, verdict.n_test) == (sum(train), sum(test))
    assert verdict.train_tuned == pytest.approx((train[0] + train[1]) / sum(train))
    assert verdict.train_base == pytest.approx((train[0] + train[2]) / sum(train))
    assert verdict.test_tuned == pytest.approx((test[0] + test[1]) / sum(test))
    assert verdict.test_base == pytest.approx((test[0] + test[2]) / sum(test))


def test_numbers_v13() -> None:
    verdict = judge(from_counts(90, 90, 2, 18, split="train"), from_counts(80, 50, 10, 60))
    gap = signal_of(verdict, "gap")
    assert gap.value == pytest.approx(0.24)
    assert (gap.low, gap.high) == pytest.approx((0.155205, 0.324795), abs=1e-6)
    assert gap.numbers["raw_gap"] == pytest.approx(0.25)
    assert gap.numbers["base_gap"] == pytest.approx(0.01)
    assert gap.numbers["logit_low"] == pytest.approx(1.048784, abs=1e-6)
    assert gap.p == gap.p_adjusted  # the only available signal on the only suite


def test_a_base_offered_as_its_own_tune_is_not_overfitted() -> None:
    level = judge(from_counts(100, 0, 0, 100, split="train"), from_counts(60, 0, 0, 140)).level
    assert level == "none"


def test_learnt_by_heart_is_strong_though_the_base_knows_nothing() -> None:
    """No variance anywhere but in the tuned model's answers to unseen prompts."""
    verdict = judge(from_counts(0, 100, 0, 0, split="train"), from_counts(0, 27, 0, 273))
    assert verdict.level == "strong"
    assert "cannot show whether the splits are equally hard" in signal_of(verdict, "gap").detail
    assert verdict.advice.startswith("Strong overfitting: +100.0 points on training prompts but")


def test_too_few_examples_are_inconclusive() -> None:
    verdict = judge(from_counts(0, 19, 0, 0, split="train"), from_counts(0, 10, 0, 100))
    assert verdict.level == "inconclusive"
    assert signal_of(verdict, "gap").p is None
    assert "at least 20" in verdict.advice
    assert judge(from_counts(0, 40, 0, 0, split="train"), from_counts(0, 0, 0, 29)).level == (
        "inconclusive"
    )


def test_leakage_hides_the_gap_until_it_is_removed() -> None:
    """Half of the test prompts were trained on and are all right; the clean ones are not."""
    train = from_counts(0, 100, 0, 0, split="train")
    test = from_counts(0, 100, 0, 100)  # its first 100 are those that leaked
    verdict = judge(train, test, leaks=leaks(100))
    leakage = signal_of(verdict, "leakage")
    assert verdict.n_test == 100
    assert leakage.value == pytest.approx(0.5)
    assert leakage.numbers["gap_with"] == pytest.approx(0.5)
    assert leakage.numbers["gap_without"] == pytest.approx(1.0)
    assert verdict.level == "strong"
    assert verdict.advice.endswith(
        "100 of 200 test prompts occur in training and were removed; with them the gap looked like "
        "+50.0 points."
    )


def test_a_test_split_that_is_mostly_leaked_judges_nobody() -> None:
    train, test = from_counts(0, 100, 0, 0, split="train"), from_counts(0, 100, 0, 100)
    verdict = judge(train, test, leaks=leaks(101))
    assert verdict.level == "inconclusive"
    assert "101 of 200" in verdict.advice
    assert signal_of(verdict, "leakage").level == "inconclusive"


def test_leaks_of_other_suites_and_splits_are_not_ours() -> None:
    train, test = from_counts(50, 50, 0, 0, split="train"), from_counts(50, 50, 0, 0)
    verdict = judge(train, test, leaks=[*leaks(80, "other"), *leaks(80, "qa", "train_more")])
    assert verdict.n_test == 100


def test_missing_answers_leave_both_arms() -> None:
    train = table(
        {"base": ["x", None, *["x"] * 40], "tuned": [None, *["a"] * 41]}, ["a"] * 42, split="train"
    )
    verdict = judge(train, from_counts(0, 40, 0, 0))
    assert verdict.n_train == 40


def test_models_without_known_training_rows_are_not_judged() -> None:
    test = from_counts(10, 20, 0, 10)
    pieces = gather(
        config(),
        {"test": test.split},
        test.scorers,
        models=MODELS,
        training={"tuned": "train"},
        leaks=(),
        seed=1,
    )
    assert pieces == []
    assert overfit(pieces) == ()
    assert overfit_levels([]) == {}


def test_a_description_judges_nobody() -> None:
    suite = config(scorers=("length", "exact_match"))
    train = from_counts(10, 20, 0, 10, suite=suite, split="train")
    (piece,) = evidence(train, from_counts(10, 20, 0, 10, suite=suite), suite=suite)
    assert piece.scorer.name == "exact_match"
    only = config(scorers=("length",))
    train = from_counts(10, 20, 0, 10, suite=only, split="train")
    assert evidence(train, from_counts(10, 20, 0, 10, suite=only), suite=only) == []


def test_less_is_better_is_turned_round() -> None:
    """A model that loops on unseen prompts only."""
    suite = config(scorers=("repetition",))
    looping, plain = "a b c d " * 9, "a b c d e f"
    train = table(
        {"base": [plain] * 60, "tuned": [plain] * 60}, ["a"] * 60, suite=suite, split="train"
    )
    test = table({"base": [plain] * 60, "tuned": [looping] * 60}, ["a"] * 60, suite=suite)
    verdict = judge(train, test, suite=suite)
    assert verdict.level == "strong"
    assert verdict.test_tuned is not None
    assert verdict.test_tuned > 0.8
    assert verdict.train_tuned == 0


def test_a_score_that_is_no_mean_is_judged_by_its_values() -> None:
    suite = config(scorers=("macro_f1",), labels=("a", "b"))
    references = ["a", "b"] * 60
    wrong = ["b", "a"] * 60
    train = table({"base": wrong, "tuned": references}, references, suite=suite, split="train")
    test = table({"base": wrong, "tuned": wrong}, references, suite=suite)
    assert judge(train, test, suite=suite).level == "strong"


# --- Joining -----------------------------------------------------------------------------------


def signal(name: str, level: Level | None, p: float | None = None) -> Signal:
    return Signal(name, level, 0.1, 0.05, 0.2, p, None, 0.1, "")


@pytest.mark.parametrize(
    ("gap", "copying", "joined"),
    [
        ("strong", "none", "strong"),
        ("strong", None, "strong"),
        ("mild", "strong", "strong"),
        ("inconclusive", "strong", "strong"),
        ("mild", "mild", "mild"),
        ("mild", None, "mild"),
        ("none", "strong", "mild"),
        ("none", "mild", "mild"),
        ("inconclusive", "mild", "mild"),
        ("none", "inconclusive", "none"),
        ("none", None, "none"),
        ("inconclusive", "none", "inconclusive"),
        ("inconclusive", "inconclusive", "inconclusive"),
        (None, "none", "inconclusive"),
        (None, "strong", "strong"),
    ],
)
def test_verdict_table(gap: Level | None, copying: Level | None, joined: Level) -> None:
    assert (
        join([signal("gap", gap), signal("copying", copying), signal("leakage", "none")]) == joined
    )


def test_leakage_goes_first_and_accuses_nobody() -> None:
    levels: list[Level] = ["strong", "mild", "none", "inconclusive"]
    for gap, copying in product(levels, levels):
        found = [signal("gap", gap), signal("copying", copying), signal("leakage", "inconclusive")]
        assert join(found) == "inconclusive"


def test_other_strong_signals_cap_at_mild_unless_they_corroborate() -> None:
    assert join([signal("gap", "none"), signal("curve", "mild")]) == "mild"
    assert join([signal("gap", "inconclusive"), signal("membership", "strong")]) == "mild"
    assert join([signal("gap", "inconclusive"), signal("perturbation", "strong")]) == "strong"


def test_levels_of_a_signal() -> None:
    assert level_of(0.01, 0.11, 0.3) == "strong"
    assert level_of(0.01, 0.05, 0.3) == "mild"
    assert level_of(0.01, 0.01, 0.05) == "mild"
    assert level_of(0.2, -0.1, 0.09) == "none"
    assert level_of(0.2, -0.1, 0.11) == "inconclusive"


def test_holm_runs_over_signals_and_suites() -> None:
    suites = [
        [signal("gap", "mild", 0.02), signal("leakage", "none"), signal("copying", "none", 0.5)],
        [signal("gap", "strong", 0.001), signal("copying", None)],
    ]
    adjusted = adjust_signals(suites)
    assert [[s.p_adjusted for s in group] for group in adjusted] == [
        [pytest.approx(0.04), None, 0.5],
        [pytest.approx(0.003), None],
    ]
    assert adjusted[0][0].level == "mild"
    weaker = [[replace(suites[0][0], p=0.03), *suites[0][1:]], suites[1]]
    assert adjust_signals(weaker)[0][0].level == "inconclusive"


def test_suites_and_models_are_families_of_their_own() -> None:
    pieces = evidence(from_counts(80, 70, 10, 40, split="train"), from_counts(78, 50, 14, 58))
    quiet = evidence(from_counts(90, 5, 5, 100, split="train"), from_counts(90, 5, 5, 100))
    half = [True, False] * 50
    other = gather(
        config(),
        {
            split: right_or_wrong({"base": half, "other": half}, split=split).split
            for split in ("test", "train")
        },
        from_counts(1, 0, 0, 0).scorers,
        models=[ModelSpec("other", "file", "c", "tuned", tuned_from="base")],
        training={"other": "train"},
        leaks=(),
        seed=1,
    )
    assert len(other) == 1
    assert overfit(pieces)[0].level == "mild"
    assert overfit([*pieces, *other * 5])[0].level == "mild"
    among_others = overfit([*pieces, *quiet * 5])[0]
    assert among_others.level == "inconclusive"
    assert "not among all checks" in among_others.advice
    needed = re.search(r"Needs about ([\d,]+) train and test examples", among_others.advice)
    assert needed is not None
    assert 200 < int(needed[1].replace(",", "")) < 400


def test_lost_evidence_of_a_gap_below_the_tolerance_is_none() -> None:
    """A gain of a point more on training rows: real, were it asked alone, and of no weight."""
    found = replace(signal("gap", "mild", 0.02), low=0.002, high=0.018)
    many = [[found], *[[signal("gap", "none", 0.5)]] * 4]
    assert adjust_signals(many)[0][0].level == "none"
    wide = replace(found, high=0.3)
    assert adjust_signals([[wide], *many[1:]])[0][0].level == "inconclusive"
    uneven = replace(found, numbers={SECOND_SCALE: 0.1})
    assert adjust_signals([[uneven], *many[1:]])[0][0].level == "inconclusive"


def test_a_task_that_is_learnt_to_the_ceiling_is_none() -> None:
    """No mistake on training rows and two on unseen ones, where the base can do nothing."""
    verdict = judge(from_counts(0, 300, 0, 0, split="train"), from_counts(0, 298, 0, 2))
    assert verdict.level == "none"


def test_a_model_is_as_overfitted_as_its_worst_suite() -> None:
    (verdict,) = overfit(
        evidence(from_counts(90, 90, 2, 18, split="train"), from_counts(80, 50, 10, 60))
    )
    levels: list[Level] = ["none", "inconclusive", "mild"]
    found = [replace(verdict, level=level) for level in levels]
    assert overfit_levels(found) == {"tuned": "mild"}
    assert overfit_levels(found[:2]) == {"tuned": "inconclusive"}
    assert overfit_levels([*found, replace(verdict, tuned="x", level="strong")]) == {
        "tuned": "mild",
        "x": "strong",
    }


# --- Simulated models --------------------------------------------------------------------------


def draw(rng: np.random.Generator, n: int, logit: float, gain: float) -> tuple[Bools, Bools]:
    """Base and tuned on n prompts of varying difficulty, the tuned one better by `gain` logits."""
    difficulty = rng.normal(logit, 1.0, n)
    noise = rng.logistic(size=(2, n))
    return difficulty + noise[0] > 0, difficulty + gain + noise[1] > 0


def simulated(rng: np.random.Generator, n: int, memorised: float, harder: float) -> Level:
    """One verdict: the share `memorised` of the training rows was learnt by heart."""
    base_train, tuned_train = draw(rng, n, 0.0, 1.0)
    base_test, tuned_test = draw(rng, n, -harder, 1.0)
    tuned_train |= rng.random(n) < memorised
    return judge(
        right_or_wrong({"base": base_train, "tuned": tuned_train}, split="train"),
        right_or_wrong({"base": base_test, "tuned": tuned_test}),
    ).level


@pytest.mark.parametrize("harder", [0.0, 1.0, -1.0])
def test_honest_models_are_rarely_accused(harder: float) -> None:
    rng = np.random.default_rng(11)
    accused = sum(simulated(rng, 200, 0.0, harder) in {"mild", "strong"} for _ in range(60))
    assert accused <= 6  # 3 expected at most; 6 is beyond one in a hundred


@pytest.mark.parametrize("harder", [0.0, -1.0])
def test_learning_rows_by_heart_is_caught_whichever_split_is_harder(harder: float) -> None:
    rng = np.random.default_rng(12)
    levels = [simulated(rng, 200, 0.9, harder) for _ in range(30)]
    assert sum(level in {"mild", "strong"} for level in levels) >= 28
