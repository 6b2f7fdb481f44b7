from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.schema import GateRule, GateVerdict, ModelSpec, RunRecord
from evalkit.verdict import adjust, compare_rows, gate, merge, overfit
from evalkit.verdict.wording import MINUS
from tests.verdict.table import (
    BASE,
    MODELS,
    TUNED,
    Table,
    config,
    evidence,
    from_counts,
    record,
    right_or_wrong,
    table,
)

Counts = tuple[int, int, int, int]
WORSE: Counts = (100, 6, 20, 74)  # V5: p_reg .003020, p_ni .792696
SLIGHTLY: Counts = (100, 8, 18, 74)  # p_reg .025
EQUAL: Counts = (100, 9, 8, 83)  # V5b: .595817, .008369
OPEN: Counts = (30, 4, 7, 19)  # V5c: .182856, .5
INSIDE: Counts = (4000, 200, 280, 520)  # 1.6 points of 5,000: real, and within 5 points
CERTAIN = GateRule(mode="significant-regression")
NOT_WORSE = GateRule(mode="non-inferiority")


def run_of(*tables: Table, models: Sequence[ModelSpec] = MODELS, **changes: Any) -> RunRecord:
    """A run of splits that were scored, with its comparisons."""
    suites = {t.split.suite: config(t.split.suite, scorers=_names(t)) for t in tables}
    rows = [r for t in tables for r in compare_rows(t.split, t.stats, t.scorers, models=models)]
    rules: Mapping[str, Any] = changes.pop("suites", {})
    configs = [replace(suite, **rules.get(name, {})) for name, suite in suites.items()]
    return record(configs, adjust(rows), tables=tables, models=models, **changes)


def _names(t: Table) -> tuple[str, ...]:
    return tuple(scorer.name for scorer in t.scorers)


def qa(counts: Counts, suite: str = "qa") -> Table:
    return from_counts(*counts, suite=config(suite))


def judged(*counts: Counts, rule: GateRule | None = None, **suites: Any) -> GateVerdict:
    tables = [qa(c, chr(ord("a") + i)) for i, c in enumerate(counts)]
    return gate(run_of(*tables, suites=suites), rule)


@pytest.mark.parametrize(
    ("counts", "verdict", "code", "p"),
    [
        (WORSE, "FAIL", 1, (0.003020, 0.792696)),
        (EQUAL, "PASS", 0, (0.595817, 0.008369)),
        (OPEN, "INCONCLUSIVE", 3, (0.182856, 0.500000)),
    ],
)
def test_three_ways_v5(counts: Counts, verdict: str, code: int, p: tuple[float, float]) -> None:
    found = judged(counts)
    assert (found.verdict, found.exit_code, found.mode) == (verdict, code, "three-way")
    (result,) = found.results
    assert (result.p_regression, result.p_noninferior) == pytest.approx(p, abs=1e-6)


def test_the_reason_names_figures_and_what_is_lacking() -> None:
    (lost,), (kept,), (unclear,) = (judged(c).results for c in (WORSE, EQUAL, OPEN))
    assert lost.reason == (
        f"exact_match {MINUS}7.0 points on 200 pairs (90 % CI {MINUS}11.4..{MINUS}3.0): a "
        "significant loss (adjusted one-sided p = 0.003)."
    )
    assert "a loss of 5 points is ruled out (one-sided p = 0.008)" in kept.reason
    # Observed exactly at the margin, so that only the loss itself can be shown: 6.18 psi / D^2.
    assert unclear.needed == math.ceil(6.182557 * (11 / 60) / 0.05**2)
    assert f"about {unclear.needed} pairs would settle it" in unclear.reason
    assert judged(OPEN).reason == (
        "tuned against base: undecided on a; about 394 more pairs would settle a."
    )


@given(
    st.integers(0, 60), st.integers(0, 60), st.sampled_from([0.05, 0.1]), st.sampled_from([1, 2])
)
def test_the_interval_of_a_reason_is_the_picture_of_both_tests(
    wins: int, losses: int, alpha: float, repeats: int
) -> None:
    """A loss is certain where it lies below 0, and is ruled out where it lies above the margin."""
    rule = GateRule(alpha=alpha)
    t = qa((50, wins, losses, 130))
    if repeats > 1:  # a mean of several answers is judged by t, not by Tango
        values = {arm: column / repeats for arm, column in t.split.values.items()}
        t = replace(t, split=replace(t.split, values=values))
    (result,) = gate(run_of(t), rule).results
    assert result.low is not None
    assert result.high is not None
    assert result.p_regression is not None
    assert result.p_noninferior is not None
    assert f"({100 - 200 * alpha:g} % CI" in result.reason
    if abs(result.p_noninferior - alpha) > 1e-9:
        assert (result.low > -rule.margin) == (result.p_noninferior < alpha)
    if abs(result.p_regression - alpha) > 1e-9:
        assert (result.high < 0) == (result.p_regression < alpha)


def test_a_small_real_loss_inside_the_margin_passes_and_is_said() -> None:
    found = judged(INSIDE)
    assert found.verdict == "PASS"
    assert "a real loss, but inside the margin" in found.results[0].reason
    assert judged(INSIDE, rule=GateRule(margin=0.01)).verdict == "FAIL"


def test_other_modes() -> None:
    by_mode = {
        rule.mode: [judged(c, rule=rule).verdict for c in (WORSE, EQUAL, OPEN)]
        for rule in (GateRule(), CERTAIN, NOT_WORSE)
    }
    assert by_mode == {
        "three-way": ["FAIL", "PASS", "INCONCLUSIVE"],
        "significant-regression": ["FAIL", "PASS", "PASS"],
        "non-inferiority": ["FAIL", "PASS", "FAIL"],
    }
    assert judged(WORSE, rule=CERTAIN).reason == "tuned against base: significantly worse on a."
    assert judged(OPEN, rule=NOT_WORSE).reason == (
        "tuned against base: may lose more than the margin on a."
    )


def test_suites_of_one_model_are_one_family() -> None:
    alone, together = judged(SLIGHTLY), judged(SLIGHTLY, EQUAL, EQUAL)
    assert alone.verdict == "FAIL"
    assert together.results[0].verdict == "INCONCLUSIVE"
    p = alone.results[0].p_regression
    assert p is not None
    assert together.results[0].p_regression == pytest.approx(3 * p)
    assert judged(SLIGHTLY, EQUAL, EQUAL, rule=CERTAIN).verdict == "PASS"


def test_the_mean_of_the_suites_must_rule_a_loss_out() -> None:
    unsure = judged(OPEN, OPEN)
    assert (unsure.verdict, unsure.reason.split(";")[1].strip()[:27]) == (
        "INCONCLUSIVE", f"mean change {MINUS}5.0 points ove",
    )  # fmt: skip
    carried = judged(OPEN, EQUAL, EQUAL, EQUAL)
    assert [r.verdict for r in carried.results] == ["INCONCLUSIVE", "PASS", "PASS", "PASS"]
    assert carried.verdict == "PASS"
    assert "mean change" in carried.reason
    assert judged(OPEN, EQUAL, EQUAL, EQUAL, rule=GateRule(strict=True)).verdict == "INCONCLUSIVE"


def test_suites_pool_their_errors_as_the_formula_says() -> None:
    # SE^2 = sum SE_k^2 / S^2: three equal suites show together what none of them shows alone.
    counts: Counts = (50, 6, 7, 37)
    one, three = judged(counts), judged(counts, counts, counts)
    assert (one.verdict, three.verdict) == ("INCONCLUSIVE", "PASS")
    se = math.sqrt((13 / 100 - 0.01**2) / 99)
    p = 0.5 * math.erfc(math.sqrt(3) * (0.05 - 0.01) / se / math.sqrt(2))
    assert three.reason.endswith(f"(one-sided p = {p:.3f} of a loss beyond the margin).")


def test_a_gain_does_not_hide_what_was_forgotten() -> None:
    gain: Counts = (50, 90, 0, 60)
    forgot: Counts = (60, 3, 9, 28)
    assert judged(gain, forgot).verdict == "PASS"
    general = judged(gain, forgot, b={"general": True})
    assert general.verdict == "INCONCLUSIVE"
    lenient = judged(gain, forgot, b={"general": True, "gate": GateRule(forgetting_margin=0.20)})
    assert lenient.verdict == "PASS"
    assert lenient.results[1].margin == 0.20


def test_models_are_families_of_their_own_and_the_gravest_counts() -> None:
    other = ModelSpec("other", "file", "c", "tuned", tuned_from="base")
    right = {m: np.arange(200) < n for m, n in (("base", 120), ("tuned", 90), ("other", 121))}
    found = gate(run_of(right_or_wrong(right), models=(BASE, TUNED, other)))
    assert [(d.tuned, d.verdict) for d in found.decisions] == [("tuned", "FAIL"), ("other", "PASS")]
    assert (found.verdict, found.exit_code) == ("FAIL", 1)
    assert found.reason == found.decisions[0].reason


def test_what_cannot_be_read_is_never_a_pass() -> None:
    few = run_of(qa((5, 0, 0, 14)))
    empty = run_of(table({"base": [None] * 30, "tuned": ["a"] * 30}, ["a"] * 30))
    described = run_of(table({"base": ["a b"] * 30, "tuned": ["a"] * 30}, ["a"] * 30,
                             suite=config(scorers=("length",))))  # fmt: skip
    unscored = replace(run_of(qa(EQUAL)), splits=())
    mistyped = GateRule(scorers=("exact_mach",))
    nowhere = GateRule(slices=("lang",))
    for run, rule, reason in [
        (few, None, "19 pairs compared; a decision needs at least 20"),
        (empty, None, "no answers in common"),
        (described, None, "neither direction of it is worse"),
        (unscored, None, "no test split"),
        (run_of(qa(EQUAL)), mistyped, "did you mean 'exact_match'"),
        (run_of(qa(EQUAL)), nowhere, "no test row is in the slice 'lang'"),
    ]:
        for mode in (GateRule(), CERTAIN, NOT_WORSE):
            found = gate(run, replace(rule or mode, mode=mode.mode))
            assert (found.verdict, found.exit_code) == ("INCONCLUSIVE", 3)
            assert reason in found.results[-1].reason
            first = "tuned against base: qa cannot be judged: "
            assert found.reason.startswith(first) or rule is nowhere
            assert reason in found.reason
        lenient = gate(run, replace(rule or GateRule(), inconclusive=0))
        # Too few pairs are uncertain; what was not measured at all is not.
        assert (lenient.verdict, lenient.exit_code) == ("INCONCLUSIVE", 0 if run is few else 3)


def answers(counts: Counts, *, missing: int) -> Table:
    """Pairs by kind, and so many more that the tuned model did not answer."""
    both, wins, losses, neither = counts
    texts = ["a"] * (both + wins) + ["x"] * (losses + neither) + [None] * missing
    base = ["a"] * both + ["y"] * wins + ["a"] * losses + ["y"] * neither + ["a"] * missing
    return table({"base": base, "tuned": texts}, ["a"] * len(base))


def test_missing_answers_that_could_turn_the_verdict_leave_it_open() -> None:
    found = gate(run_of(answers(EQUAL, missing=10)))  # 4.8 %; ten more losses would fail it
    assert found.verdict == "INCONCLUSIVE"
    assert "10 missing answers could change the PASS" in found.results[0].reason
    assert found.reason == "tuned against base: 10 missing answers could change the verdict."
    assert gate(run_of(answers(EQUAL, missing=1))).verdict == "PASS"
    assert gate(run_of(answers(WORSE, missing=10))).verdict == "FAIL"
    many = gate(run_of(answers((1000, 0, 0, 0), missing=60)))
    assert "60 of 1060 (5.7 %) pairs are missing; at most 5 % may be" in many.results[0].reason


def test_a_failure_is_graver_than_a_gap_in_the_data() -> None:
    run = run_of(qa(WORSE, "a"), qa((5, 0, 0, 5), "b"))
    assert [r.verdict for r in gate(run).results] == ["FAIL", "INCONCLUSIVE"]
    assert gate(run).verdict == "FAIL"


def test_nothing_to_judge_is_inconclusive() -> None:
    assert gate(record([], [])).verdict == "INCONCLUSIVE"
    found = gate(record([config()], [], models=(BASE,)))
    assert (found.verdict, found.mode, found.exit_code) == ("INCONCLUSIVE", "none", 3)
    assert found.reason == "There is nothing to judge: no tuned model, or no suite."


@pytest.mark.parametrize("code", [0, 1, 3])
def test_the_rule_says_what_inconclusive_exits_with(code: Any) -> None:
    assert judged(OPEN, rule=GateRule(inconclusive=code)).exit_code == code
    mixed = judged(OPEN, OPEN, a={"gate": GateRule(inconclusive=code)})
    assert mixed.exit_code == {0: 3, 1: 1, 3: 3}[code]


def test_rules_come_from_the_suite_or_from_the_caller() -> None:
    careful: dict[str, Any] = {"a": {"gate": GateRule(alpha=0.001)}}
    assert judged(WORSE, **careful).verdict == "INCONCLUSIVE"
    assert judged(WORSE, rule=GateRule(alpha=0.05), **careful).verdict == "FAIL"


def test_only_gated_scorers_decide() -> None:
    suite = config(scorers=("contains", "exact_match"))
    wrapped = table(
        {"base": ["elm"] * 100 + ["x"] * 100, "tuned": ["so: elm"] * 100 + ["x"] * 100},
        ["elm"] * 200,
        suite=suite,
    )
    run = run_of(wrapped)
    assert gate(run).verdict == "PASS"
    both = gate(run, GateRule(scorers=("contains", "exact_match")))
    assert [(r.scorer, r.verdict) for r in both.results] == [
        ("contains", "PASS"), ("exact_match", "FAIL"),
    ]  # fmt: skip
    assert both.verdict == "FAIL"


def test_gated_slices_can_fail_a_model_that_the_whole_hides() -> None:
    n = 400
    base, tuned = np.arange(n) % 2 == 0, np.arange(n) % 2 == 0
    german = np.arange(n) < 80
    tuned[german & (np.arange(n) % 4 == 0)] = False  # 20 of 80 lost
    tuned[(np.arange(n) >= 360) & ~base] = True  # 20 gained elsewhere
    fields = [{"language": "de" if here else "en"} for here in german]
    run = run_of(right_or_wrong({"base": base, "tuned": tuned}, fields=fields))
    assert gate(run).verdict == "PASS"
    for wanted in ("language", "language=de"):
        found = gate(run, GateRule(slices=(wanted,)))
        assert found.verdict == "FAIL"
        assert "significantly worse on qa (language=de)" in found.reason
    assert gate(run, GateRule(slices=("language=en",))).verdict == "PASS"


@pytest.mark.parametrize(
    ("level", "verdict"), [("strong", "FAIL"), ("mild", "FAIL"), ("none", "PASS")]
)
def test_overfitting_of_the_named_level_fails_the_gate(level: Any, verdict: str) -> None:
    tables = from_counts(90, 90, 2, 18, split="train"), from_counts(80, 50, 10, 60)
    run = run_of(*tables, overfit=overfit(evidence(*tables)))
    found = gate(run, GateRule(overfit=level))
    assert found.verdict == verdict
    if verdict == "FAIL":
        assert found.reason == "tuned against base: overfitted on qa."
        assert found.results[0].reason.startswith("strong overfitting; exact_match +20.0 points")


def test_a_loss_is_named_beside_overfitting() -> None:
    tables = from_counts(10, 180, 2, 8, split="train"), from_counts(80, 5, 60, 55)
    found = gate(run_of(*tables, overfit=overfit(evidence(*tables))))
    assert found.reason == "tuned against base: significantly worse on qa; overfitted on qa."


def test_mild_overfitting_fails_only_where_the_rule_says_so() -> None:
    tables = from_counts(80, 70, 10, 40, split="train"), from_counts(78, 50, 14, 58)
    run = run_of(*tables, overfit=overfit(evidence(*tables)))
    assert [gate(run, GateRule(overfit=x)).verdict for x in ("strong", "mild")] == ["PASS", "FAIL"]


def test_where_less_is_better_a_rise_is_a_loss() -> None:
    suite = config(scorers=("repetition",))
    loops = table({"base": ["a b c d e"] * 60, "tuned": ["a b c d " * 9] * 60}, ["a"] * 60,
                  suite=suite)  # fmt: skip
    found = gate(run_of(loops))
    assert found.verdict == "FAIL"
    delta, low, high = (getattr(found.results[0], name) for name in ("delta", "low", "high"))
    assert 0 < low <= delta <= high <= 1


def test_scores_of_summed_statistics_are_judged_by_their_standard_error() -> None:
    suite = config(scorers=("bleu",))
    references = [f"the {i} grey cats sat on mat {i * 7} today" for i in range(80)]
    worse = [" ".join(r.split()[::-1]) if i % 3 == 0 else r for i, r in enumerate(references)]
    lost = gate(run_of(table({"base": references, "tuned": worse}, references, suite=suite)))
    same = gate(run_of(table({"base": worse, "tuned": worse}, references, suite=suite)))
    assert (lost.verdict, same.verdict) == ("FAIL", "PASS")
    one_lost = [None, *worse[1:]]
    run = run_of(table({"base": worse, "tuned": one_lost}, references, suite=suite))
    assert run.comparisons[0].missing == 1
    assert gate(run).verdict == "PASS"
    no_error = replace(run, comparisons=tuple(replace(r, se=None) for r in run.comparisons))
    assert gate(no_error).verdict == "INCONCLUSIVE"


def test_clustered_answers_are_not_independent() -> None:
    counts: Counts = (100, 9, 8, 83)
    fields = [{"cluster_id": str(i // 10)} for i in range(200)]
    clustered = gate(run_of(from_counts(*counts, suite=config(), fields=fields)))
    assert clustered.verdict != "PASS"
    few = gate(
        run_of(from_counts(*counts, fields=[{"cluster_id": str(i % 5)} for i in range(200)]))
    )
    assert "5 independent units compared" in few.results[0].reason


def test_merging_keeps_the_gravest() -> None:
    found = merge([judged(EQUAL), judged(WORSE), judged(OPEN)])
    assert (found.verdict, found.exit_code, len(found.decisions)) == ("FAIL", 1, 3)
    assert found.reason == judged(WORSE).reason


@given(
    st.tuples(*[st.integers(0, 60)] * 4).filter(lambda c: sum(c) >= 20),
    st.integers(0, 20),
    st.sampled_from([GateRule(), CERTAIN, NOT_WORSE]),
)
def test_a_better_answer_never_makes_the_verdict_worse(
    counts: Counts, turned: int, rule: GateRule
) -> None:
    both, wins, losses, neither = counts
    turned = min(turned, losses)
    better = (both + turned, wins, losses - turned, neither)
    order = ["FAIL", "INCONCLUSIVE", "PASS"]
    before, after = (judged(c, rule=rule).verdict for c in (counts, better))
    assert order.index(after) >= order.index(before)


def test_a_suite_on_which_both_score_nothing_rules_nothing_out() -> None:
    """Sensitivity: a broken scorer finds no loss in anything."""
    blind = gate(run_of(qa((0, 0, 0, 200))))
    assert (blind.verdict, blind.exit_code) == ("INCONCLUSIVE", 3)
    assert "both score 0 on every pair, so no loss could have shown" in blind.reason
    assert gate(run_of(qa((0, 1, 0, 199)))).verdict == "PASS"  # it can show something
    lower = config(scorers=("repetition",))
    looping = table({m: ["a b c d " * 9] * 60 for m in ("base", "tuned")}, ["a"] * 60, suite=lower)
    assert gate(run_of(looping)).verdict == "PASS"  # not the worst that there is


def test_a_slice_too_small_to_be_judged_does_not_hold_the_model_up() -> None:
    fields = [{"lang": "en" if i < 10 else "de"} for i in range(sum(EQUAL))]
    rule, run = GateRule(slices=("lang",)), run_of(from_counts(*EQUAL, fields=fields))
    found = gate(run, rule)
    assert {r.slice: r.verdict for r in found.results} == {
        "": "PASS", "lang=de": "PASS", "lang=en": "INCONCLUSIVE",
    }  # fmt: skip
    (small,) = (r for r in found.results if r.slice == "lang=en")
    assert "10 pairs compared" in small.reason
    assert found.verdict == "PASS"
    assert gate(run, replace(rule, strict=True)).verdict == "INCONCLUSIVE"
    assert gate(run, replace(rule, mode="non-inferiority")).verdict == "INCONCLUSIVE"


def test_without_a_margin_any_loss_is_ruled_out() -> None:
    found = gate(run_of(qa((100, 60, 0, 40))), GateRule(margin=0))
    assert (found.verdict, "any loss is ruled out" in found.results[0].reason) == ("PASS", True)


def test_a_class_with_few_references_is_told_of() -> None:
    suite = config(scorers=("macro_f1",), labels=("a", "b"))
    for rare, told_so in ((5, True), (30, False)):
        references = ["a"] * (100 - rare) + ["b"] * rare
        base = ["b" if i % 3 == 0 else text for i, text in enumerate(references)]
        classes = table({"base": base, "tuned": references}, references, suite=suite)
        found = gate(
            record(
                [suite],
                adjust(compare_rows(classes.split, classes.stats, classes.scorers, models=MODELS)),
                tables=[classes],
            )
        )
        (result,) = found.results
        assert found.verdict == "PASS"
        assert ("a class has fewer than 10 references" in result.reason) == told_so
