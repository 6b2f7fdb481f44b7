"""What a server of the OpenAI dialect sent back -> `Answer | Failure`.

A reply with status 200 is not yet an answer: gateways send HTML, routers wrap errors, servers leave
out choices. Each shape has its place here, so that only answers are ever scored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from evalkit.models.failures import parse_error, quote
from evalkit.schema import Answer, Failure, Mode

CUT_SHORT = b'{"choices": [{"text": "", "message": {"content": ""}, "finish_reason": "length"}]}'
"""An answer that was cut off before its first word."""

_BROKEN_OFF = frozenset(
    {
        "abort",  # vLLM, SGLang: paused, put to sleep or stopped in the middle
        "error",  # OpenRouter, Mistral
        "insufficient_system_resource",  # DeepSeek
        "cancelled",  # TensorRT-LLM
        "timeout",  # TensorRT-LLM
    }
)
"""Reasons for which it was the server that ended an answer; the model had more to say."""

_CUT_OFF = frozenset({"model_length"})
"""Other words for `length`: Mistral's for a full context."""


MOST_TOKENS = 10**9
"""No reply takes more; what says so has not counted."""


def parse_reply(content: bytes, mode: Mode) -> Answer | Failure:
    """Read the body of a reply whose status said success.

    Args:
        content: the body as received.
        mode: which of the two API shapes was asked for.

    Returns:
        The answer; or a failure of kind `malformed`, of the kind that a wrapped error names, or
        `server` if the answer was broken off.
    """
    try:
        reply = json.loads(content)
    except (ValueError, RecursionError):
        return _malformed(f"expected JSON, found {quote(content.decode(errors='replace'))}")
    failure = _failure(reply)
    if failure is not None:
        return failure
    choice = first_choice(reply["choices"])
    text = _text(choice, mode)
    if text is None:
        return _malformed(f"expected a choice with text, found {quote(json.dumps(choice))}")
    usage = reply.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    return Answer(
        text=text,
        finish_reason=_reason(choice),
        prompt_tokens=_count(counts.get("prompt_tokens"), least=1),
        completion_tokens=_count(counts.get("completion_tokens"), least=1 if text else 0),
        served_model=_served(reply),
    )


def read_logprobs(content: bytes) -> tuple[float, ...]:
    """Log-probabilities (nats) of the tokens of a reply; empty where it has none.

    OpenAI has one shape for chat and another for plain text; llama-server and Ollama send that of
    chat for both.

    Args:
        content: the body as received.
    """
    try:
        logprobs = first_choice(json.loads(content)["choices"])["logprobs"]
        if "content" in logprobs:
            values = [token["logprob"] for token in logprobs["content"]]
        else:
            values = [value for value in logprobs["token_logprobs"] if value is not None]
        found = tuple(float(value) for value in values)
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
        return ()
    return found if all(map(isfinite, found)) else ()


def first_choice(choices: Sequence[Any]) -> Any:  # noqa: ANN401 - JSON
    """The choice that was asked for; a server that sends more may send them in any order."""
    numbered = (c for c in choices if isinstance(c, dict) and c.get("index") == 0)
    return next(numbered, choices[0])


def _failure(reply: object) -> Failure | None:
    """Why a reply that said success is none; None if its first choice can be read."""
    if not isinstance(reply, dict):
        return _malformed(f"expected a JSON object, found {type(reply).__name__}")
    if reply.get("error") or reply.get("object") == "error":
        return _wrapped_error(reply.get("error") or reply)
    choices = reply.get("choices")
    choice = first_choice(choices) if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return _malformed(f"expected at least one choice, found {quote(json.dumps(choices))}")
    if choice.get("error"):
        return _wrapped_error(choice["error"])
    reason = _reason(choice)
    if reason in _BROKEN_OFF:
        return Failure("server", f"the server broke off the answer ({reason})", retryable=True)
    return None


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


def _reason(choice: Mapping[str, Any]) -> str:
    """Why an answer ended, in the words of OpenAI where it is one of its reasons."""
    reason = choice.get("finish_reason")
    if not isinstance(reason, str) or not reason:
        return "unknown"
    return "length" if reason in _CUT_OFF else reason


def _served(reply: Mapping[str, Any]) -> str | None:
    """The name under which a server says it answered; of OpenRouter with whom it has asked."""
    model, provider = reply.get("model"), reply.get("provider")
    if not isinstance(model, str) or not model:
        return None
    return f"{model} by {provider}" if isinstance(provider, str) and provider else model


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


def _count(value: object, least: int) -> int | None:
    """A number of tokens; None where a server writes down what cannot be one.

    Some write 0 where they did not count, and money would be spent beside every limit.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if least <= value <= MOST_TOKENS else None
