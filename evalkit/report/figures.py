"""The report's figures: dots with intervals, and train against test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.report.svg import Texts, hue, role, to_svg
from evalkit.report.text import MINUS, decimal, known, one_line, signed

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 9.6
LEFT = 1.9
RIGHT = 0.2
TOP = 0.08
BOTTOM = 0.48
ROW_PAD = 0.19
LANE = 0.165
"""Inches: the figure, its margins, the space between rows, the space between models of a row."""

STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Distances between the lines of a grid."""

LABEL_LENGTH = 20
"""Characters of a row's name that fit into the left margin."""

SHAPES = "ooDs^vP"
"""Markers by hue, so that a print in grey can still be read."""


@dataclass(frozen=True, slots=True)
class Dot:
    """One estimate with its interval.

    Attributes:
        hue: colour and marker of its model.
        label: name of its model, for the tooltip.
        value: where the dot stands.
        low: lower bound; None draws no interval.
        high: upper bound.
    """

    hue: int
    label: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a figure: a label and the estimates of its models."""

    label: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True)
class Corners:
    """What train-against-test draws of one suite.

    Attributes:
        label: the suite.
        base: the base's score on train and on test.
        tuned: the tuned model's.
        gap: the base-adjusted gap with its interval, if there is one.
    """

    label: str
    base: tuple[float, float]
    tuned: tuple[float, float]
    gap: Dot | None


def scores_plot(key: str, title: str, rows: Sequence[Row]) -> Markup:
    """Scores in [0, 1] with their intervals: a row a scorer, a dot a model."""
    texts, figure, tops = _frame([len(row.dots) for row in rows])
    axes = _axes(figure, LEFT, WIDTH - LEFT - RIGHT)
    _scale(axes, (0.0, 1.0), texts, "score")
    _rows(axes, rows, tops, texts)
    return to_svg(figure, key, title, texts)


def deltas_plot(key: str, title: str, rows: Sequence[Row]) -> Markup:
    """Differences with their intervals around zero: a row a suite, a dot a tuned model."""
    texts, figure, tops = _frame([len(row.dots) for row in rows])
    axes = _axes(figure, LEFT, WIDTH - LEFT - RIGHT)
    _scale(axes, _symmetric(rows), texts, f"tuned {MINUS} base", sign=True)
    axes.axvline(0, color=role("ink"), linewidth=0.9, zorder=1)
    _rows(axes, rows, tops, texts, sign=True)
    return to_svg(figure, key, title, texts)


def train_test_plot(
    key: str, title: str, suites: Sequence[Corners], tuned_hue: int, tolerance: float
) -> Markup:
    """Two panels: scores on train and test, and the base-adjusted gap against its tolerance."""
    texts, figure, tops = _frame([2] * len(suites))
    middle = LEFT + 3.9
    scores = _axes(figure, LEFT, middle - LEFT - 0.3)
    _scale(scores, (0.0, 1.0), texts, "score on test ●  and train ○")
    for suite, top in zip(suites, tops, strict=True):
        _label(scores, suite.label, top - LANE / 2, texts)
        for lane, (number, ends) in enumerate(((0, suite.base), (tuned_hue, suite.tuned))):
            _dumbbell(scores, ends, top - lane * LANE, number, texts)
    gaps = _axes(figure, middle + 0.2, WIDTH - RIGHT - middle - 0.2)
    rows = [Row("", (suite.gap,) if suite.gap else ()) for suite in suites]
    low, high = _symmetric(rows, at_least=2 * tolerance)
    _scale(gaps, (low, high), texts, "base-adjusted gap, 90 % interval", sign=True, most=6)
    gaps.axvspan(low, tolerance, color=role("band"), linewidth=0, zorder=0)
    gaps.axvline(0, color=role("ink"), linewidth=0.9, zorder=1)
    gaps.axvline(tolerance, color=role("muted"), linewidth=0.9, linestyle=(0, (3, 2)), zorder=1)
    _rows(gaps, rows, [top - LANE / 2 for top in tops], texts, sign=True)
    return to_svg(figure, key, title, texts, "plot two")


def _frame(lanes: Sequence[int]) -> tuple[Texts, Figure, list[float]]:
    """An empty figure high enough, and where the first lane of each row stands, in inches."""
    from matplotlib.figure import Figure

    tops = []
    depth = ROW_PAD / 2
    for number in lanes:
        tops.append(-(depth + LANE / 2))
        depth += max(1, number) * LANE + ROW_PAD
    figure = Figure(figsize=(WIDTH, depth + TOP + BOTTOM), dpi=72, frameon=False)
    return Texts(), figure, tops


def _axes(figure: Figure, left: float, width: float) -> Axes:
    """Axes at a place in inches; vertically they count inches below the top."""
    total = figure.get_figheight()
    height = total - TOP - BOTTOM
    axes = figure.add_axes((left / WIDTH, BOTTOM / total, width / WIDTH, height / total))
    axes.set_ylim(-height, 0)
    axes.set_frame_on(False)
    axes.set_yticks([])
    return axes


def _scale(
    axes: Axes,
    span: tuple[float, float],
    texts: Texts,
    label: str,
    *,
    sign: bool = False,
    most: int = 8,
) -> None:
    """A horizontal scale with a light grid and a caption."""
    axes.set_xlim(*span)
    ticks = _ticks(*span, most)
    places = 1 if ticks[1] - ticks[0] >= 0.1 - 1e-9 else 2
    show = signed if sign else decimal
    axes.set_xticks(ticks, [texts(show(tick, places)) for tick in ticks])
    axes.tick_params(length=0, pad=5, labelsize=9, labelcolor=role("muted"))
    axes.grid(axis="x", color=role("rule"), linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_xlabel(texts(label), fontsize=9, color=role("muted"), labelpad=5)


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers that cut the span into at most so many parts."""
    step = next(s for s in STEPS if (high - low) / s <= most + 0.01)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def _symmetric(rows: Sequence[Row], at_least: float = 0.1) -> tuple[float, float]:
    """A span that holds every interval, zero inside and both ends round."""
    ends = [x for row in rows for d in row.dots for x in (d.value, d.low, d.high) if known(x)]
    numbers = [float(end) for end in ends if end is not None]
    low, high = min([-at_least / 2, *numbers]), max([at_least, *numbers])
    return max(-2.0, math.floor(low * 20) / 20), min(2.0, math.ceil(high * 20) / 20)


def _rows(
    axes: Axes,
    rows: Sequence[Row],
    tops: Sequence[float],
    texts: Texts,
    *,
    sign: bool = False,
) -> None:
    """The dots of every row, models below each other."""
    form = signed if sign else decimal
    for row, top in zip(rows, tops, strict=True):
        if row.label:
            _label(axes, row.label, top - (len(row.dots) - 1) * LANE / 2, texts)
        for lane, dot in enumerate(row.dots):
            y = top - lane * LANE
            tip = f"{dot.label}: {form(dot.value)}"
            if dot.low is not None and dot.high is not None:
                tip += f" [{form(dot.low)}, {form(dot.high)}]"
                axes.plot(
                    [dot.low, dot.high], [y, y], color=hue(dot.hue), linewidth=1.5,
                    solid_capstyle="round", clip_on=False, zorder=2,
                )  # fmt: skip
            _marker(axes, dot.value, y, dot.hue, texts(tip), hollow=dot.hue == 0)


def _dumbbell(axes: Axes, ends: tuple[float, float], y: float, number: int, texts: Texts) -> None:
    """Train and test of one model, joined."""
    train, test = ends
    axes.plot([train, test], [y, y], color=hue(number), linewidth=1.2, clip_on=False, zorder=2)
    _marker(axes, train, y, number, texts(f"train: {decimal(train)}"), hollow=True, shape="o")
    _marker(axes, test, y, number, texts(f"test: {decimal(test)}"), hollow=False, shape="o")


def _marker(
    axes: Axes,
    x: float,
    y: float,
    number: int,
    tip: str,
    *,
    hollow: bool,
    shape: str | None = None,
) -> None:
    """One dot."""
    axes.plot(
        [x], [y], marker=shape or SHAPES[number % len(SHAPES)], markersize=5.6, linestyle="none",
        markerfacecolor=role("paper") if hollow else hue(number), markeredgecolor=hue(number),
        markeredgewidth=1.3, gid=tip, clip_on=False, zorder=3,
    )  # fmt: skip


def _label(axes: Axes, text: str, y: float, texts: Texts) -> None:
    """A row's name left of the axes."""
    axes.annotate(
        texts(one_line(text, LABEL_LENGTH)), (0, y), xycoords=("figure fraction", "data"),
        ha="left", va="center", fontsize=9.8, color=role("ink"),
        annotation_clip=False,
    )  # fmt: skip
