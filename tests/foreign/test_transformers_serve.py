"""evalkit against `transformers serve --continuous-batching`, with the embedded models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from evalkit import embedded
from tests.command_line import evalkit
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
from tests.foreign.folder import write_folder
from tests.foreign.serving import TRANSFORMERS, Serving
from tests.foreign.weights import read_weights

pytestmark = pytest.mark.foreign

Urls = Mapping[str, str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both models, the base under a second name, and without a chat template."""
    made = tmp_path_factory.mktemp("folders")
    for name, model in (("base", "base"), ("tuned", "tuned"), ("same", "base"), ("bare", "base")):
        weights = read_weights(embedded.weights_folder(model))
        write_folder(weights, made / name, chat=name != "bare")
    return made


@pytest.fixture(scope="module")
def urls(folder: Path) -> Iterator[Urls]:
    """Name -> address of a server of its own for base and tuned."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(Serving(TRANSFORMERS, folder)).url
            for name in ("base", "tuned")
        }


def served(urls: Urls, **more: Any) -> dict[str, dict[str, Any]]:
    """Base and tuned as the project file has them."""
    return {arm: {"model": f"openai:{arm}@{urls[arm]}", **more} for arm in ("base", "tuned")}


def test_answers_are_those_of_the_same_weights_here(urls: Urls, tmp_path: Path, note: Note) -> None:
    project(tmp_path, **LOCAL)
    assert compare(tmp_path, "here").code == 0
    project(tmp_path, **served(urls))
    done = compare(tmp_path, "there")
    assert done.code == 0, done.err
    equal, total = agreement(tmp_path / "here", tmp_path / "there")
    note("equal in chat", f"{equal} of {total}")
    note("answers a second from a server for each model", speed(done))
    assert total == 2 * len(SUITES) * PROMPTS
    assert equal >= 0.98 * total
    told = " ".join(done.err.split())
    assert "the endpoint ignores `stop`; answers were cut at the stop texts here" in told
    assert "less likely that have been said" not in told


def test_what_it_takes(urls: Urls, tmp_path: Path, note: Note) -> None:
    for mode in ("chat", "completions"):
        project(tmp_path, **served(urls, mode=mode))
        found = honours(tmp_path)
        note(mode, found["tuned"])
        for name in ("stop", "n", "logprobs"):
            assert found["tuned"][name] == "ignored"
        assert found["tuned"]["max_tokens"] == "yes"
    assert found["tuned"]["echo"] == "ignored"
    listing = evalkit("models", urls["base"], cwd=tmp_path)
    assert f"{urls['base']} lists no models" in " ".join(listing.err.split())


def test_plain_text_is_continued_as_the_template_would_have_it(
    urls: Urls, tmp_path: Path, note: Note
) -> None:
    suite = rendered(tmp_path)
    for out, arms in (("here", LOCAL), ("there", served(urls))):
        project(tmp_path, **{name: {**arm, "mode": "completions"} for name, arm in arms.items()})
        done = evalkit("run", suite, "--no-perturb", "--out", out, cwd=tmp_path)
        assert done.code == 0, done.err
    equal, total = agreement(tmp_path / "here", tmp_path / "there")
    note("equal in completions", f"{equal} of {total}")
    assert equal >= 0.98 * total


@pytest.mark.parametrize("mode", ["chat", "completions"])
def test_log_probabilities_that_it_does_not_give_are_told_and_the_run_goes_on(
    urls: Urls, tmp_path: Path, mode: str
) -> None:
    project(tmp_path, **served(urls, mode=mode))
    suite = rendered(tmp_path)
    words = ("--limit", "8", "--scorer", "accuracy", "--scorer", "perplexity", "--no-perturb")
    done = evalkit("run", suite, *words, "--out", "out", cwd=tmp_path)
    assert done.code == 0, done.err
    told = " ".join(done.err.split())
    assert "base: no log-probabilities: the server" in told
    assert "accuracy" in told


def test_one_model_under_two_names_stops_a_run(urls: Urls, tmp_path: Path) -> None:
    suites = write_prompts(tmp_path)
    models = {"base": "base", "tuned": "same"}
    project(tmp_path, **{arm: {"model": f"openai:{n}@{urls['base']}"} for arm, n in models.items()})
    # It breaks off what it is asked of one model when it turns to the other: one at a time.
    words = (suites[0], "--no-perturb", "--concurrency", "1", "--out", "out")
    done = evalkit("run", *words, cwd=tmp_path)
    assert done.code == 2, done.err
    assert "'tuned' and its base 'base' are one model" in done.err


def test_without_continuous_batching_one_server_does_for_both_models(
    folder: Path, tmp_path: Path, note: Note
) -> None:
    with Serving(TRANSFORMERS, folder, start=TRANSFORMERS.several) as both:
        project(tmp_path, **served({"base": both.url, "tuned": both.url}))
        assert honours(tmp_path)["tuned"]["stop"] == "yes"
        done = compare(tmp_path, "there")
    assert done.code == 0, done.err
    note("answers a second from one server with both models", speed(done))
    project(tmp_path, **LOCAL)
    assert compare(tmp_path, "here").code == 0
    equal, total = agreement(tmp_path / "here", tmp_path / "there")
    assert equal >= 0.98 * total


def test_chat_without_a_template_is_seen_behind_a_bare_status(urls: Urls, tmp_path: Path) -> None:
    arms = served(urls)
    arms["base"] = {"model": f"openai:bare@{urls['base']}"}
    project(tmp_path, **arms)
    write_prompts(tmp_path)
    done = evalkit("run", SUITES[0], "--no-perturb", "--out", "out", cwd=tmp_path)
    assert done.code == 2
    told = " ".join(done.err.split())
    assert "answers it in mode completions only, probably without a chat template" in told
    assert "give it `mode: completions` in evalkit.yaml" in told


def test_a_field_that_it_does_not_know_is_left_out(urls: Urls, tmp_path: Path) -> None:
    suites = write_prompts(tmp_path)
    config = suites[0] / "suite.yaml"
    config.write_text(
        config.read_text(encoding="utf-8").replace("generation:\n", "generation:\n  top_k: 5\n")
    )
    project(tmp_path, **served(urls))
    words = (suites[0], "--limit", "8", "--no-perturb", "--out", "out")
    done = evalkit("run", *words, cwd=tmp_path)
    assert done.code == 0, done.err
    assert "base: the server refused `top_k`" in " ".join(done.err.split())


def test_a_name_that_is_no_model_of_it_ends_a_run(urls: Urls, tmp_path: Path) -> None:
    arms = served(urls)
    arms["tuned"] = {"model": f"openai:nobody@{urls['tuned']}"}
    project(tmp_path, **arms)
    write_prompts(tmp_path)
    done = evalkit("run", SUITES[0], "--no-perturb", "--out", "out", cwd=tmp_path)
    assert done.code == 2, done.err
    # It loses connections besides, and the last failure is the one that is told.
    assert "error: model 'tuned' at http" in done.err
    assert re.search(r"retries \(\d+ server", done.err)
