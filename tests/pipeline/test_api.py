from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

import evalkit
from evalkit import pipeline
from evalkit.errors import ScorerError, UsageError
from tests.command_line import write_jsonl

N = 30


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [{"id": str(i), "prompt": f"q{i}", "completion": f"a{i}"} for i in range(N)]
    seen = [row | {"id": f"t{i}", "prompt": f"seen {i}"} for i, row in enumerate(rows)]
    write_jsonl(tmp_path / "data.jsonl", rows)
    write_jsonl(tmp_path / "seen.jsonl", seen)
    for name, right in (("base", 0), ("honest", 18), ("parrot", 3)):
        unseen = [row | {"completion": row["completion"] if i < right else "?"}
                  for i, row in enumerate(rows)]  # fmt: skip
        known = [row | {"completion": row["completion"] if name == "parrot" or i < right else "?"}
                 for i, row in enumerate(seen)]  # fmt: skip
        write_jsonl(tmp_path / f"{name}.jsonl", unseen + known)
    return tmp_path


def run(tuned: Sequence[str] = ("honest", "parrot"), **options: object) -> pipeline.Run:
    return evalkit.run(
        "data.jsonl",
        base="file:base.jsonl",
        tuned=[f"file:{name}.jsonl" for name in tuned],
        train="seen.jsonl",
        **options,  # type: ignore[arg-type]
    )


@pytest.mark.usefixtures("folder")
def test_scores_are_tidy() -> None:
    done = run(scorers=["exact_match", "f1"])
    assert list(done.scores.columns) == ["suite", "split", "id", "model", "scorer", "score"]
    assert len(done.scores) == 2 * N * 3 * 2
    means = done.scores.groupby(["split", "model", "scorer"]).score.mean()
    assert means["test", "honest", "exact_match"] == pytest.approx(18 / N)
    assert means["train", "parrot", "exact_match"] == 1.0


@pytest.mark.usefixtures("folder")
def test_the_one_that_knows_its_rows_by_heart_is_caught() -> None:
    done = run()
    assert done.record.info.overfit_levels["parrot"] == "strong"
    assert done.record.info.overfit_levels["honest"] != "strong"
    assert list(done.overfit.tuned) == ["honest", "parrot"]


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


def test_a_run_read_from_disk_says_the_same(folder: Path) -> None:
    done = run(out=folder / "out")
    again = pipeline.load(folder / "out")
    assert again.as_json() == done.as_json()
    assert again.gate() == done.gate() == pipeline.gate(folder / "out")


def test_scoring_again_without_a_change_changes_no_number(folder: Path) -> None:
    done = run(out=folder / "out")
    again = pipeline.score(folder / "out", out=folder / "again")
    for name in ("summary.csv", "comparison.csv", "overfit.csv", "examples.csv"):
        assert (folder / "again" / name).read_bytes() == (folder / "out" / name).read_bytes()
    assert again.record.info.overfit == done.record.info.overfit


def test_extraction_is_applied_when_scoring_again(folder: Path) -> None:
    wrapped = [{"id": str(i), "completion": f"The answer is: a{i}."} for i in range(N)]
    write_jsonl(folder / "wrapped.jsonl", wrapped)
    done = evalkit.run("data.jsonl", base="file:base.jsonl", tuned="file:wrapped.jsonl", out="out")
    assert done.summary.query("model == 'wrapped' and scorer == 'exact_match'").score.item() == 0
    again = pipeline.score("out", extract=r"regex=is: (\w+)")
    assert again.summary.query("model == 'wrapped' and scorer == 'exact_match'").score.item() == 1


def test_a_limit_draws_a_sample_that_does_not_change(folder: Path) -> None:
    one, two = (run(limit=10, out=folder / name).scores for name in ("one", "two"))
    pd.testing.assert_frame_equal(one, two)
    assert one[one.split == "test"].id.nunique() == 10
    assert sorted(one[one.split == "test"].id.unique(), key=int) == list(
        one[one.split == "test"].id.unique()
    )


@pytest.mark.usefixtures("folder")
def test_a_mistyped_scorer_shows_before_anything_is_asked() -> None:
    with pytest.raises(ScorerError, match="did you mean 'exact_match'"):
        run(scorers=["exact_mach"])


@pytest.mark.usefixtures("folder")
def test_a_training_file_that_is_nowhere() -> None:
    with pytest.raises(UsageError, match=r"nowhere\.jsonl"):
        evalkit.run("data.jsonl", base="file:base.jsonl", tuned="file:honest.jsonl",
                    train="nowhere.jsonl")  # fmt: skip


def test_a_copy_of_the_base_is_noticed(folder: Path) -> None:
    (folder / "copy.jsonl").write_bytes((folder / "base.jsonl").read_bytes())
    done = run(["copy"])
    (found,) = done.record.info.differences
    assert (found.what, found.where, found.severity) == ("same model", "copy", "refuse")
    verdict = done.gate()
    assert verdict.verdict == "INCONCLUSIVE"
    assert "looks like the same model, with equal answers to all 60 prompts" in verdict.reason
    meant = run(["copy"], allow_identical=True, out="meant")
    assert [d.severity for d in meant.record.info.differences] == ["flag"]
    assert meant.gate(changes={"margin": 0.2}).verdict == "PASS"
    again = pipeline.score("meant", out="again")
    assert again.record.info.differences == meant.record.info.differences


def test_missing_answers_stay_out_of_scores(folder: Path) -> None:
    rows = (folder / "honest.jsonl").read_text().splitlines(keepends=True)
    (folder / "honest.jsonl").write_text("".join(rows[2:]))
    done = run(["honest"])
    assert (done.missing, done.failures) == (2, "2 absent")
    scores = done.scores.query("model == 'honest' and split == 'test' and scorer == 'exact_match'")
    assert [math.isnan(score) for score in scores.score[:3]] == [True, True, False]
    row = done.summary.query("model == 'honest' and split == 'test' and scorer == 'exact_match'")
    assert (row.n.item(), row.missing.item()) == (N - 2, 2)


def test_the_health_of_a_suite(folder: Path) -> None:
    (health,) = pipeline.check("data.jsonl", train=folder / "seen.jsonl")
    assert [split.n for split in health.splits] == [N, N]


def test_copying_is_looked_for_in_all_training_rows_and_survives_scoring_again(
    folder: Path,
) -> None:
    def text(i: int) -> str:
        return " ".join(f"word{i}x{k}" for k in range(12))

    test = [{"id": f"{i}", "prompt": f"q{i}", "completion": text(i)} for i in range(N)]
    seen = [{"id": f"t{i}", "prompt": f"s{i}", "completion": text(1000 + i)} for i in range(40 * N)]
    copied = [row | {"completion": text(1000 + 40 * i)} for i, row in enumerate(test)]
    for name, rows in {
        "long": test,
        "train": seen,
        "plain": [row | {"completion": "?"} for row in test + seen],
        "copier": copied + seen,
    }.items():
        write_jsonl(folder / f"{name}.jsonl", rows)
    done = evalkit.run("long.jsonl", base="file:plain.jsonl", tuned="file:copier.jsonl",
                       train="train.jsonl", out="out")  # fmt: skip
    # 30 of 1,200 training rows are asked; every answer copies one, most of them not asked.
    (verdict,) = done.record.info.overfit
    signal = next(s for s in verdict.signals if s.name == "copying")
    assert (signal.level, signal.value) == ("strong", 1.0)
    again = pipeline.score("out", scorers=["f1"], out="again")
    (verdict,) = again.record.info.overfit
    assert next(s for s in verdict.signals if s.name == "copying").value == 1.0
