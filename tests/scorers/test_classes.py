"""Oracle: scikit-learn, over the labels that occur, with zero_division=0."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from evalkit.errors import ScorerError
from evalkit.schema import SuiteConfig
from evalkit.scorers import class_report, count_confusions, make_scorers, score_predictions
from evalkit.scorers.classes import AVERAGES

LABELS = ("refund", "delivery", "other", "never asked", "C++", "C")


def answers(seed: int, count: int = 400) -> tuple[list[str], list[list[str]]]:
    random_ = random.Random(seed)
    spellings = ["{}", "{}.", ' "{}" ', "**{}**", "'{}'!"]
    asked = [label for label in LABELS if label != "never asked"]
    references = random_.choices(asked, weights=[5, 3, 2, 1, 1], k=count)
    predictions = [
        random_.choice([truth, truth, random_.choice(LABELS), "no idea at all", ""])
        for truth in references
    ]
    spelled = [
        random_.choice(spellings).format(text.upper() if random_.random() < 0.3 else text)
        for text in predictions
    ]
    return spelled, [[reference] for reference in references]


def plain(spelled: str) -> str:
    """The label a decorated prediction was made from, found by brute force."""
    known = {label.casefold(): label for label in LABELS}
    inner = spelled.strip("\"' *.!").casefold()
    return known.get(inner, "<none>")


@pytest.mark.parametrize("name", [*AVERAGES])
@pytest.mark.parametrize("seed", range(3))
def test_averages_are_those_of_scikit_learn(config: SuiteConfig, name: str, seed: int) -> None:
    predictions, references = answers(seed)
    (ours,) = make_scorers([name], replace(config, labels=LABELS), references)
    stats = score_predictions(ours, predictions, references)
    truth, said = [r[0] for r in references], [plain(p) for p in predictions]
    present = sorted({*truth, *said} - {"<none>"})
    average, _, measure = name.partition("_")
    expected = precision_recall_fscore_support(
        truth, said, labels=present, average=average, zero_division=0
    )[["precision", "recall", "f1"].index(measure)]
    assert ours.corpus(stats.sum(axis=0)) == pytest.approx(expected, abs=1e-12)


def test_the_report_and_the_confusions_are_those_of_scikit_learn(config: SuiteConfig) -> None:
    predictions, references = answers(7)
    (ours,) = make_scorers(["macro_f1"], replace(config, labels=LABELS), references)
    totals = score_predictions(ours, predictions, references).sum(axis=0)
    truth, said = [r[0] for r in references], [plain(p) for p in predictions]
    report = class_report(totals, LABELS)
    expected = precision_recall_fscore_support(truth, said, labels=LABELS, zero_division=0)
    ours_by_class = (report.precision, report.recall, report.f1, report.support)
    np.testing.assert_allclose(ours_by_class, expected, atol=1e-12)
    matrix = confusion_matrix(truth, said, labels=[*LABELS, "<none>"])
    cells = count_confusions([*predictions, None], [*references, ["refund"]], LABELS)
    assert cells == {
        (reference, "" if predicted == "<none>" else predicted): matrix[i, j]
        for i, reference in enumerate(LABELS)
        for j, predicted in enumerate([*LABELS, "<none>"])
        if matrix[i, j]
    }


def test_accuracy_is_a_binary_mean(config: SuiteConfig) -> None:
    predictions, references = answers(3)
    (ours,) = make_scorers(["accuracy"], config, references)
    stats = score_predictions(ours, predictions, references)
    expected = accuracy_score([r[0] for r in references], [plain(p) for p in predictions])
    assert ours.corpus(stats.sum(axis=0)) == pytest.approx(expected)
    assert (ours.kind, ours.binary) == ("mean", True)


def test_vector_v8_of_the_statistics(config: SuiteConfig) -> None:
    references = [[str(c)] for c in [0, 0, 0, 0, 1, 1, 1, 2]]
    predictions = [str(c) for c in [0, 0, 0, 1, 1, 1, 0, 2]]
    (ours,) = make_scorers(["macro_f1"], config, references)
    totals = score_predictions(ours, predictions, references).sum(axis=0)
    assert ours.corpus(totals) == pytest.approx(0.805556, abs=5e-7)


def test_of_several_accepted_labels_the_predicted_one_counts(config: SuiteConfig) -> None:
    (ours,) = make_scorers(["macro_f1"], replace(config, labels=("a", "b", "c")), [["a"]])
    assert ours.stats("b", ["a", "b"]) == (0, 1, 0, 0, 1, 0, 0, 1, 0)
    assert ours.stats("c", ["b", "a"]) == (0, 0, 0, 0, 0, 1, 1, 0, 0)


def test_nothing_scored_is_nothing_not_zero(config: SuiteConfig) -> None:
    for ours in make_scorers([*AVERAGES], config, [["a"], ["b"]]):
        stats = score_predictions(ours, [None, "a"], [["a"], ["b"]])
        assert np.isnan(ours.values(stats)).tolist() == [True, False]


def test_a_reference_that_is_no_label_names_the_nearest(config: SuiteConfig) -> None:
    ours = make_scorers(["accuracy"], replace(config, labels=("refund", "delivery")), [["refund"]])
    with pytest.raises(
        ScorerError, match=r"on example 1 of 1: reference 'delivry'.*mean 'delivery'"
    ):
        score_predictions(ours[0], ["x"], [["delivry"]])
