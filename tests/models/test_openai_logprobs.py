"""Log-probabilities of given texts, asked of a real server over a real socket."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from evalkit.models.openai import open_openai
from evalkit.models.openai_logprobs import LEAST, read_likelihood
from evalkit.schema import (
    Answer,
    Failure,
    Generation,
    Likelihood,
    Message,
    Mode,
    ModelSpec,
    Request,
)
from tests.servers.openai_server import Asked, Server, error_reply, hashed

ONE = Generation(max_tokens=1)


def scored(text: str, prompt: str = "The capital of Argentina is") -> Request:
    return Request("s", "test", "1", prompt, (Message("user", prompt),), ONE, scored=text)


def ask(server: Server, mode: Mode, *requests: Request) -> list[Answer | Failure]:
    async def main() -> list[Answer | Failure]:
        spec = ModelSpec("m", "openai", "m", "base", base_url=server.url, mode=mode)
        provider = open_openai(spec)
        try:
            return await provider.complete(requests)
        finally:
            await provider.close()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("mode", "before", "lead"),
    [
        ("completions", "The capital of Argentina is", " "),
        ("chat", "<|user|>\nThe capital of Argentina is<|end|>\n<|assistant|>", "\n"),
    ],
)
@pytest.mark.parametrize(
    "words", [["Buenos", " Aires"], ["X"], ["Ñandú", " 🦙"], ["one", "\n\ntwo", " three."]]
)
def test_the_tokens_of_the_text_count_and_no_others(
    mode: Mode, before: str, lead: str, words: list[str]
) -> None:
    with Server(predict=lambda _, before, token: -len(token) - len(before) / 1024) as server:
        (answer,) = ask(server, mode, scored("".join(words)))
        (body,) = [asked.body for asked in server.asked]
    expected = 0.0
    for token in (lead + words[0], *words[1:]):
        expected -= len(token) + len(before) / 1024
        before += token
    assert isinstance(answer, Answer)
    assert answer.likelihood is not None
    assert answer.likelihood.logprob == pytest.approx(expected)
    assert answer.likelihood == Likelihood("".join(words), answer.likelihood.logprob, len(words))
    assert answer.text == ""
    assert body["max_tokens"] == 1


def sent_back(tokens: list[str], generated: int = 1, prompt: int = 0) -> bytes:
    """A reply with these tokens of prompt and answer, in the shape of llama-cpp-python."""
    values = [None, *(-float(i) for i in range(1, len(tokens)))]
    choice = {"text": "x", "logprobs": {"tokens": tokens, "token_logprobs": values}}
    usage = {"prompt_tokens": prompt, "completion_tokens": generated}
    return json.dumps({"choices": [choice], "usage": usage}).encode()


@pytest.mark.parametrize(
    ("prompt", "shown"),
    [("ha", ["ha"]), ("ha", ["<s>", "ha"]), ("<s>ha", ["<s>", "ha"]), ("[BOS]ha", ["ha"])],
)
def test_a_token_that_begins_a_text_may_be_shown_or_not(prompt: str, shown: list[str]) -> None:
    reply = sent_back([*shown, " ha", " ha", "."])
    answer = read_likelihood(reply, scored("ha ha", prompt), "completions")
    assert isinstance(answer, Answer)
    first = len(shown)
    assert answer.likelihood == Likelihood("ha ha", -float(first + first + 1), 2)


def test_characters_that_several_tokens_share_are_counted_whole() -> None:
    request = scored("🦙", "a b")
    tokens = ["a", " b", " ", "", "", ""]
    answer = read_likelihood(sent_back([*tokens, "."], prompt=6), request, "completions")
    assert isinstance(answer, Answer)
    assert answer.likelihood == Likelihood("🦙", -2.0 - 3 - 4 - 5, 4)
    # one token less than the server has counted: a begin token that is not shown, or the last one
    answer = read_likelihood(sent_back([*tokens, "."], prompt=7), request, "completions")
    assert isinstance(answer, Failure)
    request = scored("🦙!", "a b")
    answer = read_likelihood(sent_back([*tokens, "!", "."], prompt=8), request, "completions")
    assert isinstance(answer, Answer)


def test_a_model_that_would_end_after_the_text_generates_no_token() -> None:
    reply = sent_back(["a", " b", " c"], generated=0)
    answer = read_likelihood(reply, scored("c", "a b"), "completions")
    assert isinstance(answer, Answer)
    assert answer.likelihood == Likelihood("c", -2.0, 1)
    assert answer.completion_tokens == 0


def test_tokens_that_lack_one_are_not_those_of_the_prompt() -> None:
    # llama-cpp-python, of a model without a begin token: every value is its neighbour's
    answer = read_likelihood(sent_back(["ha", " ha", " ha"]), scored("ha", "ha ha"), "completions")
    assert isinstance(answer, Failure)
    assert answer.kind == "unsupported"
    assert "do not spell the prompt" in answer.message


def test_a_prompt_that_ends_in_white_space_gets_no_more_of_it() -> None:
    with Server() as server:
        spaced, plain = ask(
            server, "completions", scored("Lima", "Peru: "), scored("Lima", "Peru:")
        )
        assert [asked.body["prompt"] for asked in server.asked] == ["Peru: Lima"] * 2
    assert isinstance(spaced, Answer)
    assert isinstance(plain, Answer)
    assert spaced.likelihood == plain.likelihood
    assert spaced.likelihood == Likelihood("Lima", hashed("m", "", " Lima"), 1)


@pytest.mark.parametrize("mode", ["chat", "completions"])
def test_an_empty_text_is_certain(mode: Mode) -> None:
    with Server() as server:
        (answer,) = ask(server, mode, scored(""))
    assert isinstance(answer, Answer)
    assert answer.likelihood == Likelihood("", 0.0, 0)


@pytest.mark.parametrize("mode", ["chat", "completions"])
def test_a_server_without_log_probabilities_says_so(mode: Mode) -> None:
    with Server(logprobs=False) as server:
        (failure,) = ask(server, mode, scored("Lima"))
    assert failure == Failure("unsupported", "the server sent no log-probabilities of the prompt")
    assert isinstance(failure, Failure)
    assert not failure.retryable


def test_a_server_that_does_not_know_the_fields_refuses() -> None:
    with Server(refuse=lambda _, __: error_reply(400, "Unknown field: prompt_logprobs")) as server:
        (failure,) = ask(server, "chat", scored("Lima"))
        assert len(server.asked) == 1
    assert isinstance(failure, Failure)
    assert failure.kind == "refused"
    assert "prompt_logprobs" in failure.message


def test_other_failures_stay_what_they_are() -> None:
    with Server(fault=lambda _: "error-200-429") as server:
        (failure,) = ask(server, "completions", scored("Lima"))
    assert isinstance(failure, Failure)
    assert failure.kind == "rate_limit"


def test_renamed_parameters_are_renamed_here_too() -> None:
    def refuse(_: object, body: dict[str, Any]) -> Any:
        if "max_tokens" in body:
            return error_reply(400, "Unsupported parameter: 'max_tokens' is not supported.")
        return None

    with Server(refuse=refuse) as server:
        (answer,) = ask(server, "chat", scored("Lima"))
        assert server.asked[-1].body["max_completion_tokens"] == 1
    assert isinstance(answer, Answer)
    assert answer.likelihood is not None


def echoed(tokens: list[Any], values: list[Any], generated: int | None = 1) -> bytes:
    usage = {} if generated is None else {"completion_tokens": generated}
    logprobs = {"tokens": tokens, "token_logprobs": values}
    choice = {"text": "", "finish_reason": "length", "logprobs": logprobs}
    return json.dumps({"choices": [choice], "usage": usage}).encode()


def read(content: bytes, text: str = "b c", mode: Mode = "completions") -> Answer | Failure:
    return read_likelihood(content, scored(text, "a"), mode)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (echoed(["a", " b", " c", "!"], [None, -1, -2, -9]), (-3.0, 2)),
        (echoed(["a", " b", " c", "!"], [None, -1, -2, -9], generated=None), (-3.0, 2)),
        (echoed(["a", " b", " c"], [None, -1, -2], generated=0), (-3.0, 2)),
        (echoed(["<s>", "a", " b", " c", "!"], [None, -5, -1, -2, -9]), (-3.0, 2)),
        (echoed(["a", " b c", "!"], [None, -1, -9]), (-1.0, 1)),
        (echoed(["a b", " c", "!"], [None, -2, -9]), (-2.0, 1)),  # nothing precedes the first
        (echoed(["a", " b", " c", "!"], [None, -1, float("-inf"), -9]), (-1.0 + LEAST, 2)),
        (echoed(["a", " b", " c", "!"], [None, 1e-9, -2, -9]), (-2.0, 2)),
    ],
)
def test_shapes_of_echoes(content: bytes, expected: tuple[float, int]) -> None:
    answer = read(content)
    assert isinstance(answer, Answer)
    assert answer.likelihood == Likelihood("b c", *expected)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (echoed([" b", " d", "!"], [None, -1, -9]), "end in 'b d', not in the scored text"),
        (echoed(["a", " b", " \ufffd", "!"], [None, -1, -1, -9]), "not in the scored text"),
        (echoed(["a", " b", " c", "!"], [None, -1, None, -9]), "without log-probabilities"),
        (echoed(["a", " b", " c", "!"], [None, -1, 0.7, -9]), "numbers above 0, which are no log"),
        (echoed(["a", " b", " c", "!"], [None, -1, 10**400, -9]), "numbers above 0, which are no"),
        (echoed(["a", " b", " c", "!"], [None, -1, True, -9]), "without log-probabilities"),
        (echoed(["a", " b", " c", "!"], [None, -1, float("nan"), -9]), "without log-prob"),
        (echoed(["a", " b"], [None]), "sent no log-probabilities"),
        (echoed([1, 2, 3], [None, -1, -9]), "sent no log-probabilities"),
        (echoed(["!"], [-1]), "sent no log-probabilities"),
        (echoed(["!"], [-1], generated=50), "sent no log-probabilities"),
        (b'{"choices": [{"text": "", "logprobs": {"tokens": 1, "token_logprobs": 2}}]}', "sent no"),
        (b'{"choices": [{"text": "", "logprobs": null}]}', "sent no log-probabilities"),
    ],
)
def test_echoes_that_hold_no_log_probability(content: bytes, why: str) -> None:
    failure = read(content)
    assert isinstance(failure, Failure)
    assert failure.kind == "unsupported"
    assert why in failure.message


@pytest.mark.parametrize("told", [None, 1, "x", [], [1], [None, {}], [None, {"1": 2}], [{"1": {}}]])
def test_prompt_log_probabilities_of_odd_shapes(told: object) -> None:
    reply = {"choices": [{"message": {"content": ""}}], "prompt_logprobs": told}
    failure = read(json.dumps(reply).encode(), mode="chat")
    assert isinstance(failure, Failure)
    assert failure.kind == "unsupported"


def test_asked() -> None:
    """The server's own view: messages end in the text, and nothing is to be added."""
    with Server() as server:
        ask(server, "chat", scored("Lima"))
        (asked,) = server.asked
    assert isinstance(asked, Asked)
    assert asked.messages[-1] == {"role": "assistant", "content": "Lima"}
    assert asked.body["continue_final_message"] is True
    assert asked.body["add_generation_prompt"] is False
