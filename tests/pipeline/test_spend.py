"""Money: what the arms cost, what is spent this time, what a tuned model saves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evalkit.pipeline import Run, estimate, load, run, score
from evalkit.pipeline.spend import savings_of
from evalkit.schema import Answer, Example, Failure, ModelSpec, Price, SplitResult
from tests.command_line import write_jsonl
from tests.servers.openai_server import Server

ROWS = 10
PROMPT = "how are you today"
PROJECT = """
endpoints: {{here: {{base_url: "{url}"}}}}
models:
  base: {{model: base, endpoint: here, price: {{input: 1000, output: 3000}}}}
  tuned: {{model: tuned, endpoint: here, tuned_from: base, price: {{input: 2000, output: 6000}}}}
suites: [data.jsonl]
"""


def reply(model: str, messages: list[dict[str, Any]]) -> str:
    """The base says five words and the row's number, the tuned model two."""
    number = str(messages[-1]["content"]).split()[-1]
    return f"well it is number {number}" if model == "base" else f"number {number}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [{"prompt": f"{PROMPT} {i}", "completion": f"number {i}"} for i in range(ROWS)]
    write_jsonl(tmp_path / "data.jsonl", rows)
    return tmp_path


def asked(server: Server, folder: Path, **options: Any) -> Run:
    (folder / "evalkit.yaml").write_text(PROJECT.format(url=server.url))
    return run(out=folder / "out", **options)


def test_tokens_and_money_of_each_arm(folder: Path) -> None:
    with Server(reply=reply) as server:
        info = asked(server, folder, probe=False).record.info
    base, tuned = info.usage
    assert (base.prompt_tokens, base.completion_tokens, base.uncounted) == (5 * ROWS, 5 * ROWS, 0)
    assert base.price == Price(1000, 3000, "evalkit.yaml")
    assert base.cost == pytest.approx(ROWS * 5 * (1000 + 3000) / 1e6)
    assert tuned.cost == pytest.approx(ROWS * (5 * 2000 + 2 * 6000) / 1e6)
    clocks = info.clocks["models"]["base"]
    assert clocks["spent"] == pytest.approx(base.cost)
    assert (clocks["prompt_tokens"], clocks["completion_tokens"]) == (5 * ROWS, 5 * ROWS)
    assert clocks["tokens_per_second"] > 0
    (saving,) = info.savings
    assert (saving.n, saving.completion_base, saving.completion_tuned) == (ROWS, 5, 2)
    assert saving.cost_base == pytest.approx(1000 * 5 * (1000 + 3000) / 1e6)


def test_what_is_tried_before_is_spent_too_but_is_no_cost_of_the_answers(folder: Path) -> None:
    with Server(reply=reply) as server:
        info = asked(server, folder).record.info
        tried = sum(probe.model == "base" for probe in server.probed)
    base, clocks = info.usage[0], info.clocks["models"]["base"]
    assert base.prompt_tokens == 5 * ROWS
    assert base.cost == pytest.approx(ROWS * 5 * (1000 + 3000) / 1e6)
    assert clocks["sent"] == ROWS + tried
    assert clocks["prompt_tokens"] == 5 * ROWS + 8 * tried  # as the test server counts a probe
    tokens = 1000 * clocks["prompt_tokens"] + 3000 * clocks["completion_tokens"]
    assert clocks["spent"] == pytest.approx(tokens / 1e6)


def test_the_cache_costs_nothing_now_but_says_what_it_cost(folder: Path) -> None:
    with Server(reply=reply) as server:
        first = asked(server, folder).record.info
        again = asked(server, folder).record.info
    assert again.usage == first.usage
    assert [again.clocks["models"][m]["spent"] for m in ("base", "tuned")] == [0, 0]
    assert load(folder / "out").record.info.usage == first.usage
    assert score(folder / "out").record.info.usage == first.usage


def test_answers_whose_tokens_are_not_counted_are_said(folder: Path) -> None:
    with Server(reply=reply, fault=lambda a: "no-usage" if a.model == "base" else None) as server:
        info = asked(server, folder).record.info
    assert [used.uncounted for used in info.usage] == [ROWS, 0]
    assert info.savings == ()


def test_completions_already_made_cost_nothing(folder: Path) -> None:
    for arm in ("base", "tuned"):
        answers = [{"id": str(i), "completion": "number 1"} for i in range(ROWS)]
        write_jsonl(folder / f"{arm}.jsonl", answers)
    write_jsonl(
        folder / "data.jsonl",
        [{"id": str(i), "prompt": f"{PROMPT} {i}", "completion": "number 1"} for i in range(ROWS)],
    )
    arms: dict[str, Any] = {"base": "file:base.jsonl", "tuned": "file:tuned.jsonl"}
    told = estimate("data.jsonl", **arms)
    assert {one.model: (one.cost, one.most_cost) for one in told} == dict.fromkeys(arms, (0.0, 0.0))
    assert run("data.jsonl", max_cost=0.01, allow_identical=True, **arms).missing == 0


@pytest.mark.usefixtures("folder")
def test_a_log_probability_is_expected_to_take_one_token_of_answer() -> None:
    with Server(reply=reply) as server:
        arms: dict[str, Any] = {arm: f"openai:{arm}@{server.url}" for arm in ("base", "tuned")}
        run("data.jsonl", **arms)
        told = estimate("data.jsonl", scorers="perplexity", **arms)
    assert {(one.questions, one.cached) for one in told} == {(2 * ROWS, ROWS)}
    assert {one.completion_tokens for one in told} == {ROWS}  # whatever the answers took


def test_a_saving_is_told_of_what_both_answered() -> None:
    models = (
        ModelSpec("base", "openai", "a", "base"),
        ModelSpec("tuned", "openai", "b", "tuned", tuned_from="base"),
    )
    examples = tuple(Example(str(i), "p", (), ("r",)) for i in range(3))
    lost = Failure("timeout", "late")
    answers: dict[str, tuple[Answer | Failure, ...]] = {
        "base": (answer(100, 10), answer(100, 30), lost),
        "tuned": (answer(20, 10), lost, answer(20, 10)),
    }
    split = SplitResult("s", "test", examples, answers, {})
    (saving,) = savings_of(models, [split], {"tuned": Price(1, 10, "")})
    assert (saving.n, saving.prompt_base, saving.prompt_tuned) == (1, 100, 20)
    assert saving.cost_base is None
    assert saving.cost_tuned == pytest.approx(0.12)


def answer(prompt_tokens: int, completion_tokens: int) -> Answer:
    return Answer("x", prompt_tokens=prompt_tokens, completion_tokens=completion_tokens)
