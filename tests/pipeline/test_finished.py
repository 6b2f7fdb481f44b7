from __future__ import annotations

import asyncio
from pathlib import Path

import pandas as pd
import pytest

from evalkit import pipeline
from tests.pipeline.made_arms import N, run


@pytest.mark.usefixtures("folder")
def test_scores_are_tidy() -> None:
    done = run(scorers=["exact_match", "f1"])
    assert list(done.scores.columns) == ["suite", "split", "id", "model", "scorer", "score"]
    assert len(done.scores) == 2 * N * 3 * 2
    means = done.scores.groupby(["split", "model", "scorer"]).score.mean()
    assert means["test", "honest", "exact_match"] == pytest.approx(18 / N)
    assert means["train", "parrot", "exact_match"] == 1.0


@pytest.mark.usefixtures("folder")
def test_tables_are_those_on_disk() -> None:
    done = run()
    for frame, name in ((done.summary, "summary"), (done.comparison, "comparison")):
        stored = pd.read_csv(done.folder / f"{name}.csv", keep_default_na=True)
        shown = frame.select_dtypes("float64")
        pd.testing.assert_frame_equal(shown, stored[shown.columns], check_dtype=False)


def test_a_notebook_shows_the_report(folder: Path) -> None:
    async def cell() -> pipeline.Run:
        return run(out=folder / "out")  # a notebook's loop is running already

    done = asyncio.run(cell())
    shown = done._repr_html_()
    assert shown.startswith("<iframe srcdoc=")
    assert "&lt;!doctype html&gt;" in shown.lower()
    assert shown.count("<") == 2  # the frame itself: everything inside it is escaped


def test_a_run_is_one_line_where_it_is_printed(folder: Path) -> None:
    done = run(out=folder / "out")
    said = repr(done)
    assert said.startswith("Run(out: honest over base: Better? ")
    assert "; parrot over base: Better? " in said
    assert said.endswith(f"; in {folder / 'out'})")
    assert said.count("Ship? ") == 2
    assert len(said.splitlines()) == 1
    assert len(said) < 400


def test_a_run_read_from_disk_says_the_same(folder: Path) -> None:
    done = run(out=folder / "out")
    again = pipeline.load(folder / "out")
    assert again.as_json() == done.as_json()
    assert again.gate() == done.gate() == pipeline.gate(folder / "out")
