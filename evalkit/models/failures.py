"""What a server of the OpenAI dialect means by a reply that failed -> `Failure`.

The status says much, and for many servers not enough: a 403 may mean the key, this one prompt, or
log-probabilities that the model does not give. What is read here is what the servers' own sources
and pages say that they send; `tests/models/test_dialects.py` has an example of each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from evalkit.schema import Failure, FailureKind

SHOWN = 200
"""How many characters of a server's own words go into a message."""

QUOTA = frozenset(
    {
        "insufficient_quota",  # OpenAI, with status 429
        "billing_hard_limit_reached",
        "billing_not_active",
        "budget_exceeded",  # LiteLLM, with status 400 or 429
    }
)
"""Error codes that say: pay first; waiting does not help."""

NO_MODEL = frozenset({"model_not_found", "unknown_model", "invalid_model"})
"""Error codes that say: no model of that name; GitHub and Mistral send them with status 400."""

_FLEX_FULL, _CLIENT_GONE, _ORIGIN_SLOW = 498, 499, 524
_LATE = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.GATEWAY_TIMEOUT,
    _ORIGIN_SLOW,  # Cloudflare: the server behind it took a request and has not answered
}
"""Somebody on the way lost patience: behind it the answer may have been made, and be billed."""

_ORIGIN_DOWN, _ORIGIN_SILENT, _ORIGIN_UNREACHABLE, _ORIGIN_UNKNOWN = 521, 522, 523, 530
_AWAY = {
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    _ORIGIN_DOWN,  # Cloudflare, as those that follow
    _ORIGIN_SILENT,
    _ORIGIN_UNREACHABLE,
    _ORIGIN_UNKNOWN,
}
"""A gateway finds no server behind it."""

_TRANSIENT = {
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.FAILED_DEPENDENCY,  # TGI: the model broke down over a request
    _FLEX_FULL,  # Groq: no capacity in this tier
    _CLIENT_GONE,  # SGLang: somebody aborted the request at the server
}
"""Statuses below 500 behind which the next attempt may fare better."""

_UNAUTHORISED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_ABOUT_REQUEST = re.compile(
    r"moderat|flagged|content[ _]policy|content[ _]filter|request blocked|logprobs", re.IGNORECASE
)
"""What a 401 or 403 says that is about this one request and not about the key."""

_NEVER = re.compile(
    r"request too large"  # OpenAI, status 429: larger than the limit of a whole minute
    r"|no echo is supported"  # llama-server, status 500
    r"|logprobs is not supported|^\d+ validation errors?:",  # llama-cpp-python, status 500
    re.IGNORECASE,
)
"""What is said of a request that would fail at any time, whatever the status."""

_CUT_SHORT = re.compile(r"could not finish the message because max_tokens", re.IGNORECASE)
"""How OpenAI refuses what a model spent on thinking; see `is_cut_short`."""

_BROKE = re.compile(r"budget has been exceeded|credit balance is too low", re.IGNORECASE)
"""What is said, without a code for it, of an account that has no credit left."""

_WRONG_KEY = re.compile(r"incorrect api key|api key not valid", re.IGNORECASE)
"""How xAI and Gemini refuse a key, with status 400."""

_NO_MODEL = re.compile(
    r"model.{0,200}?(not (be )?found|not exist)|invalid model( name| id)?\b|not a valid model",
    re.IGNORECASE | re.DOTALL,
)
"""How servers say that no model has that name."""


def parse_error(status: int, content: bytes, headers: Mapping[str, str]) -> Failure:
    """Name the kind of a reply whose status said failure.

    Args:
        status: HTTP status, or the status that a wrapped error names.
        content: the body as received.
        headers: of the reply.
    """
    if (astray := _astray(status, headers.get("location", ""))) is not None:
        return astray
    body = error_body(content)
    message = body.get("message")
    said = message if isinstance(message, str) and message else content.decode(errors="replace")
    text = f"the server answered {status}: {quote(said)}"
    wait = retry_after(headers)
    # 0 seconds, or a date that is past, name no time: who means it forever would be asked forever.
    named = wait or None
    codes = {str(body.get("code")), str(body.get("type"))}
    unpaid = status == HTTPStatus.PAYMENT_REQUIRED
    # OpenRouter also sends 402 when too much is in flight for the credit, and then says how long.
    if codes & QUOTA or _BROKE.search(said) or (unpaid and wait is None):
        return Failure("quota", f"{text}; the account has no credit left", fatal=True)
    if status == HTTPStatus.NOT_IMPLEMENTED or _NEVER.search(said):
        return Failure("refused", text)
    if (kind := _passing(status)) is not None:
        return Failure(kind, text, retryable=True, retry_after=named, away=status in _AWAY)
    unauthorised = status in _UNAUTHORISED and not _ABOUT_REQUEST.search(said)
    if unauthorised or _WRONG_KEY.search(said):
        return Failure("auth", text, fatal=True)
    unknown = status == HTTPStatus.NOT_FOUND or codes & NO_MODEL or _NO_MODEL.search(said)
    return Failure("refused", text, fatal=bool(unknown))


def is_page(content: bytes) -> bool:
    """Whether a reply is none of an API's: a page for people, as proxies on the way send them."""
    try:
        return not isinstance(json.loads(content), dict | list)
    except (ValueError, RecursionError):
        return True


def _astray(status: int, location: str) -> Failure | None:
    """A request that did not get to who was to be asked; None if it did."""
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        said = "a proxy on the way wants a name and a password: http://NAME:PASSWORD@HOST:PORT"
        return Failure("refused", f"{said} in the environment variable that names it", fatal=True)
    if not HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return None
    place = quote(location.partition("?")[0].rpartition("@")[2])  # what may be secret stays out
    return Failure(
        "refused",
        f"the server answered {status}: it sends requests on to {place}, and prompts go nowhere "
        "but where you say; if they are to go there, name that address as the base URL, up to /v1",
        fatal=True,
    )


def is_cut_short(status: int, content: bytes) -> bool:
    """Whether a refusal tells of an answer that `max_tokens` cut off before its first word.

    OpenAI refuses the request if a reasoning model has spent them all on thinking, where other
    servers (and OpenAI at other times) send an empty answer.
    """
    if status != HTTPStatus.BAD_REQUEST:
        return False
    return _CUT_SHORT.search(str(error_body(content).get("message"))) is not None


def _passing(status: int) -> FailureKind | None:
    """Kind of a failure that may be gone at the next attempt; None if it won't."""
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.PAYMENT_REQUIRED}:
        return "rate_limit"
    if status in _LATE:
        return "timeout"
    if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "server"
    return None


def error_body(content: bytes) -> dict[str, Any]:
    """The error object of a body, wrapped in `error`, `detail`, a list of one, or in nothing."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    if isinstance(body, list) and len(body) == 1:  # Gemini
        body = body[0]
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
    except (ValueError, OverflowError):
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
