from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from evalkit.schema import Comparison, ModelSpec
from evalkit.stats.families import benjamini_hochberg, holm
from evalkit.verdict import adjust, compare_rows
from tests.verdict.table import BASE, MODELS, TUNED, Table, config, from_counts, table

SWAPPED = (
    replace(TUNED, role="base", tuned_from=None),
    replace(BASE, role="tuned", tuned_from="tuned"),
)


def compare(t: Table, **options: Any) -> list[Comparison]:
    return compare_rows(t.split, t.stats, t.scorers, **({"models": MODELS} | options))


def test_paired_zeros_and_ones_v5() -> None:
    (row,) = compare(from_counts(100, 6, 20, 74))
    assert (row.base, row.tuned, row.scorer, row.slice) == ("base", "tuned", "exact_match", "")
    assert row.delta == pytest.approx(-0.07)
    assert (row.low, row.high) == pytest.approx((-0.123929, -0.021589), abs=1e-6)
    assert row.p == pytest.approx(0.005925, abs=1e-6)
    assert row.p_regression == pytest.approx(0.003020, abs=1e-6)
    assert (row.wins, row.ties, row.losses, row.n, row.missing) == (6, 174, 20, 200, 0)
    assert (row.method, row.family) == ("tango/mcnemar-midp", "primary")
    assert row.p_adjusted is None


def test_pairs_drop_out_on_both_sides() -> None:
    t = table({"base": ["a", None, "x"], "tuned": ["a", "a", None]}, ["a"] * 3)
    (row,) = compare(t)
    assert (row.n, row.missing, row.delta) == (1, 2, 0.0)


def test_no_common_answer_is_no_comparison() -> None:
    (row,) = compare(table({"base": [None], "tuned": ["a"]}, ["a"]))
    assert (row.delta, row.low, row.high, row.p, row.p_regression) == (None,) * 5
    assert (row.n, row.missing, row.method, row.note) == (0, 1, "", "nothing to score")


def test_only_models_that_were_asked_together_are_compared() -> None:
    t = table({"tuned": ["a"]}, ["a"])
    assert compare(t) == []
    assert compare(table({"base": ["a"], "other": ["a"]}, ["a"])) == []


def test_families_follow_scorer_split_and_slice() -> None:
    suite = config(scorers=("exact_match", "contains"), slices=("lang",))
    fields = [{"lang": "de"}] * 50 + [{"lang": "fr"}] * 50
    test = compare(from_counts(40, 20, 10, 30, suite=suite, fields=fields), slices=["lang"])
    assert [(r.scorer, r.slice, r.family) for r in test] == [
        ("exact_match", "", "primary"),
        ("exact_match", "lang=de", "exploratory"),
        ("exact_match", "lang=fr", "exploratory"),
        ("contains", "", "secondary"),
    ]
    train = compare(from_counts(40, 20, 10, 30, suite=suite, split="train"))
    assert {r.family for r in train} == {"secondary"}


def test_fractional_values_are_compared_by_t_and_sign_flip() -> None:
    suite = config(scorers=("f1",))
    references = [f"red green blue {i}" for i in range(30)]
    t = table(
        {"base": ["red"] * 30, "tuned": ["red green"] * 15 + ["red"] * 15}, references, suite=suite
    )
    (row,) = compare(t)
    assert row.method == "t/sign-flip"
    assert row.p is not None
    assert row.p < 0.001
    assert row.low is not None
    assert row.low > 0
    assert (row.wins, row.ties, row.losses) == (15, 15, 0)


def test_corpus_scores_are_compared_by_resampling() -> None:
    suite = config(scorers=("bleu",))
    references = [f"the small cat number {i} sat on the red mat today" for i in range(40)]
    worse = [r.replace("red", "blue") if i % 2 else r for i, r in enumerate(references)]
    t = table({"base": references, "tuned": worse}, references, suite=suite)
    (row,) = compare(t)
    assert row.method == "bootstrap-t/approximate-randomization"
    totals = {m: float(t.scorers[0].corpus(t.stats[m, "bleu"].sum(0))) for m in ("base", "tuned")}
    assert row.delta == pytest.approx(totals["tuned"] - totals["base"])
    assert row.p is not None
    assert row.p < 0.001
    assert row.p_regression is not None
    assert row.p_regression < 0.001


def test_descriptions_are_not_judged() -> None:
    t = table(
        {"base": ["a b"] * 5, "tuned": ["a"] * 4 + ["a b c"]},
        ["a"] * 5,
        suite=config(scorers=("length",)),
    )
    (row,) = compare(t)
    assert row.delta == pytest.approx(-0.6)
    assert (row.p, row.p_regression, row.method) == (None, None, "t")
    assert (row.wins, row.losses) == (1, 4)


def test_where_less_is_better_a_rise_is_the_regression() -> None:
    looping = "a b c d " * 8
    t = table(
        {"base": ["a b c d e"] * 40, "tuned": [looping] * 40},
        ["a"] * 40,
        suite=config(scorers=("repetition",)),
    )
    (row,) = compare(t)
    assert row.delta is not None
    assert row.delta > 0.5
    assert row.p_regression is not None
    assert row.p_regression < 0.001
    assert (row.wins, row.losses) == (0, 40)


def test_a_drawn_p_value_near_the_level_is_borderline() -> None:
    """10 wins against 22 losses of equal size: the sign flip is a sign test with p = .0501."""
    suite = config(scorers=("f1",))
    half, none = "red green blue", "nothing"
    answers = {
        "base": [none] * 10 + [half] * 22 + [none] * 68,
        "tuned": [half] * 10 + [none] * 22 + [none] * 68,
    }
    (row,) = compare(table(answers, ["red"] * 100, suite=suite))
    assert row.p == pytest.approx(binom.cdf(10, 32, 0.5) * 2, abs=0.01)
    assert row.note == "borderline"
    (counted,) = compare(from_counts(0, 10, 22, 68))
    assert counted.note == ""


def test_clustered_zeros_and_ones_flip_by_cluster() -> None:
    fields = [{"cluster_id": i // 5} for i in range(100)]
    (row,) = compare(from_counts(30, 30, 0, 40, fields=fields))
    (alone,) = compare(from_counts(30, 30, 0, 40))
    assert row.method == "t/sign-flip"
    assert row.delta == alone.delta
    assert row.p is not None
    assert alone.p is not None
    assert row.p > alone.p


def _mirrored(row: Comparison, other: Comparison) -> None:
    assert (row.delta, row.low, row.high) == pytest.approx(
        (-_known(other.delta), -_known(other.high), -_known(other.low)), abs=1e-9
    )
    assert row.p == pytest.approx(other.p)
    assert row.p_regression == pytest.approx(1 - _known(other.p_regression))
    assert (row.wins, row.ties, row.losses) == (other.losses, other.ties, other.wins)


def _known(value: float | None) -> float:
    assert value is not None
    return value


COUNTS = st.tuples(*[st.integers(0, 25)] * 4).filter(any)


@given(COUNTS)
def test_swapping_the_sides_mirrors_zeros_and_ones(counts: tuple[int, int, int, int]) -> None:
    t = from_counts(*counts)
    (row,), (other,) = compare(t), compare(t, models=SWAPPED)
    _mirrored(row, other)


WORDS = st.lists(st.sampled_from(["red", "green", "blue", "small", "cat", "sat"]), max_size=6).map(
    " ".join
)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=20), st.sampled_from(["f1", "bleu"]))
@settings(max_examples=25, deadline=None)
def test_swapping_the_sides_mirrors_every_method(
    answers: list[tuple[str, str]], scorer: str
) -> None:
    t = table(
        {"base": [a for a, _ in answers], "tuned": [b for _, b in answers]},
        ["the red cat sat on the green mat"] * len(answers),
        suite=config(scorers=(scorer,)),
    )
    (row,), (other,) = compare(t), compare(t, models=SWAPPED)
    _mirrored(row, other)


@given(COUNTS, st.randoms(use_true_random=False))
def test_order_of_the_examples_is_irrelevant(
    counts: tuple[int, int, int, int], random: Any
) -> None:
    t = from_counts(*counts)
    order = list(range(sum(counts)))
    random.shuffle(order)
    shuffled = replace(t, stats={key: rows[np.array(order)] for key, rows in t.stats.items()})
    assert compare(t) == compare(shuffled)


def test_a_model_against_itself_shows_nothing() -> None:
    (row,) = compare(from_counts(50, 0, 0, 50))
    assert (row.delta, row.p, row.p_regression) == (0.0, 1.0, 0.5)


def test_adjusting_keeps_families_and_models_apart() -> None:
    (template,) = compare(from_counts(50, 10, 5, 35))
    p = [0.001, 0.01, 0.03, 0.04, 0.2]
    rows = [
        replace(template, tuned=tuned, family=family, p=value, suite=str(i))
        for tuned in ("one", "two")
        for family in ("primary", "exploratory", "secondary")
        for i, value in enumerate([*p, None])
    ]
    adjusted = adjust(rows)
    for start in (0, 18):
        assert [r.p_adjusted for r in adjusted[start : start + 6]] == [*holm(p), None]
        assert [r.p_adjusted for r in adjusted[start + 6 : start + 12]] == [
            *benjamini_hochberg(p),
            None,
        ]
        assert [r.p_adjusted for r in adjusted[start + 12 : start + 18]] == [None] * 6
    assert [replace(r, p_adjusted=None) for r in adjusted] == rows


def test_a_base_of_each_tuned_model_is_looked_up_by_name() -> None:
    second = ModelSpec("other", "file", "c", "tuned", tuned_from="tuned")
    t = table({"base": ["a"], "tuned": ["a"], "other": ["a"]}, ["a"])
    found = compare(t, models=(*MODELS, second))
    assert [(r.base, r.tuned) for r in found] == [("base", "tuned"), ("tuned", "other")]
