from __future__ import annotations

import math
from pathlib import Path

import pytest

import evalkit
from evalkit import pipeline
from evalkit.errors import ScorerError, UsageError
from tests.command_line import write_jsonl
from tests.pipeline.made_arms import N, run
from tests.servers.openai_server import Server


@pytest.mark.usefixtures("folder")
def test_the_one_that_knows_its_rows_by_heart_is_caught() -> None:
    done = run()
    assert done.record.info.overfit_levels["parrot"] == "strong"
    assert done.record.info.overfit_levels["honest"] != "strong"
    assert list(done.overfit.tuned) == ["honest", "parrot"]


@pytest.mark.usefixtures("folder")
def test_a_mistyped_scorer_shows_before_anything_is_asked() -> None:
    with pytest.raises(ScorerError, match="did you mean 'exact_match'"):
        run(scorers=["exact_mach"])


def test_a_place_that_cannot_be_written_to_shows_before_anything_is_asked(
    folder: Path, server: Server
) -> None:
    (folder / "reports").symlink_to("/proc")
    with pytest.raises(UsageError, match=r"--out reports/data-\S+Z: cannot be written to \("):
        evalkit.run("data.jsonl", base=f"openai:a@{server.url}", tuned=f"openai:b@{server.url}")
    assert not server.asked


def test_a_copy_of_the_base_is_noticed(folder: Path) -> None:
    for name in ("base", "copy"):
        (folder / f"{name}.jsonl").write_bytes((folder / "honest.jsonl").read_bytes())
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
