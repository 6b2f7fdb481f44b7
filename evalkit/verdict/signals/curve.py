"""The loss curve: did validation loss rise while training loss did not?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from evalkit.schema import Level, Loss, Signal
from evalkit.stats.samples import ALPHA, FloatArray, floats
from evalkit.stats.trends import FEWEST_POINTS, Rise, tail_rise
from evalkit.verdict.evidence import Evidence
from evalkit.verdict.signals.registry import signal, unavailable
from evalkit.verdict.wording import signed

NAME = "curve"
RISE: Final = 0.02
"""Validation loss must rise by this share from the third to the last quarter of the points."""


@signal
def curve(evidence: Evidence) -> Signal:
    """Trend of the second half of the validation losses that the training job reported.

    At most mild: a model may well get better at its task while its validation loss rises, so it
    is a reason to look, not a verdict. The losses are compared with each other only, never with
    anything that evalkit measures.
    """
    valid = validation(evidence.losses)
    if len(valid) < FEWEST_POINTS:
        return unavailable(NAME, _too_few(evidence, len(valid)))
    found = tail_rise(_values(valid))
    if found is None:
        return replace(unavailable(NAME, "validation loss stays the same."), level="none")
    training = tail_rise(_values(training_points(evidence.losses)))
    unstable = training is not None and training.p <= ALPHA and training.rise > 0
    rising = found.rise >= RISE and not unstable
    best = min(valid, key=lambda point: point.loss)
    return Signal(
        name=NAME,
        level=_level(found, rising=rising),
        value=None,
        low=None,
        high=None,
        p=found.p if rising else 1.0,
        p_adjusted=None,
        threshold=None,
        detail=_detail(valid, found, best, unstable=unstable),
        numbers={
            "points": float(len(valid)),
            "tau": found.tau,
            "rise": found.rise,
            "best_step": float(best.step),
            "last_step": float(valid[-1].step),
        },
    )


@dataclass(frozen=True, slots=True)
class Point:
    """A loss above 0 at a step; a loss of 0 is one that was rounded away."""

    step: int
    loss: float


def validation(losses: Sequence[Loss]) -> list[Point]:
    """The validation losses to look at: those on all rows, if there are enough, else on batches."""
    full = [Point(p.step, p.full_valid) for p in losses if p.full_valid]
    if len(full) >= FEWEST_POINTS:
        return full
    return [Point(p.step, p.valid) for p in losses if p.valid]


def training_points(losses: Sequence[Loss]) -> list[Point]:
    """The training losses."""
    return [Point(p.step, p.train) for p in losses if p.train]


def _values(points: Sequence[Point]) -> FloatArray:
    return floats([point.loss for point in points])


def _level(found: Rise, *, rising: bool) -> Level:
    if not rising:
        return "none" if found.rise < RISE else "inconclusive"
    return "mild" if found.p <= ALPHA else "inconclusive"


def _too_few(evidence: Evidence, count: int) -> str:
    if not evidence.losses:
        return "no loss file: name it with `--curve FILE`, or `curve:` of the model."
    return f"{count} validation losses; a trend needs at least {FEWEST_POINTS}."


def _detail(valid: Sequence[Point], found: Rise, best: Point, *, unstable: bool) -> str:
    change = f"{100 * abs(found.rise):.1f} %"
    moved = "rose" if found.rise >= RISE else "fell" if found.rise <= -RISE else "moved"
    sentence = (
        f"validation loss {moved} by {change} from the third to the last quarter of "
        f"{len(valid)} points (Kendall's tau {signed(found.tau, 2)}); lowest at step {best.step}, "
        f"{best.loss:.4g}, last {valid[-1].loss:.4g}."
    )
    if unstable:
        sentence += " Training loss rose as well: the job was unstable, which is no overfitting."
    return sentence
