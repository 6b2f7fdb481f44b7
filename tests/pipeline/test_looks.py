"""Stopping early: what is asked, what is said, and how often it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evalkit
from evalkit import pipeline
from evalkit.errors import UsageError
from evalkit.models import Provider, open_provider
from evalkit.pipeline import opening
from evalkit.schema import Looks, ModelSpec
from evalkit.stats.binary import tango_interval
from evalkit.stats.decisions import OneSided, binary_decision, three_way
from evalkit.stats.samples import DECISION
from evalkit.verdict.looks import valid_p
from tests.command_line import write_jsonl
from tests.servers.sampling_server import SamplingServer

N = 150
SUITE = """
name: quiz
task: qa
test: test.jsonl
train: train.jsonl
scorers: [exact_match]
slices: [half]
gate: {margin: 0.1}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for split, first in (("test", 0), ("train", 1000)):
        rows = [
            {"id": f"{i}", "prompt": f"q{i}", "completion": f"a{i}", "half": i % 2}
            for i in range(first, first + N)
        ]
        write_jsonl(tmp_path / f"{split}.jsonl", rows)
    (tmp_path / "suite.yaml").write_text(SUITE)
    return tmp_path


def run(server: SamplingServer, **options: Any) -> pipeline.Run:
    chosen: dict[str, Any] = {"out": "out", "stop_early": True, "perturb": 0, "probe": False}
    base, tuned = (f"openai:{name}@{server.url}" for name in ("base", "tuned"))
    return evalkit.run(".", base=base, tuned=tuned, **(chosen | options))


def test_a_clear_gain_stops_at_an_early_look(folder: Path) -> None:
    with SamplingServer(base=0.2, tuned=0.9) as server:
        done = run(server)
        prompts = {
            a.messages[-1]["content"] for a in server.asked if len(a.messages[-1]["content"]) < 5
        }
        sent = len(server.asked)
        run(server, out="again")
        assert len(server.asked) == sent
    looks = done.record.info.looks
    assert looks is not None
    assert looks.taken < 3
    asked = looks.asked["quiz"]
    assert (asked, looks.planned["quiz"]) == (N * looks.taken // 5, N)
    test = next(split for split in done.record.splits if split.split == "test")
    assert prompts == {example.prompt for example in test.examples}
    assert len(test.examples) == asked
    assert [int(e.id) for e in test.examples] == sorted(int(e.id) for e in test.examples)
    (said,) = (w for w in done.record.info.warnings if w.startswith("Stopped early"))
    assert f"at look {looks.taken} of 5: {asked} of {N}" in said
    assert f"saved {2 * (N - asked)} answers and about " in said
    assert said.partition("O'")[0] in (folder / "out" / "report.html").read_text()
    verdict = done.gate()
    assert verdict.verdict == "PASS"
    assert verdict == pipeline.load("out").gate()
    for name in ("completions.jsonl", "comparison.csv", "summary.csv"):
        assert (folder / "again" / name).read_bytes() == (folder / "out" / name).read_bytes()
    pipeline.score("out", out="scored")
    assert (folder / "scored" / "comparison.csv").read_bytes() == (
        folder / "out" / "comparison.csv"
    ).read_bytes()


@pytest.mark.usefixtures("folder")
def test_intervals_are_wider_than_those_of_a_run_of_this_size() -> None:
    with SamplingServer(base=0.2, tuned=0.9) as server:
        done = run(server)
    row = next(c for c in done.record.comparisons if c.family == "primary")
    wins, losses = row.wins, row.losses
    plain = tango_interval(wins, losses, row.n)
    assert row.low is not None
    assert row.low < plain.low
    (judged,) = done.gate().results
    inner = tango_interval(wins, losses, row.n, DECISION)
    assert judged.low is not None
    assert row.low < judged.low < inner.low  # repeated too, and of the level that decides
    assert "(90 % CI" in judged.reason
    train = next(c for c in done.record.comparisons if c.split == "train")
    assert train.low == pytest.approx(tango_interval(train.wins, train.losses, train.n).low)


@pytest.mark.usefixtures("folder")
def test_what_is_not_decided_is_asked_to_the_end() -> None:
    with SamplingServer(base=0.5, tuned=0.5) as server:
        done = run(server)
    looks = done.record.info.looks
    assert looks is not None
    assert looks.asked == looks.planned == {"quiz": N}
    assert any(w.startswith("Looked 5 times") for w in done.record.info.warnings)
    test = next(split for split in done.record.splits if split.split == "test")
    assert [e.id for e in test.examples] == [str(i) for i in range(N)]


@pytest.mark.usefixtures("folder")
def test_answers_of_earlier_looks_are_no_gift_of_an_earlier_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with SamplingServer(base=0.5, tuned=0.5) as server:
        run(server, progress=True)
        first = capsys.readouterr().err
        run(server, progress=True)
    assert "cached" not in first
    assert f"{4 * N} of {4 * N} answered, " in first
    assert f", {4 * N} cached\n" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_models_are_opened_once_for_all_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = list[str]()

    def counted(spec: ModelSpec, **options: Any) -> Provider:
        opened.append(spec.name)
        return open_provider(spec, **options)

    monkeypatch.setattr(opening, "open_provider", counted)
    with SamplingServer(base=0.5, tuned=0.5) as server:
        done = run(server)
        assert len(server.asked) == 4 * N  # test and training rows of both, none of them twice
    assert done.record.info.looks is not None
    assert done.record.info.looks.taken == 5
    assert opened == ["base", "tuned"]


@pytest.mark.usefixtures("folder")
def test_a_batch_has_no_looks() -> None:
    with pytest.raises(UsageError, match="--stop-early looks at answers"):
        evalkit.run(".", base="openai:a", tuned="openai:b", stop_early=True, batch=True)


def stopped(change: float, dice: np.random.Generator) -> tuple[str, int]:
    """The word and the pairs of one run of 500 pairs, of which 15 % differ, margin 5 points."""
    win, lose = (0.15 + change) / 2, (0.15 - change) / 2
    d = dice.choice([1, -1, 0], p=[win, lose, 0.85], size=500)
    for taken in range(1, 6):
        n = 100 * taken
        looks = Looks(taken, 5, {}, {})
        p = binary_decision(int((d[:n] > 0).sum()), int((d[:n] < 0).sum()), n, 0.05)
        word = three_way(OneSided(valid_p(p.worse, looks), valid_p(p.noninferior, looks)))
        if word != "INCONCLUSIVE":
            return word, n
    return "INCONCLUSIVE", 500


def test_looking_whenever_one_likes_is_wrong_four_times_as_often() -> None:
    """A look every ten prompts at the plain bounds, statistics, section 7: .217 false FAILs."""
    dice = np.random.default_rng(12)
    fails = 0
    for _ in range(400):
        d = dice.choice([1, -1, 0], p=[0.075, 0.075, 0.85], size=500)
        wins, losses = np.cumsum(d > 0)[9::10], np.cumsum(d < 0)[9::10]
        words = (
            three_way(binary_decision(int(w), int(c), 10 * k, 0.05))
            for k, (w, c) in enumerate(zip(wins, losses, strict=True), start=1)
        )
        fails += next((word for word in words if word != "INCONCLUSIVE"), "") == "FAIL"
    assert fails / 400 == pytest.approx(0.22, abs=0.05)


@pytest.mark.parametrize(
    ("change", "wrong", "right", "rate", "mean_n"),
    [(0.0, "FAIL", "PASS", 0.877, 364), (-0.10, "PASS", "FAIL", 1.0, 212)],
)
def test_it_is_wrong_as_seldom_as_without_looks(
    change: float, wrong: str, right: str, rate: float, mean_n: float
) -> None:
    """Statistics, section 7: N = 500, psi = .15, margin .05."""
    dice = np.random.default_rng(11)
    found = [stopped(change, dice) for _ in range(400)]
    words = [word for word, _ in found]
    assert words.count(wrong) / 400 <= 0.07
    assert words.count(right) / 400 == pytest.approx(rate, abs=0.05)
    assert np.mean([n for _, n in found]) == pytest.approx(mean_n, abs=20)
