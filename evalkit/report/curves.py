"""Curves over the steps of a training job: what it reported, and what its checkpoints do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.report.figures import LEFT, RIGHT, SHAPES, WIDTH
from evalkit.report.svg import Texts, hue, role, to_svg
from evalkit.report.text import decimal

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

HEIGHT = 2.5
TOP = 0.15
BOTTOM = 0.5
MOST_POINTS = 300
"""A line of more points than this is drawn through the means of as many groups of them."""
_NOTHING = 1e-12
NAME_HEIGHT = 12.0
"""Points from one name at the end of a line to the next."""
MARKED = 40
"""Up to so many points each has a marker, with its numbers as a tooltip."""


@dataclass(frozen=True, slots=True)
class Place:
    """One point of a curve.

    Attributes:
        step: of the job.
        value: what is drawn.
        low: lower bound of its interval; None draws none.
        high: upper bound.
    """

    step: int
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of a figure.

    Attributes:
        label: written at its end, and in tooltips.
        places: by step; at least one.
        hue: colour; None draws it in grey.
    """

    label: str
    places: tuple[Place, ...]
    hue: int | None = None


def curves_plot(
    key: str,
    title: str,
    curves: Sequence[Curve],
    *,
    axis: str,
    chosen: int | None = None,
    span: tuple[int, int] | None = None,
) -> Markup:
    """Lines over steps.

    Args:
        key: unique in the page.
        title: what the figure shows, for those who can't see it.
        curves: at least one.
        axis: what is drawn.
        chosen: a step that a vertical line marks.
        span: first and last step of the scale; None for those of the curves.
    """
    from matplotlib.figure import Figure

    texts = Texts()
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=72, frameon=False)
    width = WIDTH - LEFT - RIGHT - 1.2  # room for the names at the end of the lines
    place = (LEFT / 2 / WIDTH, BOTTOM / HEIGHT, (width + LEFT / 2) / WIDTH)
    axes = figure.add_axes((*place, (HEIGHT - TOP - BOTTOM) / HEIGHT))
    axes.set_frame_on(False)
    _scales(axes, curves, texts, axis, span or span_of(curves))
    if chosen is not None:
        axes.axvline(chosen, color=role("muted"), linewidth=0.9, linestyle=(0, (3, 2)), zorder=1)
    for curve in curves:
        _line(axes, curve, texts)
    _names(axes, curves, texts)
    return to_svg(figure, key, title, texts)


def span_of(curves: Sequence[Curve]) -> tuple[int, int]:
    """First and last step of at least one curve."""
    steps = [place.step for curve in curves for place in curve.places]
    return min(steps), max(steps)


def _scales(
    axes: Axes, curves: Sequence[Curve], texts: Texts, axis: str, span: tuple[int, int]
) -> None:
    """Both scales with a light grid and captions."""
    places = [place for curve in curves for place in curve.places]
    bounds = [x for p in places for x in (p.value, p.low, p.high) if x is not None]
    first, last = span
    low, high = min(bounds), max(bounds)
    across = ticks(first, last, 8)
    up = ticks(low, high, 5)
    axes.set_xlim(first, max(last, first + 1))
    axes.set_ylim(min(up[0], low), max(up[-1], high))
    digits = max(0, -math.floor(math.log10(up[1] - up[0]) + 1e-9))
    axes.set_xticks(across, [texts(f"{tick:,.0f}") for tick in across])
    axes.set_yticks(up, [texts(decimal(tick, digits)) for tick in up])
    axes.tick_params(length=0, pad=5, labelsize=9, labelcolor=role("muted"))
    axes.grid(color=role("rule"), linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_xlabel(texts("step"), fontsize=9, color=role("muted"), labelpad=5)
    axes.set_ylabel(texts(axis), fontsize=9, color=role("muted"), labelpad=6)


def ticks(low: float, high: float, most: int) -> list[float]:
    """At least two round numbers about as far apart as cuts a span into `most` parts."""
    span = high - low or abs(high)
    span = span if span > _NOTHING else 1.0
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(power * m for m in (1, 2, 5, 10) if span / (power * m) <= most + 1e-9)
    first = math.floor(low / step + 1e-9)
    last = max(math.floor(high / step + 1e-9), first + 1)
    return [number * step for number in range(first, last + 1)]


def _line(axes: Axes, curve: Curve, texts: Texts) -> None:
    """One curve with markers where they can be told apart, and intervals."""
    colour = _colour(curve)
    places = thinned(curve.places)
    x, y = [p.step for p in places], [p.value for p in places]
    axes.plot(x, y, color=colour, linewidth=1.4, clip_on=False, zorder=2)
    for place in places if len(places) <= MARKED else ():
        if place.low is not None and place.high is not None:
            axes.plot(
                [place.step, place.step], [place.low, place.high], color=colour, linewidth=1.2,
                clip_on=False, zorder=2,
            )  # fmt: skip
        axes.plot(
            [place.step], [place.value], marker=SHAPES[(curve.hue or 0) % len(SHAPES)],
            markersize=4.2, linestyle="none", markerfacecolor=colour, markeredgecolor=colour,
            gid=texts(f"{curve.label}, step {place.step:,}: {decimal(place.value, 3)}"),
            clip_on=False, zorder=3,
        )  # fmt: skip


def _names(axes: Axes, curves: Sequence[Curve], texts: Texts) -> None:
    """The name of each curve at its end, moved up or down where two would cover each other."""
    ends = [thinned(curve.places)[-1] for curve in curves]
    low, high = axes.get_ylim()
    scale = 72 * (HEIGHT - TOP - BOTTOM) / (high - low)  # points for one unit of the axis
    heights = [scale * end.value for end in ends]
    for curve, end, wanted, height in zip(
        curves, ends, heights, apart(heights, NAME_HEIGHT), strict=True
    ):
        axes.annotate(
            texts(curve.label), (end.step, end.value), xytext=(7, height - wanted),
            textcoords="offset points", ha="left", va="center", fontsize=9,
            color=_colour(curve), annotation_clip=False,
        )  # fmt: skip


def apart(heights: Sequence[float], least: float) -> list[float]:
    """The nearest heights, by least squares, of the same order that lie so far apart."""
    from scipy.optimize import isotonic_regression

    order = sorted(range(len(heights)), key=heights.__getitem__)
    moved = isotonic_regression([heights[i] - k * least for k, i in enumerate(order)]).x
    by_place = {i: float(moved[k]) + k * least for k, i in enumerate(order)}
    return [by_place[i] for i in range(len(heights))]


def _colour(curve: Curve) -> str:
    return role("muted") if curve.hue is None else hue(curve.hue)


def thinned(places: Sequence[Place]) -> list[Place]:
    """The places, or the means of groups of them where there are too many to be drawn."""
    size = -(-len(places) // MOST_POINTS)
    if size == 1:
        return list(places)
    groups = [places[i : i + size] for i in range(0, len(places), size)]
    return [
        Place(group[len(group) // 2].step, math.fsum(p.value for p in group) / len(group))
        for group in groups
    ]
