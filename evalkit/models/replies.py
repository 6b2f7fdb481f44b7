"""What a server of the OpenAI dialect sent back -> `Answer | Failure`.

A reply with status 200 is not yet an answer: gateways send HTML, routers wrap errors, servers leave
out choices. Each shape has its place here, so that only answers are ever scored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from evalkit.schema import Answer, Failure, Mode

SHOWN = 200
"""How many characters of a server's own words go into a message."""

QUOTA = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
"""Error codes that say: pay first; waiting does not help."""

_TRANSIENT = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
_UNAUTHORISED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_MODERATED = re.compile(r"moderat|flagged|content[ _]policy|content[ _]filter", re.IGNORECASE)
_NO_MODEL = re.compile(r"model.{0,200}?(not (be )?found|not exist)", re.IGNORECASE | re.DOTALL)


def parse_reply(content: bytes, mode: Mode) -> Answer | Failure:
    """Read the body of a reply whose status said success.

    Args:
        content: the body as received.
        mode: which of the two API shapes was asked for.

    Returns:
        The answer; or a failure of kind `malformed`, or of the kind that a wrapped error names.
    """
    try:
        reply = json.loads(content)
    except (ValueError, RecursionError):
        return _malformed(f"expected JSON, found {quote(content.decode(errors='replace'))}")
    if not isinstance(reply, dict):
        return _malformed(f"expected a JSON object, found {type(reply).__name__}")
    if reply.get("error"):
        return _wrapped_error(reply["error"])
    choices = reply.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return _malformed(f"expected at least one choice, found {quote(json.dumps(choices))}")
    text = _text(choices[0], mode)
    if text is None:
        return _malformed(f"expected a choice with text, found {quote(json.dumps(choices[0]))}")
    usage = reply.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    reason = choices[0].get("finish_reason")
    served = reply.get("model")
    return Answer(
        text=text,
        finish_reason=reason if isinstance(reason, str) and reason else "unknown",
        prompt_tokens=_count(counts.get("prompt_tokens")),
        completion_tokens=_count(counts.get("completion_tokens")),
        served_model=served if isinstance(served, str) and served else None,
    )


def read_logprobs(content: bytes, mode: Mode) -> tuple[float, ...]:
    """Log-probabilities (nats) of the tokens of a reply; empty where it has none.

    Args:
        content: the body as received.
        mode: which of the two API shapes was asked for.
    """
    try:
        logprobs = json.loads(content)["choices"][0]["logprobs"]
        if mode == "chat":
            values = [token["logprob"] for token in logprobs["content"]]
        else:
            values = [value for value in logprobs["token_logprobs"] if value is not None]
        return tuple(float(value) for value in values)
    except (ValueError, TypeError, LookupError, RecursionError):
        return ()


def parse_error(status: int, content: bytes, headers: Mapping[str, str]) -> Failure:
    """Name the kind of a reply whose status said failure.

    Args:
        status: HTTP status, or the status that a wrapped error names.
        content: the body as received.
        headers: of the reply.
    """
    body = error_body(content)
    message = body.get("message")
    said = message if isinstance(message, str) and message else content.decode(errors="replace")
    text = f"the server answered {status}: {quote(said)}"
    codes = {str(body.get("code")), str(body.get("type"))}
    if status == HTTPStatus.PAYMENT_REQUIRED or codes & QUOTA:
        return Failure("quota", f"{text}; the account has no credit left", fatal=True)
    if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = "rate_limit" if status == HTTPStatus.TOO_MANY_REQUESTS else "server"
        return Failure(kind, text, retryable=True, retry_after=retry_after(headers))
    if status in _UNAUTHORISED and not _MODERATED.search(said):
        return Failure("auth", text, fatal=True)
    unknown = status == HTTPStatus.NOT_FOUND or _NO_MODEL.search(said) is not None
    return Failure("refused", text, fatal=unknown)


def error_body(content: bytes) -> dict[str, Any]:
    """The error object of a body, whatever it is wrapped in: `error`, `detail` or nothing."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    for name in ("error", "detail"):
        if isinstance(body, dict) and name in body:
            body = body[name]
    if isinstance(body, dict):
        return body
    return {"message": body if isinstance(body, str) else json.dumps(body)}


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds the server asked us to wait.

    They stand in `retry-after-ms`, or in `retry-after` as seconds or as a date.

    Args:
        headers: of the reply.
        now: the present, for tests.
    """
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) / unit
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    try:
        when = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())


def quote(text: str) -> str:
    """A server's own words: one line, printable, clipped, without keys."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return redact(line if len(line) <= SHOWN else line[: SHOWN - 3] + "...") or "nothing"


def redact(text: str) -> str:
    """Take out of a text whatever looks like a key."""
    return re.sub(r"\bsk-[\w*-]{4,}|(?<=Bearer )[^\s\"']+", "[key]", text)


def _wrapped_error(error: object) -> Failure:
    """An error inside a reply that said success; its code, where it is a status, tells the kind."""
    body = error if isinstance(error, dict) else {"message": str(error)}
    code = str(body.get("code", ""))
    content = json.dumps({"error": body}).encode()
    if re.fullmatch(r"[45]\d\d", code):
        return parse_error(int(code), content, {})
    failure = parse_error(502, content, {})
    if failure.fatal:
        return failure
    message = body.get("message")
    said = message if isinstance(message, str) else json.dumps(body)
    return _malformed(f"found an error in its place: {quote(said)}")


def _malformed(found: str) -> Failure:
    return Failure("malformed", f"the server's reply is no answer: {found}", retryable=True)


def _text(choice: Mapping[str, Any], mode: Mode) -> str | None:
    """The completion; None if the choice has no place for one.

    A model that spent everything on thinking leaves `content` null: its answer is empty, and what
    it thought (`reasoning_content`, `reasoning`) is no part of it.
    """
    if mode == "completions":
        text = choice.get("text", choice)
        return "" if text is None else _joined(text)
    message = choice.get("message")
    if not isinstance(message, dict):
        return None
    content = message.get("content")
    if content is None:
        refusal = message.get("refusal")
        return refusal if isinstance(refusal, str) else ""
    return _joined(content)


def _joined(content: object) -> str | None:
    """Text, or the text parts of a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
