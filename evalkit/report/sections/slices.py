"""Slices: the primary score of parts of a suite, to find who gains and who loses."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.report.sections.registry import Context, section
from evalkit.report.view import TEST, Arm, arms, ordered, primary
from evalkit.schema import Comparison, RunRecord, Score


@dataclass(frozen=True, slots=True)
class SliceLine:
    """One slice: its score by every model, its change by every tuned model."""

    name: str
    n: int
    note: str
    scores: tuple[Score | None, ...]
    changes: tuple[Comparison | None, ...]


@dataclass(frozen=True, slots=True)
class SliceSuite:
    """One suite with slices."""

    name: str
    scorer: str
    lines: tuple[SliceLine, ...]


@section(70, "Slices")
def slices(record: RunRecord) -> Context | None:
    """A table for every suite that names slices, on its test split."""
    models = arms(record.info)
    tuned = [arm for arm in models if arm.role == "tuned"]
    suites = []
    for config in record.info.suites:
        scorer = primary(record.info, config.name)
        if scorer and (lines := _lines(record, config.name, scorer.name, models, tuned)):
            suites.append(SliceSuite(config.name, scorer.name, lines))
    return {"suites": suites, "tuned": tuned} if suites else None


def _lines(
    record: RunRecord, suite: str, scorer: str, models: tuple[Arm, ...], tuned: list[Arm]
) -> tuple[SliceLine, ...]:
    """The slices of one suite in the order of the scores."""
    where = (suite, TEST, scorer)
    scores = {
        (s.slice, s.model): s
        for s in record.scores
        if s.slice and (s.suite, s.split, s.scorer) == where
    }
    changes = {
        (c.slice, c.tuned): c
        for c in record.comparisons
        if c.slice and (c.suite, c.split, c.scorer) == where
    }
    lines = []
    for name in ordered(part for part, _ in scores):
        cells = tuple(scores.get((name, arm.name)) for arm in models)
        known = [cell for cell in cells if cell]
        lines.append(
            SliceLine(
                name,
                max(cell.n + cell.missing for cell in known),
                next((cell.note for cell in known if cell.note), ""),
                cells,
                tuple(changes.get((name, arm.name)) for arm in tuned),
            )
        )
    return tuple(lines)
