"""What a judge said, and what it cost, in the report and on the terminal."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from evalkit.report import render_report, write_report
from evalkit.report.terminal import summary_text
from evalkit.schema import ModelSpec, Price, RunRecord, Usage
from tests.report.browser import CHROMIUM, browse
from tests.report.factory import make_record, with_info
from tests.report.hostile import EVIL
from tests.report.pages import parse


def judged_record(said: str, **usage: object) -> RunRecord:
    """A record whose every answer to the first suite a judge has a word about."""
    record = make_record()
    first, *others = record.splits
    scorer = record.info.scorers[first.suite][0].name
    remarks = {(m, scorer): tuple(f"{said} {i}" for i, _ in enumerate(a))
               for m, a in first.answers.items()}  # fmt: skip
    judge = ModelSpec("judge:strict", "openai", "strict", "judge", "http://localhost:8000/v1")
    used = Usage(
        "judge:strict", 90, 2, 0, 0, 5_000, 700, ("strict-2",), {"timeout": 2},
        price=Price(10, 40, "evalkit.yaml"), cost=0.078, unparsable={first.suite: 3},
    )  # fmt: skip
    record = with_info(record, judges=(judge,), judging=(replace(used, **usage),))  # type: ignore[arg-type]
    return replace(record, splits=(replace(first, remarks=remarks), *others))


def test_the_page_shows_what_the_judge_said_and_what_it_cost() -> None:
    page = render_report(judged_record("7 of 0 to 10"))
    assert '<span class="unit">judged, ' in page
    assert re.search(r'<pre dir="auto" class="part">7 of 0 to 10 \d+</pre>', page)
    row = re.search(r'<th scope="row"><bdi>judge:strict</bdi></th><td class="est">90.*?</tr>', page)
    assert row
    cells = [re.sub("<[^>]+>", " ", cell).split() for cell in row[0].split("</td>")]
    assert cells[1] == ["2", "2", "timeout"]
    assert cells[4][0] == "3"
    assert cells[7][0] == "$0.078"
    assert cells[8] == ["strict-2"]
    assert "<td>judge</td><td><code>openai:strict</code></td>" in page
    assert "What judging costs is in its own row" in page
    assert "What judging costs" not in render_report(make_record())


def test_the_terminal_tells_the_cost_of_judging_apart() -> None:
    screen = Console(file=io.StringIO(), width=300)
    screen.print(summary_text(judged_record("good")))
    assert isinstance(screen.file, io.StringIO)
    assert "judge:strict $0.078" in screen.file.getvalue()


def test_a_judge_cannot_write_into_the_page() -> None:
    page = render_report(judged_record(EVIL))
    calm = parse(render_report(judged_record("calm")))
    assert parse(page).tags == calm.tags
    assert "<img src=x" not in page


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_the_script_shows_it_as_text(tmp_path: Path) -> None:
    write_report(judged_record(EVIL), tmp_path / "report.html")
    with browse() as page:
        page.open((tmp_path / "report.html").as_uri())
        assert page.value("window.hit") is None
        shown = page.value("document.querySelector('#list pre.part').textContent")
        label = page.value("document.querySelector('#list .told p.turn').textContent")
        assert page.complaints == []
    assert "<img src=x onerror=window.hit=1>" in shown
    assert label.startswith("judged, ")
