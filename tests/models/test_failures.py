from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from evalkit.models.failures import parse_error, quote, redact, retry_after
from evalkit.schema import Failure


def error(status: int, body: dict[str, object]) -> Failure:
    return parse_error(status, json.dumps({"error": body}).encode(), {})


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
        (408, {"message": "slow"}, "timeout", True, False),
        (504, {"message": "upstream timed out"}, "timeout", True, False),
        (524, {"message": "A timeout occurred"}, "timeout", True, False),
        (409, {"message": "conflict"}, "server", True, False),
        (425, {"message": "too early"}, "server", True, False),
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
        ({"retry-after": f"Fri, 31 Dec {'9' * 20} 23:59:59 GMT"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, datetime(1999, 12, 31, 23, 59, tzinfo=UTC)) == seconds


@pytest.mark.parametrize("status", [429, 503, 504])
@pytest.mark.parametrize("said", ["0", "0.0", "-3", "Fri, 31 Dec 1999 23:59:59 GMT"])
def test_a_wait_that_is_none_names_no_time(status: int, said: str) -> None:
    """Or a server that says it forever would be asked forever, without ever waiting longer."""
    assert parse_error(status, b"", {"retry-after": said}).retry_after is None
    assert parse_error(status, b"", {"retry-after": "0.5"}).retry_after == 0.5


def test_a_redirection_says_where_to_without_what_may_be_secret() -> None:
    to = "https://user:sk-abcdef@host.example/v1/chat/completions?token=abc"
    failure = parse_error(308, b"", {"location": to})
    assert (failure.kind, failure.retryable, failure.fatal) == ("refused", False, True)
    assert "host.example/v1/chat/completions," in failure.message
    assert not any(secret in failure.message for secret in ("abcdef", "token"))


def test_a_quote_is_short_plain_and_without_keys() -> None:
    said = quote(
        "bad key sk-proj-abc_DEF***123 in\n\x1b[31mAuthorization: Bearer abc.def " + "x" * 500
    )
    assert "abc" not in said
    assert "\x1b" not in said
    assert len(said) <= 220
    assert quote("") == "nothing"
    assert redact("ask-me about risk-free tasks") == "ask-me about risk-free tasks"
