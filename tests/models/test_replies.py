from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.models.replies import (
    parse_error,
    parse_reply,
    quote,
    read_logprobs,
    redact,
    retry_after,
)
from evalkit.schema import Answer, Failure, Mode

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


def error(status: int, body: dict[str, object]) -> Failure:
    return parse_error(status, json.dumps({"error": body}).encode(), {})


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


@pytest.mark.parametrize(
    ("status", "body", "kind", "retryable", "fatal"),
    [
        (429, {"message": "slow down"}, "rate_limit", True, False),
        (429, {"message": "pay", "code": "insufficient_quota"}, "quota", False, True),
        (429, {"message": "pay", "type": "insufficient_quota"}, "quota", False, True),
        (402, {"message": "Insufficient Balance"}, "quota", False, True),
        (401, {"message": "bad key"}, "auth", False, True),
        (403, {"message": "not yours"}, "auth", False, True),
        (403, {"message": "the input was flagged by moderation"}, "refused", False, False),
        (404, {"message": "The model `x` does not exist"}, "refused", False, True),
        (400, {"message": "model 'x' not found, pull it first"}, "refused", False, True),
        (400, {"message": "prompt is too long"}, "refused", False, False),
        (413, {"message": "too large"}, "refused", False, False),
        (422, {"message": "invalid"}, "refused", False, False),
        (408, {"message": "slow"}, "server", True, False),
        (409, {"message": "conflict"}, "server", True, False),
        (500, {"message": "oops"}, "server", True, False),
        (529, {"message": "overloaded"}, "server", True, False),
    ],
)
def test_kinds_of_errors(
    status: int, body: dict[str, object], kind: str, *, retryable: bool, fatal: bool
) -> None:
    failure = error(status, body)
    assert (failure.kind, failure.retryable, failure.fatal) == (kind, retryable, fatal)
    assert str(status) in failure.message
    assert str(body["message"]) in failure.message


@pytest.mark.parametrize("content", [b"", b"<html>", b"{", b'"text"', b"[1]", b'{"error": [1]}'])
def test_an_error_of_any_shape_is_read(content: bytes) -> None:
    assert parse_error(500, content, {}).kind == "server"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, 59.0),
        ({"retry-after": "Fri, 31 Dec 1999 23:58:00 GMT"}, 0.0),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 -0000"}, 59.0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, datetime(1999, 12, 31, 23, 59, tzinfo=UTC)) == seconds


def test_a_quote_is_short_plain_and_without_keys() -> None:
    said = quote(
        "bad key sk-proj-abc_DEF***123 in\n\x1b[31mAuthorization: Bearer abc.def " + "x" * 500
    )
    assert "abc" not in said
    assert "\x1b" not in said
    assert len(said) <= 220
    assert quote("") == "nothing"
    assert redact("ask-me about risk-free tasks") == "ask-me about risk-free tasks"


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
    ("reply", "mode", "values"),
    [
        ({"logprobs": {"content": [{"logprob": -0.5}, {"logprob": -1}]}}, "chat", (-0.5, -1.0)),
        ({"logprobs": {"token_logprobs": [None, -2.0]}}, "completions", (-2.0,)),
        ({"logprobs": {"content": None}}, "chat", ()),
        ({"logprobs": {"content": [{"logprob": "low"}]}}, "chat", ()),
        ({"logprobs": None}, "completions", ()),
        ({}, "chat", ()),
    ],
)
def test_log_probabilities(reply: object, mode: Mode, values: tuple[float, ...]) -> None:
    assert read_logprobs(json.dumps({"choices": [reply]}).encode(), mode) == values


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"{}", b'{"choices": []}', b"\xff"])
def test_no_reply_has_no_log_probabilities(content: bytes) -> None:
    assert read_logprobs(content, "chat") == ()
