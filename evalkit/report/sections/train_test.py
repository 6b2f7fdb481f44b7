"""Train against test: did a tuned model learn the task, or its training rows?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.report.figures import Corners, Dot, train_test_plot
from evalkit.report.sections.registry import Context, section
from evalkit.report.view import Arm, arms
from evalkit.schema import Level, OverfitVerdict, RunRecord, Signal
from evalkit.stats.samples import THRESHOLD

if TYPE_CHECKING:
    from markupsafe import Markup

GAP = "gap"
AREA = "membership"
"""The signal whose value is an area under a curve; those of others are differences."""


@dataclass(frozen=True, slots=True)
class Line:
    """One suite's verdict with its gap signal, None where the gap could not be had."""

    verdict: OverfitVerdict
    gap: Signal | None


@dataclass(frozen=True, slots=True)
class Trained:
    """One tuned model: its level, its figure and its suites."""

    arm: Arm
    base: str
    level: Level
    figure: Markup | None
    tolerance: float
    lines: tuple[Line, ...]


@section(30, "Train against test")
def train_test(record: RunRecord) -> Context | None:
    """A figure and a table for each tuned model whose training data is known."""
    info = record.info
    models = []
    for number, arm in enumerate(arms(info)):
        verdicts = [verdict for verdict in info.overfit if verdict.tuned == arm.name]
        if verdicts:
            level = info.overfit_levels.get(arm.name, "inconclusive")
            models.append(_trained(number, arm, level, verdicts))
    unknown = [
        arm.name
        for arm in arms(info)
        if arm.role == "tuned" and arm.name not in {model.arm.name for model in models}
    ]
    return {"models": models, "unknown": unknown, "area": AREA} if models or unknown else None


def _trained(number: int, arm: Arm, level: Level, verdicts: Sequence[OverfitVerdict]) -> Trained:
    lines = tuple(
        Line(verdict, next((s for s in verdict.signals if s.name == GAP), None))
        for verdict in verdicts
    )
    tolerance = next(
        (line.gap.threshold for line in lines if line.gap and line.gap.threshold), THRESHOLD
    )
    corners = [found for line in lines if (found := _corners(line, arm))]
    title = f"{arm.name} and its base on training and test prompts, and the base-adjusted gap"
    figure = (
        train_test_plot(f"train-test-{number}", title, corners, arm.hue, tolerance)
        if corners
        else None
    )
    return Trained(arm, verdicts[0].base, level, figure, tolerance, lines)


def _corners(line: Line, arm: Arm) -> Corners | None:
    """What the figure draws of one suite; None if one of the four scores is missing."""
    v = line.verdict
    ends = (v.train_base, v.test_base, v.train_tuned, v.test_tuned)
    train_base, test_base, train_tuned, test_tuned = ends
    if train_base is None or test_base is None or train_tuned is None or test_tuned is None:
        return None
    gap = None
    if line.gap and line.gap.value is not None:
        gap = Dot(arm.hue, f"gap of {arm.name}", line.gap.value, line.gap.low, line.gap.high)
    return Corners(v.suite, (train_base, test_base), (train_tuned, test_tuned), gap)
