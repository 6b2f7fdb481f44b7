"""The body of a request in the OpenAI dialect, less the parameters that a model refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from evalkit.models.failures import error_body
from evalkit.models.openai_logprobs import scoring_fields
from evalkit.models.prompts import flatten, wire
from evalkit.schema import Mode, Request

FORM = "response_format"
"""The parameter that holds a JSON Schema of the answer."""

_REFUSING = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}
"""Statuses by which servers refuse a parameter."""

_RENAMED = {"max_tokens": "max_completion_tokens"}
"""Parameters -> what a model takes instead."""

_SPARED = (
    *_RENAMED,
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "stop",
    "reasoning_effort",
    FORM,
)
"""Parameters that a model can be asked without, or by another name."""

_INVALID = "validation error"
"""How llama-cpp-python begins what it says, with status 500, of a body that it does not take."""

_UNSUPPORTED = re.compile(
    r"unsupported|not supported|n[o']t support|unrecognized|unknown|not permitted|unexpected"
    r"|response_format type is unavailable"
    r"|array too long"  # OpenAI: more stop texts than it takes
    r"|literal_error"  # pydantic: a value that is none of those it knows
    r"|supports up to \d+ stop"  # TGI: the same
    r"|must be > 0\.0 and < 1\.0",  # TGI: a `top_p` of 1, which is none
    re.IGNORECASE,
)
"""How servers say that they do not take a parameter."""

_ECHO = re.compile(r"['\"]input['\"]: ")
"""Where an error of pydantic begins to repeat the request, with every parameter in quotes."""


class RequestBody:
    """What is sent to one model.

    Attributes:
        refused: decoding parameters that it has turned out not to take.
        notes: what a reader must know about them.
    """

    def __init__(self, model: str, mode: Mode, extra: str = "") -> None:
        self.refused: set[str] = set()
        self.notes: list[str] = []
        self._model = model
        self._mode = mode
        self._extra: dict[str, Any] = json.loads(extra) if extra else {}
        self._taken: set[tuple[str, object]] = set()

    def of(self, request: Request) -> dict[str, Any]:
        """Everything that shapes an answer by name, for servers' defaults differ."""
        generation = request.generation
        body: dict[str, Any] = {
            "model": self._model,
            "temperature": generation.temperature,
            "top_p": generation.top_p,
            "top_k": generation.top_k,
            "max_tokens": generation.max_tokens,
            "seed": generation.seed,
            "stop": list(generation.stop) or None,
            "reasoning_effort": request.effort,
            FORM: _form(request.schema) if request.schema and self._mode == "chat" else None,
        }
        body = self._extra | {name: value for name, value in body.items() if value is not None}
        for name in self.refused & body.keys():
            value = body.pop(name)
            if name in _RENAMED:
                body[_RENAMED[name]] = value
        if request.scored is not None:
            return body | scoring_fields(request, self._mode)
        if self._mode == "chat":
            return {**body, "messages": wire(request.messages)}
        return {**body, "prompt": flatten(request.messages)}

    def unsent_stop(self, request: Request) -> tuple[str, ...]:
        """The stop texts that `of` leaves out, so that the answer must be cut here."""
        return request.generation.stop if "stop" in self.refused else ()

    def adapt(self, status: int, content: bytes, sent: Iterable[str] = _SPARED) -> bool:
        """Whether a reply refuses a parameter, which is left out from now on.

        Args:
            status: of the reply.
            content: its body.
            sent: names of what was sent and is ours to leave out.
        """
        name = _refused_parameter(status, content, set(sent))
        if name is None:
            return False
        if name not in self.refused:
            self.refused.add(name)
            self.notes.append(_refusal(name))
        return True

    def took(self, body: Mapping[str, Any]) -> None:
        """The model has answered a request with this body."""
        self._taken |= {(name, _extent(body[name])) for name in _SPARED if name in body}

    def contradicts(self, status: int, content: bytes, body: Mapping[str, Any]) -> bool:
        """Whether a reply refuses what the model has taken before, just so.

        Then it was one of several servers that answer by this name, or an error that repeats the
        prompt; it says nothing of the model, whose answers would otherwise be decoded in two ways.
        """
        name = _refused_parameter(status, content, set(body))
        return name is not None and (name, _extent(body[name])) in self._taken

    def learn(self, notes: Iterable[str]) -> None:
        """Begin with what notes of earlier runs say about this model."""
        known = {_refusal(name): name for name in _SPARED}
        self.refused |= {known[note] for note in notes if note in known}


def _refused_parameter(status: int, content: bytes, sent: set[str]) -> str | None:
    """Which parameter of ours a reply says this model does not take; None if it says else."""
    said = error_body(content)
    if status not in _REFUSING and _INVALID not in str(said.get("message")):
        return None
    text = f"{said.get('code')} {said.get('message')} {content.decode(errors='replace')}"
    text = _ECHO.split(text, 1)[0]
    if not _UNSUPPORTED.search(text):
        return None
    named = [name for name in _SPARED if name in sent]
    param = str(said.get("param")).removeprefix("body.").partition(".")[0]
    if param in named:
        return param
    meant = [name for name in named if _names(text, name)]
    if not meant and FORM in named and FORM in text:  # no word that means anything else
        return FORM
    return meant[0] if meant else None


def _extent(value: object) -> object:
    """As much of a value as may be what a model does not take: a number, or how many texts."""
    if isinstance(value, list):
        return len(value)
    return value if isinstance(value, int | float) else None


def _names(text: str, name: str) -> bool:
    """Whether an error names a parameter: in quotes, or as `argument supplied: top_k`."""
    bare = rf"(argument|param|field|property)[^:'\"`]{{0,60}}:\s*{name}\b"
    return re.search(rf"['\"`]{name}['\"`]|{bare}", text, re.IGNORECASE) is not None


def _form(schema: str) -> dict[str, Any]:
    """A JSON Schema as servers take it."""
    return {
        "type": "json_schema",
        "json_schema": {"name": "reply", "strict": True, "schema": json.loads(schema)},
    }


def _refusal(name: str) -> str:
    """What a reader must know about a parameter that a server does not take."""
    if name in _RENAMED:
        return f"the server refused `{name}`; `{_RENAMED[name]}` was sent instead"
    if name == "stop":
        return "the server refused `stop`; answers were cut at the stop texts here"
    if name == FORM:
        return f"the server refused `{name}`; replies are read whatever their form"
    return f"the server refused `{name}`; answers are by the server's own value"
