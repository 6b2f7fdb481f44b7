"""Classification: accuracy, precision, recall and F1, from the cells of a confusion matrix.

Statistics of one example are three numbers for each of L classes: right, predicted, reference. A
completion that names no known label is wrong, and predicts no class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from evalkit.errors import ScorerError, nearest
from evalkit.scorers.base import (
    Kind,
    MeanScorer,
    Scorer,
    SuiteContext,
    SuiteScorer,
    named,
    sign,
)
from evalkit.scorers.labels import Find, distinct_labels, find_labels, finder
from evalkit.stats.samples import FloatArray

Measure = Literal["precision", "recall", "f1"]
Average = Literal["macro", "micro", "weighted"]


@dataclass(frozen=True, slots=True, eq=False)
class ClassReport:
    """Precision, recall and F1 of every class; arrays of shape (..., L).

    Attributes:
        labels: the L classes.
        precision: share of the predictions of a class that are right; 0 if it was never predicted.
        recall: share of a class's examples that were found; 0 if it has none.
        f1: their harmonic mean.
        support: examples of the class.
        predicted: predictions of the class.
    """

    labels: tuple[str, ...]
    precision: FloatArray
    recall: FloatArray
    f1: FloatArray
    support: FloatArray
    predicted: FloatArray


@dataclass(frozen=True)
class ClassScorer(Scorer):
    """An average over classes of precision, recall or F1.

    Attributes:
        labels: the L classes.
        find: text to the index of a label.
        measure: what is averaged.
        average: `macro`, all classes alike; `weighted`, by their examples; `micro`, over decisions.
    """

    name: str
    signature: str
    labels: tuple[str, ...]
    find: Find
    measure: Measure
    average: Average
    kind: Kind = field(default="corpus", init=False)

    def stats(self, prediction: str, references: Sequence[str]) -> tuple[float, ...]:
        """Right (L), predicted (L), reference (L): a one or a zero each."""
        reference, predicted = decide(prediction, references, self.find, self.labels)
        row = [0.0] * (3 * len(self.labels))
        row[2 * len(self.labels) + reference] = 1.0
        if predicted is not None:
            row[len(self.labels) + predicted] = 1.0
            row[predicted] = float(predicted == reference)
        return tuple(row)

    def corpus(self, totals: FloatArray) -> FloatArray:
        """The average; classes with neither a reference nor a prediction stay out of it."""
        report = class_report(totals, self.labels)
        if self.average == "micro":
            return _micro(totals.reshape(*totals.shape[:-1], 3, -1).sum(axis=-1), self.measure)
        values: FloatArray = getattr(report, self.measure)
        weights = report.support
        if self.average == "macro":
            weights = ((report.support > 0) | (report.predicted > 0)).astype(np.float64)
        averaged = _share((values * weights).sum(axis=-1), weights.sum(axis=-1))
        return np.where(np.isnan(totals[..., 0]), np.nan, averaged)


def class_report(totals: FloatArray, labels: Sequence[str]) -> ClassReport:
    """Precision, recall and F1 by class, from summed statistics of a class scorer.

    Args:
        totals: shape (..., 3L).
        labels: the L classes, as `find_labels` gives them.
    """
    right, predicted, support = np.moveaxis(
        totals.reshape(*totals.shape[:-1], 3, len(labels)), -2, 0
    )
    return ClassReport(
        labels=tuple(labels),
        precision=_share(right, predicted),
        recall=_share(right, support),
        f1=_share(2 * right, predicted + support),
        support=support,
        predicted=predicted,
    )


def count_confusions(
    predictions: Sequence[str | None],
    references: Sequence[Sequence[str]],
    labels: Sequence[str],
) -> dict[tuple[str, str], int]:
    """How often each class was answered with each: (reference, predicted) -> examples.

    Ordered by the labels; `predicted` is empty, and comes last, for answers that are no label.
    Missing predictions (None) stay out, and so do pairs that never occur.

    Args:
        predictions: n scored texts; None where the answer is missing.
        references: n lists of accepted labels.
        labels: the classes; if empty, the distinct references.
    """
    labels = tuple(labels) or distinct_labels(references)
    find = finder(labels)
    pairs = Counter(
        decide(prediction, accepted, find, labels)
        for prediction, accepted in zip(predictions, references, strict=True)
        if prediction is not None
    )
    named = (*labels, "")
    return {
        (labels[reference], named[-1 if predicted is None else predicted]): pairs[
            reference, predicted
        ]
        for reference in range(len(labels))
        for predicted in (*range(len(labels)), None)
        if pairs[reference, predicted]
    }


def decide(
    prediction: str, references: Sequence[str], find: Find, labels: Sequence[str]
) -> tuple[int, int | None]:
    """Index of the reference class, and of the predicted one.

    Of several accepted classes it is the predicted one, or else the first in the labels' order.
    """
    accepted = []
    for reference in references:
        index = find(reference)
        if index is None:
            raise ScorerError(
                f"reference {reference!r} is none of the {len(labels)} labels; "
                f"{nearest(reference, labels)}; correct the row, or add it to the suite's 'labels'"
            )
        accepted.append(index)
    predicted = find(prediction)
    return (predicted if predicted in accepted else min(accepted)), predicted


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Part of a whole, 0 of nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share: FloatArray = np.where(whole == 0, 0.0, part / whole)
    return share


def _micro(sums: FloatArray, measure: Measure) -> FloatArray:
    right, predicted, support = np.moveaxis(sums, -1, 0)
    if measure == "f1":
        return _share(2 * right, predicted + support)
    return _share(right, predicted if measure == "precision" else support)


@SuiteScorer
def accuracy(context: SuiteContext) -> Scorer:
    """Share of examples whose completion names the right label."""
    labels = find_labels(context.config, context.references)
    find = finder(labels)

    def right(prediction: str, references: Sequence[str]) -> float:
        reference, predicted = decide(prediction, references, find, labels)
        return float(predicted == reference)

    signature = f"accuracy|labels:{len(labels)}|norm:label|v1"
    return MeanScorer(name="accuracy", signature=signature, function=right, binary=True)


@SuiteScorer
def label_valid(context: SuiteContext, *, strict: bool = False) -> Scorer:
    """Share of completions that are a label at all, right or wrong.

    Args:
        context: the suite, whose labels count.
        strict: whether a label has to be given to the byte, without case or signs forgiven.
    """
    labels = find_labels(context.config, context.references)
    find = finder(labels)

    def valid(prediction: str, references: Sequence[str]) -> bool:  # noqa: ARG001 - form alone
        return prediction in labels if strict else find(prediction) is not None

    chosen = {"strict": strict} if strict else {}
    signature = sign("label_valid", {"labels": len(labels), "strict": strict}, "norm:label|v1")
    return MeanScorer(
        name=named("label_valid", chosen), signature=signature, function=valid, binary=True
    )


def _average(average: Average, measure: Measure) -> SuiteScorer:
    name = f"{average}_{measure}"

    def build(context: SuiteContext) -> Scorer:
        labels = find_labels(context.config, context.references)
        signature = f"{name}|labels:{len(labels)}|norm:label|absent:out|zero:0|v1"
        return ClassScorer(name, signature, labels, finder(labels), measure, average)

    return SuiteScorer(build)


AVERAGES: Mapping[str, SuiteScorer] = {
    f"{average}_{measure}": _average(average, measure)
    for average in get_args(Average)
    for measure in get_args(Measure)
}
"""`macro_f1`, `weighted_recall` and the rest of the nine."""
