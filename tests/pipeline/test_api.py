from __future__ import annotations

from pathlib import Path

import evalkit
from evalkit import pipeline
from tests.command_line import write_jsonl
from tests.pipeline.made_arms import N, run


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


def test_the_health_of_a_suite(folder: Path) -> None:
    (health,) = pipeline.check("data.jsonl", train=folder / "seen.jsonl")
    assert [split.n for split in health.splits] == [N, N]
