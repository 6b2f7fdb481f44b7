"""What is tried on a served model, and what its replies tell. Pure: nothing is sent here.

A server that ignores a parameter says nothing, so each one is tried where its effect can be seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalkit.models.openai_logprobs import LOGPROBS
from evalkit.models.replies import parse_reply, read_logprobs
from evalkit.schema import Failure, Generation, Honour, Message, Mode, Request

COUNTING = "Go on counting: 1 2 3 4 5 6"
"""Every model has much to say to it, and the same again."""

SAMPLING = "Write ten random words:"
"""Every model that samples says something else each time."""

LONG, SHORT = 8, 4
"""Tokens that are asked for: enough to see an effect."""

PENALTY = "no penalty"
"""Name of the trial that sends these."""

UNPENALISED = {"repeat_penalty": 1.0, "repetition_penalty": 1.0}
"""Asks llama.cpp's family, and vLLM's, not to make tokens unlikely that have been said."""

PROMPTS = (COUNTING, SAMPLING)
"""By these a server's log tells a probe from a run."""

Replies = Mapping[str, bytes | Failure]
"""Name of a trial -> the body that came back, or why none did."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One small request.

    Attributes:
        name: what it tries.
        request: what is asked.
        fields: what is sent besides.
    """

    name: str
    request: Request
    fields: Mapping[str, Any] = field(default_factory=dict)


def plain_trial() -> Trial:
    """The plain request, with whose answer the others are compared."""
    return _counting("plain")


def trials(mode: Mode, plain: bytes) -> Iterator[Trial]:
    """What is tried besides the plain request, whose reply is given."""
    stop = _stopping(_text(plain, mode))
    if stop is not None:
        yield _counting("stop", stop=(stop,))
    yield _counting("n", fields={"n": 2})
    yield _counting("logprobs", fields=LOGPROBS[mode])
    yield _counting(PENALTY, fields=UNPENALISED)
    if mode == "chat":
        yield _counting("max_completion_tokens", fields={"max_completion_tokens": SHORT})
    else:
        yield _counting("echo", fields={"echo": True, "logprobs": 1})
    for name, seed in (("seed", 1), ("seed again", 1), ("another seed", 2)):
        yield _trial(name, SAMPLING, Generation(temperature=1.0, max_tokens=LONG, seed=seed))


def _counting(
    name: str, *, stop: tuple[str, ...] = (), fields: Mapping[str, Any] | None = None
) -> Trial:
    return _trial(name, COUNTING, Generation(max_tokens=LONG, stop=stop), fields)


def _trial(
    name: str, prompt: str, generation: Generation, fields: Mapping[str, Any] | None = None
) -> Trial:
    request = Request("probe", "probe", name, prompt, (Message("user", prompt),), generation)
    return Trial(name, request, fields or {})


def honours(replies: Replies, mode: Mode, refused: frozenset[str]) -> dict[str, Honour]:
    """What an endpoint does with each parameter, by its replies to the trials.

    Args:
        replies: of the plain request and of every trial.
        mode: how it was asked.
        refused: parameters that it said it does not take.
    """
    plain, seeds = replies["plain"], ("seed", "seed again", "another seed")
    found: dict[str, Honour] = {"max_tokens": _ends(plain, mode, LONG)}
    if mode == "chat":
        found["max_completion_tokens"] = _ends(replies["max_completion_tokens"], mode, SHORT)
    if "max_tokens" in refused:  # what it takes instead is what the plain request was sent with
        found |= {"max_tokens": "refused", "max_completion_tokens": _ends(plain, mode, LONG)}
    found["stop"] = _stops(plain, replies.get("stop"), mode)
    found["seed"] = _repeats([replies[name] for name in seeds], mode)
    found |= {name: "refused" for name in ("stop", "seed") if name in refused}
    found["n"] = _shows(replies["n"], _choices(replies["n"]) > 1)
    found["logprobs"] = _shows(replies["logprobs"], _has_logprobs(replies["logprobs"]))
    if mode == "completions":
        echoed = COUNTING in _text(replies["echo"], mode)
        found["echo"] = _shows(replies["echo"], echoed)
    return found


def penalises(replies: Replies, mode: Mode) -> bool:
    """Whether an endpoint penalises repetition by itself, as far as so short an answer shows it.

    Args:
        replies: of the plain request and of every trial.
        mode: how it was asked.
    """
    same, free = (
        {_text(replies[name], mode) for name in names}
        for names in (("plain", "n", "logprobs"), (PENALTY,))
    )
    return len(same) == 1 and not isinstance(replies[PENALTY], Failure) and same != free


def _shows(reply: bytes | Failure, effect: bool) -> Honour:  # noqa: FBT001 - what was looked for
    if isinstance(reply, Failure):
        return "refused" if reply.kind == "refused" else "unknown"
    return "yes" if effect else "ignored"


def _ends(reply: bytes | Failure, mode: Mode, most: int) -> Honour:
    """Whether an answer of a model that had more to say ended after so many tokens."""
    if isinstance(reply, Failure):
        return _shows(reply, effect=False)
    answer = parse_reply(reply, mode)
    if isinstance(answer, Failure) or answer.completion_tokens is None:
        return "unknown"
    if answer.completion_tokens > most:
        return "ignored"
    return "yes" if answer.finish_reason == "length" else "unknown"


def _stops(plain: bytes | Failure, stopped: bytes | Failure | None, mode: Mode) -> Honour:
    """Whether a word of the plain answer ended the same answer when it was a stop text."""
    text = _text(plain, mode)
    stop = _stopping(text)
    if stop is None or stopped is None:
        return "unknown"
    said, (before, _, after) = _text(stopped, mode), text.partition(stop)
    if isinstance(stopped, Failure):
        return _shows(stopped, effect=False)
    if stop in said:  # `transformers serve` leaves the stop text in the answer
        ended = bool(after.strip()) and said.split() == f"{before}{stop}".split()
        return _shows(stopped, ended)
    return "yes" if said.split() == before.split() else "unknown"


def _stopping(text: str) -> str | None:
    """The first word of an answer but one that nothing before it holds, not even within a word."""
    words = text.split()
    return next(
        (w for i, w in enumerate(words) if i and text.partition(w)[0].split() == words[:i]), None
    )


def _repeats(replies: Sequence[bytes | Failure], mode: Mode) -> Honour:
    """Whether one seed gives one answer, and another seed another."""
    failures = [reply for reply in replies if isinstance(reply, Failure)]
    if failures:
        return _shows(failures[0], effect=False)
    first, again, other = (_text(reply, mode) for reply in replies)
    if first != again:
        return "ignored"
    return "unknown" if first == other else "yes"


def _choices(reply: bytes | Failure) -> int:
    return 0 if isinstance(reply, Failure) else len(json.loads(reply)["choices"])


def _has_logprobs(reply: bytes | Failure) -> bool:
    return not isinstance(reply, Failure) and bool(read_logprobs(reply))


def _text(reply: bytes | Failure, mode: Mode) -> str:
    answer = reply if isinstance(reply, Failure) else parse_reply(reply, mode)
    return "" if isinstance(answer, Failure) else answer.text
