"""Class by class: precision, recall and F1 of every label, and what was taken for what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalkit.report.sections.registry import Context, section
from evalkit.report.view import TEST, Arm, arms, ordered
from evalkit.schema import RunRecord

SHADES = 9
"""Steps of the heat map; each is a class of the style sheet."""

Counts = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class ClassLine:
    """One label; a rate is None where it has no denominator."""

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Cell:
    """How often a label was answered with another, and its shade in the map."""

    count: int
    shade: int
    right: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """One model: its labels' rates and its confusion matrix, references down, answers across."""

    arm: Arm
    lines: tuple[ClassLine, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclass(frozen=True, slots=True)
class ClassSuite:
    """One classification suite."""

    name: str
    split: str
    matrices: tuple[Matrix, ...]


@section(60, "Class by class")
def classes(record: RunRecord) -> Context | None:
    """Tables for every classification suite, on its test split."""
    counts: dict[tuple[str, str], dict[tuple[str, str], int]] = defaultdict(dict)
    for row in record.confusions:
        if row.split == TEST:
            counts[row.suite, row.model][row.reference, row.predicted] = row.count
    suites = []
    for config in record.info.suites:
        matrices = tuple(
            _matrix(arm, counts[config.name, arm.name], config.labels)
            for arm in arms(record.info)
            if (config.name, arm.name) in counts
        )
        if matrices:
            suites.append(ClassSuite(config.name, TEST, matrices))
    return {"suites": suites} if suites else None


def _matrix(arm: Arm, counts: Counts, labels: Sequence[str]) -> Matrix:
    """The matrix in the order of the suite's labels; answers that are no label come last."""
    references = ordered((reference for reference, _ in counts), labels)
    predicted = ordered((label for _, label in counts if label), labels)
    columns = (*predicted, "") if any(counts.get((r, "")) for r in references) else predicted
    lines = tuple(_line(label, counts) for label in references)
    rows = []
    for reference, line in zip(references, lines, strict=True):
        cells = [
            Cell(n, -(-n * SHADES // line.n) if line.n else 0, reference == label)
            for label in columns
            for n in (counts.get((reference, label), 0),)
        ]
        rows.append((reference, tuple(cells)))
    return Matrix(arm, lines, columns, tuple(rows))


def _line(label: str, counts: Counts) -> ClassLine:
    """Precision, recall and F1 of one label."""
    right = counts.get((label, label), 0)
    n = sum(count for (reference, _), count in counts.items() if reference == label)
    told = sum(count for (_, predicted), count in counts.items() if predicted == label)
    return ClassLine(
        label,
        right / told if told else None,
        right / n if n else None,
        2 * right / (n + told) if n + told else None,
        n,
    )
