"""The page in a real browser: its script, its policy, its layout."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evalkit.report import write_report
from evalkit.report.text import decimal
from evalkit.schema import Answer
from tests.report.browser import CHROMIUM, Page, browse
from tests.report.factory import make_record
from tests.report.hostile import spoil

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

CARDS = "document.querySelectorAll('#list > article').length"
FOUND = "document.getElementById('found').textContent"
WIDTH = "document.documentElement.scrollWidth"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an ordinary and a hostile report."""
    folder = tmp_path_factory.mktemp("reports")
    write_report(make_record(), folder / "calm.html")
    write_report(spoil(make_record(n=8)), folder / "hostile.html")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with browse() as page:
        yield page


@pytest.fixture
def page(browser: Page) -> Page:
    browser.complaints.clear()
    browser.requests.clear()
    return browser


def choose(page: Page, name: str, value: str) -> None:
    """Set a filter as a hand would, and wait until the list has followed."""
    page.value(f"""new Promise(done => {{
        const control = document.getElementById('filters').elements.namedItem({name!r});
        control.value = {value!r};
        control.dispatchEvent(new Event('input', {{ bubbles: true }}));
        setTimeout(done, 200);
    }})""")


def test_the_page_loads_nothing_and_has_nothing_to_complain_about(
    page: Page, reports: Path
) -> None:
    url = (reports / "calm.html").as_uri()
    page.open(url)
    assert page.requests == [url]
    assert page.complaints == []
    assert page.value("document.querySelector('nav a[aria-current]').textContent") == "Verdict"


def test_typing_searches_and_choosing_filters(page: Page, reports: Path) -> None:
    page.open((reports / "calm.html").as_uri())
    assert page.value(FOUND) == "720 of 720 examples in this page"
    assert page.value(CARDS) == 30
    page.value("document.querySelector('[name=q]').focus()")
    page.command("Input.insertText", text="NORWAY")
    page.value("new Promise(done => setTimeout(done, 200))")
    assert page.value(FOUND) == "24 of 720 examples in this page"
    assert page.value(
        "[...document.querySelectorAll('#list mark')].every(m => m.textContent === 'Norway')"
    )
    choose(page, "q", "")
    for flip, label in (
        ("fixed", "tuned fixed"),
        ("broke", "tuned broke"),
        ("right", "both right"),
        ("wrong", "both wrong"),
        ("unanswered", "unanswered"),
    ):
        choose(page, "flip", flip)
        labels = page.value("[...document.querySelectorAll('.flip')].map(f => f.textContent)")
        assert labels
        assert set(labels) == {label}
    assert page.value(FOUND) == "1 of 720 examples in this page"
    choose(page, "flip", "")
    choose(page, "suite", "5")
    choose(page, "split", "train")
    assert page.value(FOUND) == "60 of 720 examples in this page"
    assert page.value("location.hash") == "#examples?suite=5&split=train&model=1"


def test_an_answer_that_a_scorer_failed_on_is_not_called_unanswered(
    page: Page, tmp_path: Path
) -> None:
    record = make_record(suites=1)
    first, *others = record.splits
    answered = [
        i
        for i in range(len(first.examples))
        if all(isinstance(row[i], Answer) for row in first.answers.values())
    ]
    scorer = record.info.scorers[first.suite][0].name
    tuned = next(model.name for model in record.info.models if model.role == "tuned")
    values = first.values[tuned, scorer].copy()
    values[answered[:2]] = np.nan
    split = replace(first, values={**first.values, (tuned, scorer): values})
    write_report(replace(record, splits=(split, *others)), tmp_path / "failed.html")
    page.open((tmp_path / "failed.html").as_uri())
    choose(page, "flip", "unscored")
    assert (
        page.value("[...document.querySelectorAll('.flip')].map(f => f.textContent)")
        == ["not scored"] * 2
    )
    notes = page.value(
        "[...document.querySelectorAll('#list .note')].map(note => note.textContent)"
    )
    assert notes == [f"no score by {scorer}"] * 2
    choose(page, "flip", "unanswered")
    labels = page.value("[...document.querySelectorAll('.flip')].map(f => f.textContent)")
    assert set(labels) <= {"unanswered"}


def test_more_examples_come_on_request(page: Page, reports: Path) -> None:
    page.open((reports / "calm.html").as_uri())
    page.value("document.getElementById('more').click()")
    assert page.value(CARDS) == 60
    choose(page, "q", "nowhere to be found")
    assert page.value(CARDS) == 0
    assert page.value("document.getElementById('more').hidden")


def test_order_goes_by_the_difference_in_the_primary_score(page: Page, reports: Path) -> None:
    page.open((reports / "calm.html").as_uri() + "#examples?suite=3&sort=loss&model=2")
    scores = page.value("""[...document.querySelectorAll('#list > article')].map(card => {
        const [base, , tuned] = [...card.querySelectorAll('.told .num')].map(
            score => Number(score.dataset.value));
        return tuned - base;
    })""")
    assert len(scores) == 30
    assert scores == sorted(scores)
    assert scores[0] < 0


def test_the_script_rounds_as_the_page_does(page: Page, reports: Path) -> None:
    page.open((reports / "calm.html").as_uri())
    values = [0.3125, 0.0625, 0.1875, 2 / 3, 1.0, 0.0, -0.0002, -0.4375, 1234.5, 0.0005]
    shown = page.value(f"{values}.map(value => number(value).textContent)")
    assert shown == [decimal(value) for value in values]


def test_a_notebook_shows_the_page_in_a_frame_of_its_own(
    page: Page, reports: Path, tmp_path: Path
) -> None:
    inner = html.escape((reports / "calm.html").read_text(encoding="utf-8"), quote=True)
    outer = tmp_path / "notebook.html"
    outer.write_text(f'<!doctype html><iframe srcdoc="{inner}"></iframe>', encoding="utf-8")
    page.open(outer.as_uri())
    found = page.value("""new Promise(done => {
        const inside = document.querySelector('iframe').contentDocument;
        const control = inside.getElementById('filters').elements.namedItem('flip');
        control.value = 'unanswered';
        control.dispatchEvent(new Event('input', { bubbles: true }));
        setTimeout(() => done(inside.getElementById('found').textContent), 200);
    })""")
    assert found == "1 of 720 examples in this page"
    assert page.complaints == []


def test_planted_markup_does_not_run(page: Page, reports: Path) -> None:
    page.open((reports / "hostile.html").as_uri() + "#examples?q=onerror")
    assert page.value("typeof window.hit") == "undefined"
    assert (
        page.value("document.querySelectorAll('img, #list script, a[href^=javascript]').length")
        == 0
    )
    assert page.value(CARDS) == 30
    assert "onerror" in page.value("document.querySelector('#list pre').textContent")
    assert len(page.requests) == 1
    assert page.complaints == []


def test_an_injected_handler_would_be_stopped_by_the_policy(page: Page, reports: Path) -> None:
    page.open((reports / "calm.html").as_uri())
    page.value("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=window.hit=1>')")
    page.value("new Promise(done => setTimeout(done, 200))")
    assert page.value("typeof window.hit") == "undefined"
    assert any("Content Security Policy" in complaint for complaint in page.complaints)


@pytest.mark.parametrize("name", ["calm.html", "hostile.html"])
@pytest.mark.parametrize("width", [320, 390, 820, 1440])
def test_no_screen_has_to_be_scrolled_sideways(
    page: Page, reports: Path, name: str, width: int
) -> None:
    page.open((reports / name).as_uri(), width=width)
    assert page.value(WIDTH) == width


def test_what_is_too_wide_can_be_scrolled_with_the_keyboard(page: Page, reports: Path) -> None:
    page.open((reports / "calm.html").as_uri(), width=390)
    state = """[...document.querySelectorAll('.scroll')].every(
        box => (box.scrollWidth > box.clientWidth) === (box.tabIndex === 0))"""
    assert page.value(state)
    assert page.value("document.querySelectorAll('.scroll[tabindex]').length") > 3


def test_both_schemes_keep_text_readable(page: Page, reports: Path) -> None:
    """Contrast of at least 4.5 (WCAG 2.2, 1.4.3) between what is written and what is behind."""
    script = """(() => {
        const rgb = text => text.match(/[0-9.]+/g).slice(0, 3).map(Number);
        const light = color => {
            const [r, g, b] = rgb(color).map(v => v / 255).map(
                v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const paper = light(getComputedStyle(document.body).backgroundColor);
        const worst = [...document.querySelectorAll('main *, nav a')]
            .filter(e => e.textContent.trim() && !e.closest('svg, .heat'))
            .map(e => light(getComputedStyle(e).color))
            .map(ink => (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05));
        return Math.min(...worst);
    })()"""
    for dark in (False, True):
        page.open((reports / "calm.html").as_uri(), dark=dark)
        assert page.value(script) >= 4.5


def test_the_page_prints(page: Page, reports: Path, tmp_path: Path) -> None:
    page.open((reports / "calm.html").as_uri())
    page.pdf(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert page.value("[...document.querySelectorAll('details')].every(d => d.open)")


def test_without_a_script_all_but_the_search_is_there(page: Page, reports: Path) -> None:
    page.open((reports / "calm.html").as_uri(), scripts=False)
    assert page.value(CARDS) == 20
    assert page.value("document.getElementById('filters').hidden")
    seen = page.value("document.querySelector('main').innerText")
    assert "Search and filters need JavaScript" in seen
    assert "Base-adjusted gap" in seen
