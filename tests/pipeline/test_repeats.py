"""Asking several times: seeds, means, storage, the noise floor. Over a real socket."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import evalkit
from evalkit import pipeline
from evalkit.errors import UsageError
from tests.command_line import write_jsonl
from tests.servers.openai_server import Server
from tests.servers.sampling_server import SamplingServer

N = 40
SUITE = """
name: quiz
task: qa
test: test.jsonl
train: train.jsonl
scorers: [exact_match, f1]
generation: {temperature: 0.8, seed: 11}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for split, first in (("test", 0), ("train", 1000)):
        rows = [{"id": f"{i}", "prompt": f"q{i}", "completion": f"a{i}"}
                for i in range(first, first + N)]  # fmt: skip
        write_jsonl(tmp_path / f"{split}.jsonl", rows)
    (tmp_path / "suite.yaml").write_text(SUITE)
    return tmp_path


def run(server: Server, **options: Any) -> pipeline.Run:
    return evalkit.run(
        ".",
        base=f"openai:base@{server.url}",
        tuned=f"openai:tuned@{server.url}",
        **({"out": "out"} | options),
    )


def seeds_of(server: Server) -> dict[tuple[str, str], list[int]]:
    found = defaultdict(list)
    for asked in server.asked:
        found[asked.model, asked.messages[-1]["content"]].append(asked.body["seed"])
    return found


@pytest.mark.usefixtures("folder")
def test_every_test_prompt_is_asked_k_times_with_seeds_of_its_own() -> None:
    with SamplingServer(base=0.3, tuned=0.7) as server:
        done = run(server, repeats=3)
        seeds = seeds_of(server)
        asked = len(server.asked)
        run(server, repeats=3)
        assert len(server.asked) == asked  # every repetition is in the cache
    assert asked == 2 * (3 * N + N)
    assert {tuple(sorted(s)) for (_, prompt), s in seeds.items() if len(prompt) < 4} == {
        (11, 12, 13)
    }
    assert {tuple(s) for (_, prompt), s in seeds.items() if len(prompt) > 4} == {(11,)}
    assert done.record.info.repeats == 3
    assert [usage.asked for usage in done.record.info.usage] == [4 * N, 4 * N]


@pytest.mark.usefixtures("folder")
def test_the_example_is_the_unit_and_its_score_the_mean_of_its_answers() -> None:
    with SamplingServer(base=0.3, tuned=0.7) as server:
        done = run(server, repeats=3)
    test = next(split for split in done.record.splits if split.split == "test")
    for model in ("base", "tuned"):
        for i, example in enumerate(test.examples):
            texts = [answer.text for answer in test.repeats[model][i]]  # type: ignore[union-attr]
            share = sum(text == example.references[0] for text in texts) / 3
            assert test.values[model, "exact_match"][i] == pytest.approx(share)
            assert test.answers[model][i] == test.repeats[model][i][0]
    row = done.comparison.query("split == 'test' and scorer == 'exact_match'").iloc[0]
    d = test.values["tuned", "exact_match"] - test.values["base", "exact_match"]
    assert (row.method, row.n) == ("t/sign-flip", N)
    assert row.delta == pytest.approx(d.mean())
    # Miller 2024: the standard error is that of the prompts' means, not of 3 N answers.
    half = 2.0226909 * d.std(ddof=1) / np.sqrt(N)  # t(39) at .975
    assert row.high - row.delta == pytest.approx(half, rel=1e-6)


@pytest.mark.usefixtures("folder")
def test_repetitions_are_read_back_and_scored_again_alike() -> None:
    with SamplingServer(base=0.3, tuned=0.7) as server:
        done = run(server, repeats=2, noise_floor=True)
    again = pipeline.load("out")
    for split, stored in zip(done.record.splits, again.record.splits, strict=True):
        assert (split.answers, split.repeats, split.again) == (
            stored.answers, stored.repeats, stored.again
        )  # fmt: skip
    assert again.record.info == done.record.info
    assert again.gate() == done.gate()
    pipeline.score("out", out="scored")
    for name in ("completions.jsonl", "examples.csv", "comparison.csv", "noise.csv"):
        assert Path("scored", name).read_bytes() == Path("out", name).read_bytes(), name


@pytest.mark.usefixtures("folder")
def test_a_repetition_without_an_answer_leaves_the_others() -> None:
    with SamplingServer(base=0.3, tuned=0.7) as server:
        server.fault = lambda asked: "400" if asked.body["seed"] == 12 else None
        done = run(server, repeats=3)
    test = next(split for split in done.record.splits if split.split == "test")
    assert not np.isnan(test.values["tuned", "exact_match"]).any()
    assert set(test.values["tuned", "exact_match"]) <= {0.0, 0.5, 1.0}
    assert done.missing == 2 * N


@pytest.mark.usefixtures("folder")
def test_the_noise_floor_holds_base_against_base() -> None:
    with SamplingServer(base=0.5, tuned=0.5) as server:
        done = run(server, noise_floor=True)
        counts = server.counts
    assert counts == {"base": 3 * N, "tuned": 2 * N}
    (noise,) = done.record.info.noise
    test = next(split for split in done.record.splits if split.split == "test")
    first = test.values["base", "exact_match"]
    second = np.array([
        float(row[0].text == e.references[0])  # type: ignore[union-attr]
        for row, e in zip(test.again["base"], test.examples, strict=True)
    ])  # fmt: skip
    assert (noise.model, noise.times, noise.n) == ("base", 2, N)
    assert noise.delta == pytest.approx((second - first).mean())
    assert noise.floor == pytest.approx(1.959964 * np.sqrt((second != first).sum()) / N)
    texts = [(a.text, b[0].text)  # type: ignore[union-attr]
             for a, b in zip(test.answers["base"], test.again["base"], strict=True)]  # fmt: skip
    assert noise.differing == sum(one != other for one, other in texts)
    table = pd.read_csv("out/noise.csv")
    assert table.floor.tolist() == done.noise.floor.tolist() == [noise.floor]
    assert done.as_json()["noise"][0]["floor"] == noise.floor
    # The second asking is no part of any score.
    score = done.summary.query("split == 'test' and model == 'base' and scorer == 'exact_match'")
    assert (score.n.item(), score.score.item()) == (N, first.mean())


@pytest.mark.usefixtures("folder")
def test_a_change_inside_the_noise_floor_is_said_so() -> None:
    with SamplingServer(base=0.5, tuned=0.5) as server:
        small = run(server, noise_floor=True)
    with SamplingServer(base=0.2, tuned=0.99) as server:
        large = run(server, noise_floor=True, cache="other")
    said = [w for w in small.record.info.warnings if "noise floor" in w]
    assert len(said) == 1
    assert said[0].startswith("quiz: the change of tuned, ")
    assert not [w for w in large.record.info.warnings if "noise floor" in w]


def test_greedy_repetitions_are_warned_about(folder: Path) -> None:
    (folder / "suite.yaml").write_text(SUITE.replace("0.8", "0"))
    with SamplingServer(base=0.3, tuned=0.7) as server:
        done = run(server, repeats=2)
    assert any("quiz: 2 answers a prompt at temperature 0" in w for w in done.record.info.warnings)


def test_completions_already_made_are_looked_up_once(folder: Path) -> None:
    for name in ("a", "b"):
        rows = [{"prompt": f"q{i}", "completion": f"{name}{i}"} for i in [*range(N), *range(1000, 1000 + N)]]  # noqa: E501  # fmt: skip
        write_jsonl(folder / f"{name}.jsonl", rows)
    done = evalkit.run(".", base="file:b.jsonl", tuned="file:a.jsonl", repeats=5, noise_floor=True)
    assert done.record.info.noise == ()
    assert any("one answer a prompt" in w for w in done.record.info.warnings)
    assert done.comparison.query("split == 'test'").method.iloc[0] == "tango/mcnemar-midp"


@pytest.mark.usefixtures("folder")
def test_no_repetitions_are_refused() -> None:
    with pytest.raises(UsageError, match="--repeats is 0; expected 1 or more"):
        evalkit.run(".", base="openai:a", tuned="openai:b", repeats=0)
