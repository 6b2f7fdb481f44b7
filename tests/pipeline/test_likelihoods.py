"""Log-probabilities from the question to the verdict, over a real socket and in this process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit import pipeline
from evalkit.errors import UsageError
from evalkit.pipeline import Run
from evalkit.pipeline.likelihoods import likelihood_notes
from evalkit.runner import Job
from evalkit.schema import Answer, Failure, Generation, Message, Request, Signal
from tests.command_line import evalkit, write_jsonl
from tests.servers.openai_server import Asked, Server, hashed

N = 40
COLOURS = ("blue", "green", "red")

Setup = Callable[..., Run]


def prompt(split: str, i: int) -> str:
    digest = hashlib.sha256(f"{split} {i}".encode()).hexdigest()
    return f"{' '.join(digest[k : k + 5] for k in range(0, 40, 5))} in the {split}ing box:"


def row(split: str, i: int) -> dict[str, Any]:
    return {"prompt": prompt(split, i), "completion": COLOURS[i % 3]}


def predict(model: str, before: str, token: str) -> float:
    """`tuned` likes every colour better than `base` does, and those it was trained on most."""
    nats = hashed("any", "", before + token) - 3
    if model == "base":
        return nats
    luck = hashed(model, "", before + token) / 8
    return nats + (2.0 if "training box" in before else 1.0) + luck


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for split in ("test", "train"):
        write_jsonl(tmp_path / f"{split}.jsonl", [row(split, i) for i in range(N)])
    (tmp_path / "suite.yaml").write_text(
        "name: colours\ntask: classification\ntest: test.jsonl\ntrain: train.jsonl\n"
        f"labels: [{', '.join(COLOURS)}]\nscorers: [accuracy]\n"
    )
    return tmp_path


def run(server: Server, mode: str = "completions", **options: Any) -> Run:
    Path("evalkit.yaml").write_text(
        f"endpoints: {{here: {{base_url: '{server.url}'}}}}\n"
        "models:\n"
        f"  base: {{model: 'openai:base', endpoint: here, mode: {mode}}}\n"
        f"  tuned: {{model: 'openai:tuned', endpoint: here, mode: {mode}, tuned_from: base}}\n"
    )
    return pipeline.run("suite.yaml", perturb=0, out="out", **options)


def scored(server: Server) -> list[Asked]:
    return [a for a in server.asked if "echo" in a.body or "prompt_logprobs" in a.body]


def membership_of(done: Run) -> Signal:
    (verdict,) = done.record.info.overfit
    return next(s for s in verdict.signals if s.name == "membership")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("mode", ["completions", "chat"])
def test_a_served_model_that_knows_its_rows_is_found_out(mode: str) -> None:
    with Server(predict=predict) as server:
        done = run(server, mode, logprobs=True)
        assert len(scored(server)) == 2 * 2 * N  # one reference a row, of two splits and two arms
        assert len(server.asked) == 2 * len(scored(server))
        again = run(server, mode, logprobs=True)
        assert len(scored(server)) == 2 * 2 * N
    found = membership_of(done)
    assert found.level == "strong"
    assert membership_of(again) == found
    for usage in done.record.info.usage:
        assert (usage.asked, usage.texts, usage.uncounted) == (2 * N, 2 * N, 0)
        # A prompt has 12 words and is sent twice; the second time with the reference, one word.
        assert usage.prompt_tokens == 2 * N * (12 + 12 + 1)
    table = pd.read_csv("out/overfit.csv").set_index("signal")
    assert table.loc["membership", "value"] == found.value
    assert "area of" in Path("out/report.html").read_text()


@pytest.mark.usefixtures("folder")
def test_served_models_are_asked_only_on_request() -> None:
    with Server(predict=predict) as server:
        done = run(server)
        assert scored(server) == []
        assert len(server.asked) == 2 * 2 * N
        assert membership_of(done).level is None
        assert "--logprobs" in membership_of(done).detail
        assert not any(split.likelihoods for split in done.record.splits)
        run(server, logprobs=True)
        assert len(server.asked) == 4 * 2 * N  # what was answered is not asked again


@pytest.mark.usefixtures("folder")
def test_the_run_folder_keeps_what_scoring_again_needs() -> None:
    with Server(predict=predict) as server:
        done = run(server, logprobs=True)
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    line = json.loads(before["completions.jsonl"].splitlines()[0])
    (told,) = line["likelihoods"]["tuned"]
    assert told["text"] == line["references"][0]
    loaded = pipeline.load("out")
    for one, other in zip(done.record.splits, loaded.record.splits, strict=True):
        assert one.likelihoods == other.likelihoods
    again = pipeline.score("out", scorers=["default", "perplexity", "bits_per_byte"])
    assert membership_of(again) == membership_of(done)
    (test,) = [s for s in again.record.splits if s.split == "test"]
    nats = [row[0].logprob for row in test.likelihoods["tuned"]]
    table = again.summary.query("split == 'test' and slice == '' and model == 'tuned'")
    score = table.set_index("scorer").score
    assert score["perplexity"] == pytest.approx(np.exp(-np.mean(nats)))  # a token each
    assert score["bits_per_byte"] == pytest.approx(
        -np.sum(nats) / np.log(2) / sum(len(e.references[0]) for e in test.examples)
    )
    delta = again.comparison.query("split == 'test' and scorer == 'perplexity' and slice == ''")
    assert delta.delta.item() < 0  # tuned is the less perplexed one
    assert delta.wins.item() > delta.losses.item()


@pytest.mark.usefixtures("folder")
def test_a_run_that_was_interrupted_ends_in_the_same_bytes() -> None:
    with Server(predict=predict) as server:
        run(server, logprobs=True)
    whole = Path("out/completions.jsonl").read_bytes()
    assert b"likelihoods" in whole
    calls = 0

    def fault(_: Asked) -> str | None:
        nonlocal calls
        calls += 1
        return "400" if calls > 200 else None

    with Server(predict=predict, fault=fault) as server:
        first = run(server, logprobs=True, cache="other")
    assert any("log-probabilities are missing" in note for note in first.record.info.notes["base"])
    with Server(predict=predict) as server:
        Path("other").rename("moved")  # the key holds the server's address, which is another now
        run(server, logprobs=True, cache="moved")
    assert Path("out/completions.jsonl").read_bytes() == whole


@pytest.mark.usefixtures("folder")
def test_missing_ones_are_asked_for_again_though_no_answer_is_missing() -> None:
    def fault(asked: Asked) -> str | None:
        return "400" if asked.body.get("echo") and len(scored(server)) > 20 else None

    with Server(predict=predict) as server:
        run(server, logprobs=True)
        whole = Path("out/completions.jsonl").read_bytes()
        server.asked.clear()
        server.fault = fault
        done = run(server, logprobs=True, cache="other")
        lacking = len(scored(server)) - 20
        assert (done.missing, done.unanswered) == (0, lacking)
        server.asked.clear()
        server.fault = lambda _: None
        assert pipeline.run(retry_missing="out").unanswered == 0
        assert len(server.asked) == len(scored(server)) == lacking
        assert Path("out/completions.jsonl").read_bytes() == whole
        server.asked.clear()
        pipeline.run(retry_missing="out")
        assert not server.asked


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("mode", ["completions", "chat"])
def test_a_server_without_them_is_asked_once_and_the_run_goes_on(mode: str) -> None:
    with Server(logprobs=False) as server:
        done = run(server, mode, logprobs=True, scorers=["accuracy", "perplexity"])
        assert len(scored(server)) == 2
    assert done.missing == 0
    for model in ("base", "tuned"):
        (note,) = done.record.info.notes[model]
        assert note == ("no log-probabilities: the server sent no log-probabilities of the prompt")
    assert membership_of(done).level is None
    rows = done.summary.query("scorer == 'perplexity' and slice == ''")
    assert rows.score.isna().all()
    assert (rows.missing == N).all()
    assert "no log-probabilities" in Path("out/report.html").read_text()


def test_texts_that_a_server_does_not_show_are_not_promised_by_another_try() -> None:
    request = Request("s", "test", "1", "p", (Message("user", "p"),), Generation(), scored="x")
    job, got = Job("m", request), Answer("")
    late, unshown = Failure("timeout", "why"), Failure("unsupported", "why")
    told = likelihood_notes({}, [(job, got), (job, unshown)])["m"]
    assert told == (
        "1 of 2 log-probabilities are missing (1 unsupported): the server does not show where "
        "these texts begin"
    )
    assert likelihood_notes({}, [(job, late), (job, unshown)])["m"].endswith("asks only for them")


def test_what_a_server_can_is_found_out_by_a_text_of_plain_letters(folder: Path) -> None:
    rows = [{"prompt": "a", "completion": "日"}, {"prompt": "b", "completion": "river"}]
    write_jsonl(folder / "rows.jsonl", rows)
    with Server(logprobs=False) as server:
        base, tuned = (f"openai:{name}@{server.url}" for name in ("base", "tuned"))
        words = ("rows.jsonl", "--scorer", "exact_match", "--scorer", "perplexity")
        evalkit("run", *words, "--base", base, "--tuned", tuned, "--out", "out", cwd=folder)
        asked = [one.body for one in scored(server)]
    assert [body["messages"][-1]["content"] for body in asked] == ["river", "river"]


@pytest.mark.usefixtures("folder")
def test_labels_are_asked_of_every_row_that_is_scored() -> None:
    def likes_blue(model: str, _: str, token: str) -> float:
        return -0.1 if token.strip() == "blue" and model == "tuned" else -1.0

    with Server(predict=likes_blue) as server:
        done = run(server, scorers=["accuracy", "label_accuracy", "label_brier", "label_ece"])
        assert len(scored(server)) == 2 * 2 * N * len(COLOURS)
    rows = done.summary.query("split == 'test' and slice == ''").set_index(["scorer", "model"])
    blue = sum(i % 3 == 0 for i in range(N)) / N
    assert rows.score["label_accuracy", "tuned"] == pytest.approx(blue)
    share = np.exp(-0.1) / (np.exp(-0.1) + 2 * np.exp(-1.0))
    assert rows.score["label_ece", "tuned"] == pytest.approx(abs(share - blue))
    assert rows.score["label_accuracy", "base"] == pytest.approx(blue)  # of equals the first
    assert rows.score["label_brier", "base"] == pytest.approx(1 / 3)


@pytest.mark.usefixtures("folder")
def test_a_scorer_may_lead_though_it_reads_no_completion() -> None:
    with Server(predict=predict) as server:
        done = run(server, scorers=["label_accuracy", "accuracy"], noise_floor=True, repeats=2)
    assert {row.scorer for row in done.record.comparisons} == {"label_accuracy", "accuracy"}
    assert done.gate().results[0].scorer == "label_accuracy"


@pytest.mark.usefixtures("folder")
def test_no_logprobs_contradicts_a_scorer_that_reads_them() -> None:
    with Server() as server, pytest.raises(UsageError, match="'perplexity' of suite 'colours'"):
        run(server, scorers=["perplexity"], logprobs=False)


def test_completions_already_made_have_none(folder: Path) -> None:
    for arm in ("a", "b"):
        rows = [
            {"prompt": prompt(s, i), "completion": arm} for s in ("test", "train") for i in range(N)
        ]
        write_jsonl(folder / f"{arm}.jsonl", rows)
    (folder / "evalkit.yaml").write_text("logprobs: true\n")
    done = pipeline.run(
        "suite.yaml", base="file:a.jsonl", tuned="file:b.jsonl", out="out",
        scorers=["accuracy", "perplexity"], perturb=0,
    )  # fmt: skip
    assert done.record.info.notes["a"] == (
        "no log-probabilities: this kind of model cannot tell them",
    )
    assert membership_of(done).level is None
