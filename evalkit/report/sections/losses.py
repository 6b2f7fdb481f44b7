"""The losses that training jobs reported, and what they say of overfitting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.report.curves import Curve, Place, curves_plot
from evalkit.report.sections.registry import Context, section
from evalkit.report.view import Arm, arms
from evalkit.schema import Loss, RunRecord, Signal

if TYPE_CHECKING:
    from markupsafe import Markup

CURVE = "curve"
"""The signal that judges losses."""


@dataclass(frozen=True, slots=True)
class Reported:
    """The losses of one tuned model.

    Attributes:
        arm: the model.
        figure: its losses over the steps of its job.
        signal: what they say; None if its training rows are not known, so that nothing is judged.
    """

    arm: Arm
    figure: Markup
    signal: Signal | None


@section(35, "Training losses")
def losses(record: RunRecord) -> Context | None:
    """A figure for every tuned model whose training job reported losses.

    Those of a chosen checkpoint stand beside the scores it was chosen by.
    """
    found = []
    chosen = {row.model for row in record.checkpoints}
    for number, arm in enumerate(arms(record.info)):
        if arm.name in chosen:
            continue
        own = [loss for loss in record.losses if loss.model == arm.name]
        curves = curves_of(own, hue=arm.hue)
        if curves:
            signal = _signal(record, arm.name)
            lowest = signal.numbers.get("best_step") if signal else None
            title = f"Losses that the training job of {arm.name} reported, over its steps"
            figure = curves_plot(
                f"losses-{number}", title, curves, axis="loss",
                chosen=None if lowest is None else int(lowest),
            )  # fmt: skip
            found.append(Reported(arm, figure, signal))
    return {"models": found} if found else None


def curves_of(own: Sequence[Loss], *, hue: int) -> list[Curve]:
    """Training losses in grey, validation losses in the colour of the model."""
    columns = (
        ("training", None, [(p.step, p.train) for p in own]),
        ("validation", hue, [(p.step, p.valid) for p in own]),
        ("validation, all rows", hue, [(p.step, p.full_valid) for p in own]),
    )
    lines = [
        Curve(label, tuple(Place(step, loss) for step, loss in points if loss is not None), colour)
        for label, colour, points in columns
    ]
    return [line for line in lines if line.places]


def _signal(record: RunRecord, model: str) -> Signal | None:
    signals = (s for v in record.info.overfit if v.tuned == model for s in v.signals)
    return next((s for s in signals if s.name == CURVE), None)
