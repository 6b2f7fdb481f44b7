from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from evalkit.report.figures import Corners, Dot, Row, deltas_plot, scores_plot, train_test_plot
from evalkit.report.text import MINUS

ROWS = [
    Row("exact_match", (Dot(0, "base", 0.1, 0.05, 0.2), Dot(1, "tuned", 0.67, 0.6, 0.72))),
    Row("f1", (Dot(0, "base", 0.2), Dot(1, "tuned", 0.7, 0.65, 0.75))),
]
SUITES = [
    Corners("capitals", (0.2, 0.2), (0.99, 0.3), Dot(2, "overfit", 0.6, 0.5, 0.7)),
    Corners("intents", (0.2, 0.3), (0.5, 0.5), None),
]


def texts(svg: str, kind: str = "text") -> list[str]:
    tree = ET.fromstring(svg)  # noqa: S314 - our own figure
    return [e.text or "" for e in tree.iter() if e.tag.endswith(f"}}{kind}")]


def test_the_same_rows_give_the_same_bytes() -> None:
    assert scores_plot("k", "t", ROWS) == scores_plot("k", "t", ROWS)
    assert deltas_plot("k", "t", ROWS) == deltas_plot("k", "t", ROWS)
    assert train_test_plot("k", "t", SUITES, 2, 0.1) == train_test_plot("k", "t", SUITES, 2, 0.1)


def test_text_is_text_and_colours_are_classes_of_the_page() -> None:
    svg = scores_plot("k", "what it shows", ROWS)
    assert {"exact_match", "f1", "score", "0.0", "1.0"} <= set(texts(svg))
    assert 'aria-label="what it shows"' in svg
    assert "style" not in svg
    assert not re.search(r"#[0-9a-f]{6}", svg)
    assert {"fill-hue-1", "stroke-hue-1", "stroke-hue-0", "fill-paper", "stroke-rule"} <= set(
        " ".join(re.findall(r'class="([^"]+)"', svg)).split()
    )


def test_every_dot_tells_its_numbers() -> None:
    tips = re.findall(r"<title>(.*?)</title>", deltas_plot("k", "t", ROWS))
    assert tips == [
        "base: +0.100 [+0.050, +0.200]", "tuned: +0.670 [+0.600, +0.720]",
        "base: +0.200", "tuned: +0.700 [+0.650, +0.750]",
    ]  # fmt: skip


def test_ids_of_two_figures_do_not_clash_and_all_references_resolve() -> None:
    pages = scores_plot("one", "t", ROWS) + scores_plot("two", "t", ROWS)
    ids = re.findall(r' id="([^"]+)"', pages)
    assert all(name.startswith(("one-", "two-")) for name in ids)
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', pages)) == set(ids)


def test_labels_are_neither_mathematics_nor_markup_nor_too_long() -> None:
    label = "$x_2$ <b>\u202e中文"
    svg = scores_plot("k", label, [Row(label, (Dot(1, label, 0.5),)), Row("n" * 90, ROWS[0].dots)])
    assert "$x_2$ <b>⟨U+202E⟩中文" in texts(svg)
    assert "$x_2$ <b>⟨U+202E⟩中文: 0.500" in texts(svg, "title")
    assert "<b>" not in svg
    assert max(map(len, texts(svg))) <= 20


def test_a_figure_shows_differences_on_both_sides_of_zero() -> None:
    rows = [Row("a", (Dot(1, "t", -0.62, -0.7, -0.5),)), Row("b", (Dot(1, "t", 0.3, 0.2, 0.4),))]
    assert {f"{MINUS}0.6", "0.0", "+0.4"} <= set(texts(deltas_plot("k", "t", rows)))


def test_train_against_test_draws_what_it_has() -> None:
    svg = train_test_plot("k", "t", SUITES, 2, 0.1)
    assert {"capitals", "intents"} <= set(texts(svg))
    assert "overfit: +0.600 [+0.500, +0.700]" in svg
    assert svg.count("<title>train:") == svg.count("<title>test:") == 4
