from __future__ import annotations

import numpy as np
import pytest

from evalkit.schema import Score
from evalkit.stats.intervals import wilson
from evalkit.stats.samples import floats
from evalkit.verdict import score_rows
from tests.verdict.table import Table, config, from_counts, right_or_wrong, table


def rows(t: Table, **options: object) -> dict[tuple[str, str, str], Score]:
    found = score_rows(t.split, t.stats, t.scorers, **options)  # type: ignore[arg-type]
    return {(row.model, row.scorer, row.slice): row for row in found}


def test_a_mean_gets_wilsons_interval_v1() -> None:
    row = rows(right_or_wrong({"tuned": [True] * 81 + [False] * 19}))["tuned", "exact_match", ""]
    assert row.score == 0.81
    assert (row.low, row.high) == pytest.approx((0.722212, 0.874852), abs=1e-6)
    assert (row.n, row.missing, row.note) == (100, 0, "")
    assert (row.suite, row.split) == ("qa", "test")


def test_missing_answers_stay_out_and_are_counted() -> None:
    row = rows(table({"tuned": ["a", "x", None, None]}, ["a"] * 4))["tuned", "exact_match", ""]
    assert (row.score, row.n, row.missing) == (0.5, 2, 2)
    assert row.note == "small sample"


def test_nothing_answered_is_no_score() -> None:
    row = rows(table({"tuned": [None, None]}, ["a"] * 2))["tuned", "exact_match", ""]
    assert (row.score, row.low, row.high, row.n, row.missing) == (None, None, None, 0, 2)
    assert row.note == "nothing to score"


def test_slices_are_scored_like_the_whole() -> None:
    fields = [{"lang": "de" if i < 40 else "fr"} for i in range(100)]
    found = rows(
        right_or_wrong({"tuned": [i % 2 == 0 for i in range(100)]}, fields=fields), slices=["lang"]
    )
    german = found["tuned", "exact_match", "lang=de"]
    assert (german.score, german.n) == (0.5, 40)
    assert (german.low, german.high) == (wilson(0.5, 40).low, wilson(0.5, 40).high)
    assert len(found) == 3


def test_descriptions_get_a_t_interval_in_their_unit() -> None:
    t = table({"tuned": ["a b c", "a", "a b"]}, ["a"] * 3, suite=config(scorers=("length",)))
    row = rows(t)["tuned", "length", ""]
    assert row.score == 2.0
    assert (row.low, row.high) == pytest.approx((2 - 2.484138, 2 + 2.484138), abs=1e-6)


def test_a_corpus_score_is_that_of_the_sums_with_a_bootstrap_interval() -> None:
    suite = config(scorers=("bleu",))
    references = [f"the small cat number {i} sat on the red mat today" for i in range(40)]
    answers = [r[: 20 + i] for i, r in enumerate(references)]
    t = table({"tuned": answers}, references, suite=suite)
    row = rows(t, seed=7)["tuned", "bleu", ""]
    assert row.score == pytest.approx(float(t.scorers[0].corpus(t.stats["tuned", "bleu"].sum(0))))
    assert row.low is not None
    assert row.high is not None
    assert row.score is not None
    assert 0 < row.low < row.score < row.high < 1
    assert row == rows(t, seed=7)["tuned", "bleu", ""]
    assert row.low != rows(t, seed=8)["tuned", "bleu", ""].low


def test_equal_models_get_equal_intervals_whatever_they_are_called() -> None:
    suite = config(scorers=("bleu",))
    references = [f"the small cat number {i} sat on the mat" for i in range(30)]
    answers = [r if i % 2 else "the cat" for i, r in enumerate(references)]
    found = rows(table({"a": answers, "b": answers}, references, suite=suite))
    assert (found["a", "bleu", ""].low, found["a", "bleu", ""].high) == (
        found["b", "bleu", ""].low,
        found["b", "bleu", ""].high,
    )


def test_a_rare_class_makes_an_average_over_classes_unreliable() -> None:
    suite = config(scorers=("macro_f1", "accuracy"), labels=("a", "b"))
    references = ["a"] * 40 + ["b"] * 9
    found = rows(table({"tuned": references}, references, suite=suite))
    assert found["tuned", "macro_f1", ""].note == "unreliable"
    assert found["tuned", "accuracy", ""].note == ""
    references = ["a"] * 40 + ["b"] * 10
    found = rows(table({"tuned": references}, references, suite=suite))
    assert found["tuned", "macro_f1", ""].note == ""


def test_clusters_are_the_units() -> None:
    right = np.array([True, False, True, True, False, True]).repeat(10)
    fields = [{"cluster_id": i // 10} for i in range(60)]
    alone = rows(right_or_wrong({"t": right}))["t", "exact_match", ""]
    clustered = rows(right_or_wrong({"t": right}, fields=fields))["t", "exact_match", ""]
    assert clustered.low is not None
    assert alone.low is not None
    assert clustered.score == alone.score
    assert clustered.low < alone.low


def test_order_of_the_examples_is_irrelevant() -> None:
    one, other = from_counts(30, 20, 5, 45), from_counts(30, 20, 5, 45)
    order = np.random.default_rng(1).permutation(100)
    shuffled = {key: value[order] for key, value in other.stats.items()}
    a = score_rows(one.split, one.stats, one.scorers)
    b = score_rows(one.split, shuffled, one.scorers)
    for x, y in zip(a, b, strict=True):
        assert floats([x.low or 0, x.high or 0]) == pytest.approx(floats([y.low or 0, y.high or 0]))
