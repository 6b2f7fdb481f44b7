"""The checkpoints of training jobs: what they score on validation rows, and which was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.report.curves import Curve, Place, curves_plot, span_of
from evalkit.report.sections.losses import curves_of
from evalkit.report.sections.registry import Context, section
from evalkit.report.view import HUES, ordered
from evalkit.schema import Checkpoint, RunRecord

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Line:
    """One checkpoint: its scores in the order of the suites, None where it has none."""

    model: str
    step: int
    chosen: bool
    scores: tuple[Checkpoint | None, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """The checkpoints of one training job.

    Attributes:
        name: the job's name.
        chosen: the checkpoint that was compared with the base.
        figure: validation scores over the steps, if there are any.
        losses: the losses of the job over the same steps, if it reported any.
        suites: (suite, primary scorer).
        lines: a checkpoint each, by step.
    """

    name: str
    chosen: str
    figure: Markup | None
    losses: Markup | None
    suites: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]


@section(36, "Checkpoints")
def checkpoints(record: RunRecord) -> Context | None:
    """For each job validation scores over steps, beside its losses, and the choice."""
    jobs = ordered(row.job for row in record.checkpoints)
    found = [_job(record, job, number) for number, job in enumerate(jobs)]
    return {"jobs": found} if found else None


def _job(record: RunRecord, name: str, number: int) -> Job:
    rows = [row for row in record.checkpoints if row.job == name]
    suites = tuple(dict.fromkeys((row.suite, row.scorer) for row in rows))
    steps = sorted({(row.step, row.model) for row in rows})
    scored = {(row.model, row.suite): row for row in rows}
    lines = tuple(
        Line(
            model=model,
            step=step,
            chosen=any(row.chosen for row in rows if row.model == model),
            scores=tuple(scored.get((model, suite)) for suite, _ in suites),
        )
        for step, model in steps
    )
    best = next(line for line in lines if line.chosen)
    scores = _curves(rows, [suite for suite, _ in suites])
    losses = curves_of([loss for loss in record.losses if loss.model == best.model], hue=1)
    span = span_of([*scores, *losses]) if scores or losses else (0, 1)
    drawn = [
        curves_plot(f"{key}-{number}", title, curves, axis=axis, chosen=best.step, span=span)
        if curves
        else None
        for key, title, curves, axis in (
            ("checkpoints", f"Validation scores of the checkpoints of {name}", scores, "score"),
            ("checkpoint-losses", f"Losses of the job of {best.model}", losses, "loss"),
        )
    ]
    return Job(name, best.model, drawn[0], drawn[1], suites, lines)


def _curves(rows: Sequence[Checkpoint], suites: Sequence[str]) -> list[Curve]:
    curves = []
    for number, suite in enumerate(suites):
        places = tuple(
            Place(row.step, row.score, row.low, row.high)
            for row in sorted(rows, key=lambda row: row.step)
            if row.suite == suite and row.score is not None
        )
        if places:
            curves.append(Curve(suite, places, number % HUES + 1))
    return curves
