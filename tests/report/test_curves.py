from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.report import render_report
from evalkit.report.curves import MOST_POINTS, Curve, Place, apart, curves_plot, thinned, ticks
from evalkit.report.sections.losses import losses
from evalkit.schema import Checkpoint, Loss
from tests.report.factory import make_record
from tests.report.test_figures import texts

CURVES = [
    Curve("training", tuple(Place(10 * i, 3.0 - 0.1 * i) for i in range(1, 12))),
    Curve("validation", tuple(Place(10 * i, 2.0 + 0.01 * i) for i in range(1, 12)), 1),
]
LOSSES = tuple(Loss("overfit", 10 * i, 3.0 - 0.1 * i, 2.0 + 0.1 * i, None) for i in range(1, 12))


def test_the_same_curves_give_the_same_bytes() -> None:
    assert curves_plot("k", "t", CURVES, axis="loss") == curves_plot("k", "t", CURVES, axis="loss")


def test_what_a_reader_sees() -> None:
    svg = curves_plot("k", "what it shows", CURVES, axis="loss", chosen=40)
    assert {"training", "validation", "loss", "step", "20", "100"} <= set(texts(svg))
    assert "validation, step 50: 2.050" in texts(svg, "title")
    assert 'aria-label="what it shows"' in svg
    assert "style" not in svg
    assert {"stroke-hue-1", "stroke-muted"} <= set(
        " ".join(re.findall(r'class="([^"]+)"', svg)).split()
    )


def test_hostile_names_stay_text() -> None:
    svg = curves_plot("k", "t", [Curve("$x$ <b>\u202e", (Place(1, 0.5, 0.4, 0.6),))], axis="score")
    assert "$x$ <b>⟨U+202E⟩" in texts(svg)
    assert "<b>" not in svg


@given(st.floats(-1e3, 1e3), st.just(0.0) | st.floats(1e-6, 1e6), st.integers(2, 9))
def test_ticks_are_at_least_two_and_not_too_many(low: float, span: float, most: int) -> None:
    found = ticks(low, low + span, most)
    assert 2 <= len(found) <= most + 2
    assert found == sorted(set(found))


def test_long_curves_are_drawn_through_the_means_of_groups() -> None:
    places = [Place(i, float(i % 2)) for i in range(10 * MOST_POINTS)]
    found = thinned(places)
    assert len(found) == MOST_POINTS
    assert {place.value for place in found} == {0.5}
    svg = curves_plot("k", "t", [Curve("training", tuple(places))], axis="loss")
    assert len(svg) < 40_000


def test_the_section_shows_the_losses_of_those_who_have_some() -> None:
    record = replace(make_record(n=6), losses=LOSSES)
    context = losses(record)
    assert context is not None
    page = render_report(record)
    assert 'id="losses"' in page
    assert page.count('aria-label="Losses that the training job of') == 1
    assert 'id="losses"' not in render_report(make_record(n=6))


@pytest.mark.parametrize("points", [1, 2])
def test_few_points_are_drawn_too(points: int) -> None:
    record = replace(make_record(n=6), losses=LOSSES[:points])
    assert "Losses that the training job of overfit reported" in render_report(record)


def row(model: str, step: int, score: float | None, *, chosen: bool = False) -> Checkpoint:
    low, high = (None, None) if score is None else (score - 0.1, score + 0.1)
    return Checkpoint("<b>job", model, step, "capitals", "f1", score, low, high, 9, 1, chosen)


def test_checkpoints_stand_beside_their_losses() -> None:
    rows = (row("early", 50, 0.4), row("overfit", 100, 0.6, chosen=True), row("late", 200, None))
    page = render_report(replace(make_record(n=6), losses=LOSSES, checkpoints=rows))
    assert page.count('aria-label="Losses of the job of overfit"') == 1
    assert 'id="losses"' not in page
    assert "&lt;b&gt;job" in page
    assert "<b>job" not in page
    without = render_report(replace(make_record(n=6), checkpoints=rows))
    assert "Losses of the job" not in without
    nothing = tuple(replace(one, score=None, low=None, high=None) for one in rows)
    assert 'id="checkpoints"' in render_report(replace(make_record(n=6), checkpoints=nothing))


def test_names_that_would_cover_each_other_move_apart() -> None:
    assert apart([50.0, 10.0], 12.0) == [50.0, 10.0]
    assert apart([30.0, 31.0, 90.0], 12.0) == pytest.approx([24.5, 36.5, 90.0])
    assert apart([5.0, 5.0, 5.0], 10.0) == pytest.approx([-5.0, 5.0, 15.0])


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=6))
def test_names_keep_their_order_and_their_centre(heights: list[float]) -> None:
    moved = apart(heights, 12.0)
    assert sum(moved) == pytest.approx(sum(heights), abs=1e-6)
    ordered = [place for _, place in sorted(zip(heights, moved, strict=True))]
    assert all(b - a >= 12 - 1e-6 for a, b in itertools.pairwise(ordered))
