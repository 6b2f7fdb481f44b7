from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.models.failures import parse_error
from evalkit.models.replies import parse_reply, read_logprobs
from evalkit.schema import Answer, Failure

LEAF = st.sampled_from([None, True, 0, -1, 1.5, "", "stop", "text", "\u2028"])
JSON = LEAF | st.lists(LEAF, max_size=2) | st.dictionaries(st.sampled_from("abc"), LEAF)
REPLY = st.fixed_dictionaries(
    {},
    optional={
        "choices": JSON
        | st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "message": JSON | st.fixed_dictionaries({"content": JSON, "refusal": JSON}),
                    "text": JSON,
                    "finish_reason": JSON,
                },
            )
        ),
        "usage": JSON | st.dictionaries(st.sampled_from(["prompt_tokens"]), JSON),
        "model": JSON,
        "error": JSON,
    },
)


def chat(message: object, reason: object = "stop", **rest: Any) -> bytes:
    choices = [{"message": message, "finish_reason": reason}]
    return json.dumps({"choices": choices, "model": "m", **rest}).encode()


def test_an_answer_carries_all_that_was_said() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 5}
    assert parse_reply(chat({"content": "hi"}, "length", usage=usage), "chat") == Answer(
        text="hi", finish_reason="length", prompt_tokens=3, completion_tokens=5, served_model="m"
    )


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": ""}, ""),
        ({"content": None}, ""),
        ({"content": None, "reasoning_content": "hm"}, ""),
        ({"content": None, "reasoning": "hm"}, ""),
        ({"content": None, "tool_calls": [{"id": "1"}]}, ""),
        ({"content": None, "refusal": "no"}, "no"),
        ({"content": [{"type": "text", "text": "a"}, {"type": "image"}]}, "a"),
    ],
)
def test_what_counts_as_the_text_of_an_answer(message: object, text: str) -> None:
    outcome = parse_reply(chat(message), "chat")
    assert isinstance(outcome, Answer)
    assert outcome.text == text


def test_an_unknown_finish_reason_is_kept_and_none_is_unknown() -> None:
    for reason, kept in (("eos", "eos"), (None, "unknown"), ("", "unknown"), (7, "unknown")):
        outcome = parse_reply(chat({"content": "x"}, reason), "chat")
        assert isinstance(outcome, Answer)
        assert outcome.finish_reason == kept


@pytest.mark.parametrize(
    "content",
    [
        b"<html>sorry</html>",
        b"",
        b'{"choices": [',
        b"[]",
        b"null",
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"choices": null}',
        b'{"choices": []}',
        b'{"choices": ["text"]}',
        b'{"choices": [{"finish_reason": "stop"}]}',
        b'{"choices": [{"message": {"content": 7}}]}',
        b'{"error": "upstream is gone"}',
        b'{"error": {"message": "upstream is gone"}}',
    ],
)
def test_what_only_looks_like_an_answer_is_a_failure(content: bytes) -> None:
    outcome = parse_reply(content, "chat")
    assert isinstance(outcome, Failure)
    assert outcome.kind == "malformed"
    assert outcome.retryable
    assert not outcome.fatal


def test_of_several_choices_the_first_by_number_is_the_answer() -> None:
    def choice(index: int, text: str, reason: str = "stop") -> dict[str, Any]:
        told = [{"token": text, "logprob": -float(index)}]
        return {
            "index": index,
            "message": {"content": text},
            "finish_reason": reason,
            "logprobs": {"content": told},
        }

    content = json.dumps({"choices": [choice(1, "second", "abort"), choice(0, "first")]}).encode()
    outcome = parse_reply(content, "chat")
    assert isinstance(outcome, Answer)
    assert outcome.text == "first"
    assert read_logprobs(content) == (0.0,)


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "-1" + 400 * "0", '"-1"', "null"])
def test_log_probabilities_that_are_no_numbers_are_none(value: str) -> None:
    told = f'{{"logprobs": {{"content": [{{"logprob": -1}}, {{"logprob": {value}}}]}}}}'
    found = read_logprobs(f'{{"choices": [{told}]}}'.encode())
    assert found == ((-1.0, -1.0) if value == '"-1"' else ())


@pytest.mark.parametrize("reason", ["abort", "cancelled", "error"])
def test_an_answer_that_was_broken_off_is_none(reason: str) -> None:
    outcome = parse_reply(chat({"content": "half of"}, reason), "chat")
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.retryable) == ("server", True)


def test_completions_mode_reads_text() -> None:
    reply = {"choices": [{"text": " Paris", "finish_reason": "stop"}]}
    outcome = parse_reply(json.dumps(reply).encode(), "completions")
    assert isinstance(outcome, Answer)
    assert outcome.text == " Paris"
    wrong = {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}
    assert isinstance(parse_reply(json.dumps(wrong).encode(), "completions"), Failure)


def test_an_error_wrapped_in_a_success_keeps_its_kind() -> None:
    wrapped: list[tuple[dict[str, object], str]] = [
        ({"code": 429, "message": "slow"}, "rate_limit"),
        ({"code": "503", "message": "down"}, "server"),
        ({"code": "insufficient_quota", "message": "pay"}, "quota"),
        ({"code": 401, "message": "who"}, "auth"),
    ]
    for body, kind in wrapped:
        outcome = parse_reply(json.dumps({"error": body}).encode(), "chat")
        assert isinstance(outcome, Failure)
        assert outcome.kind == kind


@given(REPLY, st.sampled_from(["chat", "completions"]))
def test_no_reply_breaks_the_parser(reply: object, mode: Any) -> None:
    outcome = parse_reply(json.dumps(reply).encode(), mode)
    assert isinstance(outcome, Answer | Failure)
    if isinstance(outcome, Answer):
        assert isinstance(outcome.text, str)
        assert isinstance(outcome.finish_reason, str)


@given(st.binary(), st.integers(400, 599))
def test_no_error_breaks_the_parser(content: bytes, status: int) -> None:
    assert isinstance(parse_error(status, content, {}), Failure)
    assert isinstance(parse_reply(content, "chat"), Answer | Failure)


@pytest.mark.parametrize(
    ("logprobs", "values"),
    [
        ({"content": [{"logprob": -0.5}, {"logprob": -1}]}, (-0.5, -1.0)),
        ({"token_logprobs": [None, -2.0]}, (-2.0,)),
        ({"content": None}, ()),
        ({"content": [{"logprob": "low"}]}, ()),
        ({}, ()),
        (None, ()),
    ],
)
def test_log_probabilities(logprobs: object, values: tuple[float, ...]) -> None:
    assert read_logprobs(json.dumps({"choices": [{"logprobs": logprobs}]}).encode()) == values


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"{}", b'{"choices": []}', b"\xff"])
def test_no_reply_has_no_log_probabilities(content: bytes) -> None:
    assert read_logprobs(content) == ()
