"""evalkit against `llama-cpp-python[server]`, with the embedded models in its own file format."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from evalkit import embedded
from tests.command_line import clean_environment, evalkit, write_jsonl
from tests.foreign.arms import (
    LOCAL,
    PROMPTS,
    SUITES,
    agreement,
    compare,
    honours,
    project,
    rendered,
    speed,
    write_prompts,
)
from tests.foreign.conftest import Note
from tests.foreign.serving import LLAMA, Serving, run

pytestmark = pytest.mark.foreign

UNPENALISED = {"extra_body": {"repeat_penalty": 1.0}}
"""The server penalises repetition by 1.1 unless it is told otherwise."""

Urls = Mapping[str, str]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both models, and the base once more without its chat template."""
    folder = tmp_path_factory.mktemp("gguf")
    for name, model, *more in (("base", "base"), ("tuned", "tuned"), ("bare", "base", "--no-chat")):
        weights = embedded.weights_folder(model)
        file = folder / f"{name}.gguf"
        run([LLAMA.interpreter(), "-m", "tests.foreign.gguf_file", weights, file, *more])
    return folder


@pytest.fixture(scope="module")
def urls(files: Path) -> Iterator[Urls]:
    """Name -> address of a server of its own for each model."""
    with ExitStack() as stack:
        started = {name: serve(files, name) for name in ("base", "tuned", "bare")}
        yield {name: stack.enter_context(one).url for name, one in started.items()}


def serve(files: Path, name: str) -> Serving:
    return Serving(LLAMA, files, file=str(files / f"{name}.gguf"), name=name)


def served(urls: Urls, **more: Any) -> dict[str, dict[str, Any]]:
    """Base and tuned as the project file has them."""
    return {arm: {"model": f"openai:{arm}@{urls[arm]}", **more} for arm in ("base", "tuned")}


def test_answers_are_those_of_the_same_weights_here(urls: Urls, tmp_path: Path, note: Note) -> None:
    project(tmp_path, **LOCAL)
    assert compare(tmp_path, "here").code == 0
    project(tmp_path, **served(urls, **UNPENALISED))
    done = compare(tmp_path, "there")
    assert done.code == 0, done.err
    equal, total = agreement(tmp_path / "here", tmp_path / "there")
    note("equal in chat", f"{equal} of {total}")
    assert total == 2 * len(SUITES) * PROMPTS
    assert equal >= 0.98 * total
    assert "less likely that have been said" not in done.err


def test_a_penalty_that_nobody_asked_for_changes_answers_and_is_told(
    urls: Urls, tmp_path: Path, note: Note
) -> None:
    project(tmp_path, **served(urls, **UNPENALISED))
    assert compare(tmp_path, "free").code == 0
    project(tmp_path, **served(urls))
    done = compare(tmp_path, "penalised")
    assert done.code == 0, done.err
    equal, total = agreement(tmp_path / "free", tmp_path / "penalised")
    note("greedy answers changed by its penalty", f"{total - equal} of {total}")
    assert equal < total
    told = " ".join(done.err.split())
    assert "base: the server makes tokens less likely that have been said" in told


def test_what_it_takes(urls: Urls, tmp_path: Path, note: Note) -> None:
    for mode in ("chat", "completions"):
        project(tmp_path, **served(urls, mode=mode))
        found = honours(tmp_path)
        note(mode, found["tuned"])
        assert found["tuned"]["seed"] == found["tuned"]["logprobs"] == "yes"
        assert found["tuned"]["n"] == "ignored"
    assert found["tuned"]["echo"] == "yes"
    listing = evalkit("models", urls["base"], cwd=tmp_path)
    assert f"{urls['base']} lists 1 model: base" in " ".join(listing.err.split())


def test_plain_text_is_continued_as_the_template_would_have_it(
    urls: Urls, tmp_path: Path, note: Note
) -> None:
    suite = rendered(tmp_path)
    for out, arms in (("here", LOCAL), ("there", served(urls, **UNPENALISED))):
        project(tmp_path, **{name: {**arm, "mode": "completions"} for name, arm in arms.items()})
        done = evalkit("run", suite, "--no-perturb", "--out", out, cwd=tmp_path)
        assert done.code == 0, done.err
    equal, total = agreement(tmp_path / "here", tmp_path / "there")
    note("equal in completions", f"{equal} of {total}")
    assert equal >= 0.98 * total


def test_log_probabilities_are_those_of_the_same_weights_here(
    urls: Urls, tmp_path: Path, note: Note
) -> None:
    scorers = ("perplexity", "label_accuracy", "label_brier")
    words = ["--limit", "15", *(word for name in scorers for word in ("--scorer", name))]
    suite = rendered(tmp_path)
    found = []
    for out, arms in (("here", LOCAL), ("there", served(urls))):
        project(tmp_path, **{name: {**arm, "mode": "completions"} for name, arm in arms.items()})
        done = evalkit("run", suite, *words, "--no-perturb", "--out", out, cwd=tmp_path)
        assert done.code == 0, done.err
        table = pd.read_csv(tmp_path / out / "summary.csv", keep_default_na=False)
        found.append(table[table.slice == ""].set_index(["model", "scorer"]).score.astype(float))
    here, there = found
    assert len(here) == 2 * len(scorers)
    far = float(((here - there) / here.abs().clip(lower=1e-3)).abs().max())
    note("scores from log-probabilities are equal to a relative", f"{far:.0e}")
    assert far < 0.02


def test_a_model_without_a_begin_token_has_no_log_probabilities_of_prompts(
    urls: Urls, tmp_path: Path
) -> None:
    rows = [{"prompt": f"{i} plus {i} is", "completion": str(2 * i)} for i in range(3)]
    write_jsonl(tmp_path / "sums.jsonl", rows)
    project(tmp_path, **served(urls, mode="completions"))
    words = ("--scorer", "exact_match", "--scorer", "perplexity", "--allow-identical")
    done = evalkit("run", "sums.jsonl", *words, "--out", "out", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "base: no log-probabilities: the tokens of the server" in " ".join(done.err.split())


def test_a_server_that_keeps_none_is_asked_for_log_probabilities_once(
    files: Path, urls: Urls, tmp_path: Path
) -> None:
    with Serving(
        LLAMA, files, start=f"{LLAMA.start} --logits_all false", file="base.gguf", name="base"
    ) as none:
        project(tmp_path, **served({**urls, "base": none.url}, mode="completions"))
        words = ("--scorer", "accuracy", "--scorer", "perplexity", "--limit", "8", "--no-perturb")
        done = evalkit("run", rendered(tmp_path), *words, "--out", "out", cwd=tmp_path)
        refused = none.log("500 Internal Server Error")
    assert done.code == 0, done.err
    told = " ".join(done.err.split())
    assert "base: no log-probabilities: the server answered 500: logprobs is not supported" in told
    assert len(refused) == 3  # both trials of the probe, and one question


def test_chat_tells_no_log_probabilities_of_given_texts(urls: Urls, tmp_path: Path) -> None:
    project(tmp_path, **served(urls))
    suites = write_prompts(tmp_path)
    words = ("--scorer", "accuracy", "--scorer", "perplexity", "--limit", "8", "--no-perturb")
    done = evalkit("run", suites[0], *words, "--out", "out", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "base: no log-probabilities: the server sent no log-prob" in " ".join(done.err.split())


@pytest.mark.parametrize("mode", ["chat", "completions"])
def test_one_model_under_two_names_stops_a_run(urls: Urls, tmp_path: Path, mode: str) -> None:
    both = {"base": urls["base"], "tuned": urls["base"]}
    suite = rendered(tmp_path) if mode == "completions" else SUITES[0]
    write_prompts(tmp_path)
    words = ("run", suite, "--no-perturb", "--out", "out")
    project(tmp_path, **served(both, mode=mode))
    done = evalkit(*words, cwd=tmp_path)
    assert done.code == 2, done.err
    assert "'tuned' and its base 'base' are one model" in done.err
    assert "with the same log-probabilities" in " ".join(done.err.split())
    project(tmp_path, **served(urls, mode=mode))
    assert evalkit(*words, cwd=tmp_path).code == 0


def test_chat_without_a_template_is_answered_in_a_format_of_the_servers_own(
    urls: Urls, tmp_path: Path
) -> None:
    arms = served({**urls, "base": urls["bare"]}, **UNPENALISED)
    project(tmp_path, **arms)
    done = compare(tmp_path, "bare")
    assert done.code == 0, done.err  # it can't be seen from outside; docs/servers.md says so
    project(tmp_path, **LOCAL)
    assert compare(tmp_path, "here").code == 0
    equal, total = agreement(tmp_path / "here", tmp_path / "bare")
    assert equal < 0.9 * total


def test_repeats_are_sampled_anew_and_come_again_with_their_seeds(
    urls: Urls, tmp_path: Path
) -> None:
    for suite in write_prompts(tmp_path):
        config = yaml.safe_load((suite / "suite.yaml").read_text(encoding="utf-8"))
        config["generation"]["temperature"] = 1.0
        (suite / "suite.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    project(tmp_path, **served(urls))
    words = (*SUITES, "--repeats", "3", "--limit", "8", "--no-perturb")
    found = []
    for out in ("first", "again"):
        done = evalkit("run", *words, "--out", out, "--cache", f"{out}-cache", cwd=tmp_path)
        assert done.code == 0, done.err
        rows = (tmp_path / out / "completions.jsonl").read_text(encoding="utf-8").splitlines()
        found.append([json.loads(row) for row in rows])
    first, again = found
    assert [row["repeats"] for row in first] == [row["repeats"] for row in again]
    sampled = [{told["text"] for told in row["repeats"]["base"]} for row in first]
    assert sum(len(texts) > 1 for texts in sampled) > len(sampled) / 2


def test_files_out_and_results_in(urls: Urls, tmp_path: Path) -> None:
    project(tmp_path, **served(urls))
    suites = write_prompts(tmp_path)
    done = evalkit("batch", "export", *suites, "--out", "asked", cwd=tmp_path)
    assert done.code == 0, done.err
    for name in ("base", "tuned"):
        lines = (tmp_path / "asked" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        answered = [{**line, **posted(urls[name], line)} for line in map(json.loads, lines)]
        write_jsonl(tmp_path / "asked" / f"{name}.results.jsonl", reversed(answered))
    done = evalkit("batch", "import", "asked", cwd=tmp_path)
    assert done.code == 0, done.err
    for out, cache in (("by-file", ".evalkit"), ("live", "fresh")):
        assert compare(tmp_path, out, "--cache", cache, "--allow-identical").code == 0
    by_file, live = ((tmp_path / out / "examples.csv").read_bytes() for out in ("by-file", "live"))
    assert by_file == live


def posted(url: str, line: Mapping[str, Any]) -> dict[str, Any]:
    """What a program that works off a file writes of one line."""
    request = urllib.request.Request(  # noqa: S310 - our own server
        url.removesuffix("/v1") + line["url"],
        json.dumps(line["body"]).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as reply:  # noqa: S310
        return {"response": {"status_code": reply.status, "body": json.load(reply)}, "error": None}


@pytest.mark.parametrize("waited", [True, False])
def test_killed_in_the_middle_and_started_again(
    files: Path,
    urls: Urls,
    tmp_path: Path,
    waited: bool,  # noqa: FBT001 - whether the run is still there
) -> None:
    with serve(files, "base") as base, serve(files, "tuned") as tuned:
        project(tmp_path, **served({"base": base.url, "tuned": tuned.url}))
        words = ["run", *map(str, write_prompts(tmp_path)), "--no-perturb", "--out", "out"]
        words += ["--concurrency", "2", *([] if waited else ["--max-seconds", "15"])]
        first = subprocess.Popen(
            [sys.executable, "-m", "evalkit", *words],
            cwd=tmp_path, env=clean_environment(), stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while len(base.log("200 OK")) < 40:
            assert first.poll() is None
            time.sleep(0.01)
        base.kill()
        if waited:
            time.sleep(1)
            with base:
                _, told = first.communicate(timeout=300)
            assert first.returncode == 0, told
        else:
            _, told = first.communicate(timeout=300)
            assert first.returncode == 4, told
            with base:
                done = evalkit("run", "--retry-missing", "out", cwd=tmp_path)
            assert done.code == 0, done.err
        assert len(base.log("200 OK")) < 40 + 2 * PROMPTS
        project(tmp_path, **served(urls))
        assert compare(tmp_path, "whole").code == 0
    assert agreement(tmp_path / "out", tmp_path / "whole") == (4 * PROMPTS, 4 * PROMPTS)


def test_two_models_of_one_server_are_loaded_anew_for_every_request(
    files: Path, tmp_path: Path, note: Note
) -> None:
    one = {"n_ctx": 512, "verbose": False}
    models = [{"model": f"{n}.gguf", "model_alias": n, **one} for n in ("base", "tuned")]
    (files / "both.json").write_text(json.dumps({"host": "127.0.0.1", "models": models}))
    with Serving(LLAMA, files, start=LLAMA.several) as both:
        project(tmp_path, **served({"base": both.url, "tuned": both.url}))
        done = compare(tmp_path, "out")
        assert done.code == 0, done.err
    note("answers a second from one server with both models", speed(done))


def test_a_judge_is_asked_without_the_form_that_it_does_not_know(
    urls: Urls, tmp_path: Path
) -> None:
    grader = {
        "type": "label_model", "name": "same", "model": "judge",
        "labels": ["refund", "delivery", "login", "cancel", "defect", "invoice"],
        "passing_labels": ["refund"],
        "input": [{"role": "user", "content": "What is wanted: {{ sample.output_text }}?"}],
    }  # fmt: skip
    (tmp_path / "same.json").write_text(json.dumps(grader))
    project(tmp_path, **served(urls))
    write_prompts(tmp_path)
    words = (SUITES[0], "--limit", "6", "--scorer", "same.json", "--no-perturb", "--out", "out")
    done = evalkit("run", *words, "--judge", f"openai:tuned@{urls['tuned']}", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "the server refused `response_format`; replies are read" in " ".join(done.err.split())


def test_how_fast_it_answers(urls: Urls, tmp_path: Path, note: Note) -> None:
    project(tmp_path, **served(urls))
    done = compare(tmp_path, "out")
    assert done.code == 0, done.err
    note("answers a second from a server for each model", speed(done))
    assert speed(done) > 5
