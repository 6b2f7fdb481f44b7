"""Classification: accuracy, precision, recall and F1, from the cells of a confusion matrix.

Statistics of one example are three numbers for each of L classes: right, predicted, reference. A
completion that names no known label is wrong, and predicts no class.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Literal

import numpy as np

from evalkit.errors import ScorerError
from evalkit.schema import SuiteConfig
from evalkit.scorers.base import FloatArray, Kind, MeanScorer, Scorer, SuiteContext, SuiteScorer

Measure = Literal["precision", "recall", "f1"]
Average = Literal["macro", "micro", "weighted"]
Find = Callable[[str], int | None]

MOST_FOUND = 500
"""More distinct references than this are free text, not classes, unless the suite declares them."""
MOST_PEELED = 16
PEEL = frozenset("PSZC")
"""Unicode's categories of what may surround a label: punctuation, symbols, spaces, controls."""


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
        reference, predicted = _decide(prediction, references, self.find, self.labels)
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
    right, predicted, support = np.moveaxis(totals.reshape(*totals.shape[:-1], 3, len(labels)), -2, 0)
    return ClassReport(
        labels=tuple(labels),
        precision=_share(right, predicted),
        recall=_share(right, support),
        f1=_share(2 * right, predicted + support),
        support=support,
        predicted=predicted,
    )


def confusion(
    predictions: Sequence[str | None],
    references: Sequence[Sequence[str]],
    labels: Sequence[str],
) -> dict[tuple[str, str], int]:
    """How often each class was answered with each: (reference, predicted) -> examples.

    Ordered by the labels; `predicted` is empty, and comes last, for answers that are no label.
    Missing predictions (None) stay out, and so do pairs that never occur.
    """
    labels = tuple(labels)
    find = finder(labels)
    pairs = Counter(
        _decide(prediction, accepted, find, labels)
        for prediction, accepted in zip(predictions, references, strict=True)
        if prediction is not None
    )
    return {
        (labels[reference], "" if predicted is None else labels[predicted]): count
        for (reference, predicted), count in sorted(
            pairs.items(), key=lambda item: (item[0][0], len(labels) if item[0][1] is None else item[0][1])
        )
    }


def find_labels(config: SuiteConfig, references: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """The classes of a suite: those it declares, else the distinct references, sorted.

    Raises:
        ScorerError: nothing is declared and the references are too many to be classes.
    """
    if config.labels:
        return config.labels
    spelled: dict[str, str] = {}
    for text in sorted({text.strip() for accepted in references for text in accepted}):
        spelled.setdefault(_fold(text), text)
    if len(spelled) > MOST_FOUND:
        raise ScorerError(
            f"suite {config.name!r}: {len(spelled)} different references are too many to be classes "
            f"(at most {MOST_FOUND} unless declared); list the classes under 'labels', or score free "
            "text with 'exact_match'"
        )
    return tuple(spelled.values())


def finder(labels: Sequence[str]) -> Find:
    """A function from a text to the index of the label it gives, None if it gives none.

    Compared as it stands, then without regard to case, then without more and more of the punctuation
    around it. Labels that differ in case only have to be given exactly.
    """
    exact = {label: index for index, label in enumerate(labels)}
    spellings = Counter(map(_fold, labels))
    folded = {_fold(label): index for label, index in exact.items() if spellings[_fold(label)] == 1}

    @lru_cache(maxsize=4096)
    def find(text: str) -> int | None:
        if text in exact:
            return exact[text]
        for candidate in _peelings(text):
            index = exact.get(candidate, folded.get(_fold(candidate)))
            if index is not None and candidate:
                return index
        return None

    return find


def _peelings(text: str) -> Iterator[str]:
    """The text without 0, 1, 2, ... of the signs around it, the longest first."""
    text = text.strip()
    most = min(MOST_PEELED, len(text))
    head = next((at for at in range(most) if not _peels(text[at])), most)
    tail = next((at for at in range(most) if not _peels(text[-1 - at])), most)
    for removed in range(head + tail + 1):
        for left in range(max(0, removed - tail), min(head, removed) + 1):
            yield text[left : len(text) - (removed - left)].strip()


def _peels(character: str) -> bool:
    return unicodedata.category(character)[0] in PEEL


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip().casefold())


def _decide(
    prediction: str, references: Sequence[str], find: Find, labels: Sequence[str]
) -> tuple[int, int | None]:
    """Index of the reference class, and of the predicted one.

    Of several accepted classes it is the predicted one, or else the first in the labels' order.
    """
    accepted = []
    for reference in references:
        index = find(reference)
        if index is None:
            known = ", ".join(map(repr, labels[:10])) + (", ..." if len(labels) > 10 else "")
            raise ScorerError(
                f"reference {reference!r} is none of the {len(labels)} labels ({known}); "
                "add it to 'labels' of the suite, or correct the row"
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
        reference, predicted = _decide(prediction, references, find, labels)
        return float(predicted == reference)

    signature = f"accuracy|labels:{len(labels)}|norm:label|v1"
    return MeanScorer(name="accuracy", signature=signature, function=right, binary=True)


def _averaged(context: SuiteContext, *, average: Average, measure: Measure) -> Scorer:
    labels = find_labels(context.config, context.references)
    name = f"{average}_{measure}"
    signature = f"{name}|labels:{len(labels)}|norm:label|absent:out|zero:0|v1"
    return ClassScorer(name, signature, labels, finder(labels), measure, average)


AVERAGES: Mapping[str, SuiteScorer] = {
    f"{average}_{measure}": SuiteScorer(partial(_averaged, average=average, measure=measure))
    for average in ("macro", "micro", "weighted")
    for measure in ("precision", "recall", "f1")
}
"""`macro_f1`, `weighted_recall` and the rest of the nine."""
