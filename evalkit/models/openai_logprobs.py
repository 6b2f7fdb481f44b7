"""Log-probabilities of a given text, asked of a server of the OpenAI dialect.

The API was made for generating, so a text is scored by having it sent back: in completions mode as
the echo of a prompt that it ends, in chat mode as an assistant's turn that is to be continued
(`prompt_logprobs`, which vLLM has). One token is generated and thrown away: some servers read a
limit of 0 tokens as no limit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from evalkit.models.failures import quote
from evalkit.models.prompts import continued, flatten, wire
from evalkit.models.replies import first_choice, parse_reply
from evalkit.models.token_text import find_text, spell_prompt
from evalkit.schema import Answer, Failure, Likelihood, Mode, Request

ROUNDED = 1e-3
"""A log-probability may be above 0 by so much: of a certain token, in the arithmetic of a GPU."""

LEAST = -100.0
"""What a token counts that a server calls impossible; sums stay finite."""

LOGPROBS: Mapping[Mode, Mapping[str, Any]] = {
    # llama-cpp-python gives none in chat unless alternatives are asked for, too.
    "chat": {"logprobs": True, "top_logprobs": 1},
    "completions": {"logprobs": 1},
}
"""What asks for the log-probabilities of an answer's tokens."""

Pieces = tuple[Sequence[str], Sequence[object]]
"""Tokens as text, and their log-probabilities as received."""


def scoring_fields(request: Request, mode: Mode) -> dict[str, Any]:
    """What a request for a log-probability says besides the decoding parameters."""
    text = request.scored or ""
    if mode == "completions":
        prompt = continued(flatten(request.messages), text)
        return {"prompt": prompt, "echo": True, "logprobs": 1}
    return {
        "messages": [*wire(request.messages), {"role": "assistant", "content": text}],
        "prompt_logprobs": 1,
        "continue_final_message": True,
        "add_generation_prompt": False,
    }


def read_likelihood(content: bytes, request: Request, mode: Mode) -> Answer | Failure:
    """Read the reply to a request for a log-probability.

    Args:
        content: the body as received, whose status said success.
        request: what was asked.
        mode: which of the two API shapes was asked for.

    Returns:
        An answer with the likelihood; a failure of kind `unsupported` if the reply does not hold
        it, or whatever failure the reply is anyway.
    """
    answer = parse_reply(content, mode)
    if isinstance(answer, Failure):
        return answer
    reply = json.loads(content)
    answer = replace(answer, completion_tokens=_generated(reply, answer))
    found = _chat(reply) if mode == "chat" else _echo(reply, answer.completion_tokens)
    if found is None:
        return _unsupported("the server sent no log-probabilities of the prompt")
    tokens, values = found
    start = find_text(tokens, _sent(request, mode))
    if start is None:
        last = quote("".join(tokens[-3:]))
        return _unsupported(f"the tokens of the server end in {last!r}, not in the scored text")
    if mode == "completions" and not _are_prompt(tokens, answer, request):
        return _unsupported("the tokens of the server do not spell the prompt that was sent")
    if start == 0 and values and values[0] is None:
        start = 1  # the first token of all follows nothing, so it has no probability
    logprob = _summed(values[start:])
    if isinstance(logprob, Failure):
        return logprob
    likelihood = Likelihood(request.scored or "", logprob, len(values) - start)
    return replace(answer, text="", finish_reason="stop", likelihood=likelihood)


def _summed(values: Sequence[object]) -> float | Failure:
    """The log-probability of a text, from those of its tokens."""
    numbers = [_number(value) for value in values]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        return _unsupported("the server sent tokens of the scored text without log-probabilities")
    if max(known, default=0) > ROUNDED:
        return _unsupported("the server sent numbers above 0, which are no log-probabilities")
    return math.fsum(min(0.0, number) for number in known)


def _are_prompt(tokens: Sequence[str], answer: Answer, request: Request) -> bool:
    """Whether these are all tokens of the prompt: by their number, else by what they spell."""
    prompt = scoring_fields(request, "completions")["prompt"]
    return len(tokens) == answer.prompt_tokens or spell_prompt(tokens, prompt)


def _sent(request: Request, mode: Mode) -> str:
    """What the prompt ends in for the sake of the text."""
    text = request.scored or ""
    if mode == "chat":
        return text.strip()  # as most chat templates do
    prompt = flatten(request.messages)
    return continued(prompt, text)[len(prompt) :]


def _chat(reply: Any) -> Pieces | None:  # noqa: ANN401 - JSON
    """Tokens of the whole prompt: of each the first entry, others are what might have stood there.

    The very first is null: nothing precedes it.
    """
    try:
        entries = [next(iter((one or {"": {}}).values())) for one in reply["prompt_logprobs"]]
        tokens = [entry.get("decoded_token") or "" for entry in entries]
        return _checked(tokens, [entry.get("logprob") for entry in entries])
    except (AttributeError, KeyError, StopIteration, TypeError):
        return None


def _generated(reply: Any, answer: Answer) -> int | None:  # noqa: ANN401 - JSON
    """Tokens generated after the prompt: none if the model would end there.

    That looks like a server that does not count, since the answer has a text, the echo.
    """
    usage = reply.get("usage")
    told = usage.get("completion_tokens") if isinstance(usage, dict) else None
    return 0 if told == 0 else answer.completion_tokens


def _echo(reply: Any, generated: int | None) -> Pieces | None:  # noqa: ANN401 - JSON
    """Tokens of the echoed prompt, without those that were generated after it."""
    try:
        logprobs = first_choice(reply["choices"])["logprobs"]
        tokens, values = logprobs["tokens"], logprobs["token_logprobs"]
    except (KeyError, TypeError):
        return None
    pieces = _checked(tokens, values)
    end = 0 if pieces is None else len(pieces[0]) - (1 if generated is None else generated)
    return None if pieces is None or end <= 0 else (pieces[0][:end], pieces[1][:end])


def _checked(tokens: object, values: object) -> Pieces | None:
    """Two lists of one length, the first of texts; None if they are anything else."""
    if not isinstance(tokens, list) or not isinstance(values, list) or not tokens:
        return None
    texts = [token for token in tokens if isinstance(token, str)]
    return (texts, values) if len(texts) == len(tokens) == len(values) else None


def _number(value: object) -> float | None:
    """A log-probability, not below what one can be."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    return float(min(1, max(LEAST, value)))  # in this order: an int may be too large for a float


def _unsupported(why: str) -> Failure:
    return Failure("unsupported", why)
