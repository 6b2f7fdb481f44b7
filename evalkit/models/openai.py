"""`openai:` OpenAI and every server that speaks its dialect: vLLM, SGLang, llama.cpp, Ollama, ...

The `openai` package carries the request; retries, limits and cache belong to the runner, and
replies are read by `replies`, not by the package's models: those let look-alike answers through.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from evalkit.errors import UsageError
from evalkit.models.failures import is_cut_short, is_page, parse_error, quote
from evalkit.models.keys import KEY_VARIABLE, NO_KEY, OPENAI_URL, read_key, without_key
from evalkit.models.limits import Allowance, read_allowances
from evalkit.models.listing import read_listing
from evalkit.models.network import detour, open_client
from evalkit.models.openai_batches import OpenAIBatches
from evalkit.models.openai_body import RequestBody
from evalkit.models.openai_logprobs import LOGPROBS, read_likelihood
from evalkit.models.prompts import cut, flatten, wire
from evalkit.models.replies import CUT_SHORT, parse_reply, read_logprobs
from evalkit.models.transport import no_reply, response_type, transport_errors
from evalkit.schema import Answer, Failure, Mode, ModelSpec, Request, ServedModel

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

LOST_ON_THE_WAY = {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
"""What a proxy says by a page while it is set up anew or suspects a robot. Of a model that has
answered it means nothing: the name is right, and so is the key."""

URL_VARIABLE = "OPENAI_BASE_URL"

FIRST_TOKENS = 16
"""How many tokens' log-probabilities are asked for: enough to tell two models apart."""


def open_openai(spec: ModelSpec) -> OpenAIProvider:
    """Open a served model; nothing is sent yet.

    Args:
        spec: `base_url` falls back to the variable OPENAI_BASE_URL and then to OpenAI itself;
            `api_key_env` to OPENAI_API_KEY; `mode` to chat.

    The key is read when something is sent, so that answers that are in the cache need none.

    Raises:
        UsageError: the base URL is none.
    """
    if not spec.model:
        raise UsageError(f"model {spec.name!r}: `openai:` needs a model name, as in openai:gpt-4.1")
    if not spec.model.isprintable():  # a line end, say, or a byte that was no letter
        raise UsageError(f"model {spec.name!r}: found {spec.model!r}, expected a name of letters")
    return OpenAIProvider(spec, base_url_of(spec))


def base_url_of(spec: ModelSpec) -> str:
    """Where a model is asked: its own address, or the environment's, or OpenAI's."""
    return spec.base_url or os.environ.get(URL_VARIABLE, "").strip() or OPENAI_URL


class OpenAIProvider:
    """A model behind an OpenAI-compatible server; see `Provider`."""

    batch = 1
    parallel: int | None = None
    cacheable = True
    scores_texts = True

    def __init__(self, spec: ModelSpec, base_url: str) -> None:
        self.endpoint = _public_url(base_url, spec)
        mode: Mode = spec.mode or "chat"
        self.identity = f"{mode}:{spec.model}{spec.extra_body and f' {spec.extra_body}'}"
        self.model = spec.model
        self.mode = mode
        self.path = "/v1/chat/completions" if mode == "chat" else "/v1/completions"
        self._spec = spec
        self._base_url = base_url
        self._variable = spec.api_key_env or KEY_VARIABLE
        self._body = RequestBody(spec.model, mode, spec.extra_body)
        self.notes = self._body.notes
        self._allowances: tuple[Allowance, ...] = ()
        self._answered = False

    def prompt_key(self, request: Request) -> str:
        """The text in completions mode, the messages as JSON in chat mode."""
        if self.mode == "completions":
            return flatten(request.messages)
        return json.dumps(wire(request.messages))

    async def complete(self, requests: Sequence[Request]) -> list[Answer | Failure]:
        """Ask, one request after the other; the runner sends one at a time."""
        return [await self._ask(request) for request in requests]

    async def logprobs(self, request: Request) -> tuple[float, ...] | Failure:
        """Log-probabilities of the first tokens of the answer; see `Named`."""
        most = min(request.generation.max_tokens, FIRST_TOKENS)
        short = replace(request, generation=replace(request.generation, max_tokens=most))
        content = await self.reply(short, **LOGPROBS[self.mode])
        if isinstance(content, bytes):
            return read_logprobs(content)
        return () if content.kind == "refused" and not content.fatal else content

    async def listing(self) -> tuple[ServedModel, ...] | Failure:
        """What the server says that it serves, or why it doesn't."""
        from openai import APIStatusError

        try:
            reply = await self._client.models.with_raw_response.list()
        except APIStatusError as error:
            content = self._without_key(error.response.content)
            return parse_error(error.response.status_code, content, error.response.headers)
        except transport_errors() as error:
            return self._no_reply(error)
        content = self._without_key(reply.http_response.content)
        listed = read_listing(content)
        if listed is None:
            found = quote(content.decode(errors="replace"))
            return Failure("malformed", f"found {found}, expected a list of models")
        return listed

    @property
    def refused(self) -> frozenset[str]:
        """Decoding parameters that this model has turned out not to take."""
        return frozenset(self._body.refused)

    def take_allowances(self) -> tuple[Allowance, ...]:
        """What the server said about its rate limits in its last reply; see `Metered`."""
        taken, self._allowances = self._allowances, ()
        return taken

    async def close(self) -> None:
        """Close the sockets, if there are any."""
        if "_client" in self.__dict__:
            await self._client.close()

    def body(self, request: Request) -> dict[str, Any]:
        """What is sent; see `Batched`."""
        return self._body.of(request)

    def unsent_stop(self, request: Request) -> tuple[str, ...]:
        """The stop texts that `body` leaves out, so that the answer must be cut here."""
        return self._body.unsent_stop(request)

    def read(self, status: int, content: bytes, stop: Sequence[str]) -> Answer | Failure:
        """The outcome in a reply that came by file; `stop` are the texts that were not sent."""
        content = self._without_key(content)
        if is_cut_short(status, content):
            return parse_reply(CUT_SHORT, self.mode)
        if status == HTTPStatus.OK:
            return _ended(parse_reply(content, self.mode), stop)
        failure = parse_error(status, content, {})
        refused = self._body.adapt(status, content)
        return replace(failure, retryable=True) if refused else failure

    def learn(self, notes: Iterable[str]) -> None:
        """Begin with what notes of earlier runs say about this model."""
        self._body.learn(notes)

    def open_batches(self, timeout: float | None) -> OpenAIBatches:
        """The server's batches; see `Batched`."""
        return OpenAIBatches(self._client, self.endpoint, self._without_key, timeout)

    @cached_property
    def _client(self) -> AsyncOpenAI:
        return open_client(self._spec.name, self._base_url, self._key)

    @cached_property
    def _key(self) -> str:
        needed = self._spec.api_key_env is not None
        return read_key(self._spec.name, self._variable, self.endpoint, needed=needed)

    async def reply(self, request: Request, **fields: Any) -> bytes | Failure:  # noqa: ANN401 - JSON
        """Ask once; once more for each parameter that this model turns out not to take.

        Args:
            request: what is asked.
            fields: sent besides; a server that refuses one of them has refused the request.

        Returns:
            The body of a reply whose status said success, without our key.
        """
        from openai import APIStatusError

        while True:
            body = self.body(request)
            try:
                content = self._without_key(await self._send(body | fields))
            except APIStatusError as error:
                reply = error.response
                self._allowances = read_allowances(reply.headers)
                if is_cut_short(reply.status_code, reply.content):
                    return CUT_SHORT
                ours = {name: value for name, value in body.items() if name not in fields}
                if self._body.contradicts(reply.status_code, reply.content, ours):
                    failure = self._failure(error)
                    return replace(failure, kind="server", retryable=True, fatal=False)
                if not self._body.adapt(reply.status_code, reply.content, ours):
                    return self._failure(error)
            except transport_errors() as error:
                return self._no_reply(error)
            except UnicodeEncodeError as error:
                return Failure("refused", f"the prompt cannot be sent as UTF-8: {error.reason}")
            else:
                self._body.took(body)
                return content

    def in_mode(self, mode: Mode) -> OpenAIProvider:
        """The same model, opened once more; see `Probed`."""
        return OpenAIProvider(replace(self._spec, mode=mode), self._base_url)

    async def _ask(self, request: Request) -> Answer | Failure:
        content = await self.reply(request)
        if isinstance(content, Failure):
            return content
        if request.scored is not None:
            return read_likelihood(content, request, self.mode)
        outcome = parse_reply(content, self.mode)
        self._answered |= isinstance(outcome, Answer)
        # Some servers take stop texts and run on past them.
        return _ended(outcome, request.generation.stop)

    async def _send(self, body: dict[str, Any]) -> bytes:
        # The client's method for any endpoint: those for completions spend a quarter of the
        # client's time on copying a body that is right already, and on a model of the reply. And
        # a whole address: joining one costs as much as the rest of what is done with it.
        url = self._base_url.rstrip("/") + self.path.removeprefix("/v1")
        reply = await self._client.post(
            url, body=body, cast_to=response_type(), options={"follow_redirects": False}
        )
        self._allowances = read_allowances(reply.headers)
        content: bytes = reply.content
        return content

    def _no_reply(self, error: Exception) -> Failure:
        failure = no_reply(error, self._without_key)
        if failure.kind != "connection" or failure.fatal:
            return failure
        return replace(failure, message=failure.message + detour(self._base_url))

    def _failure(self, error: APIStatusError) -> Failure:
        response = error.response
        content = self._without_key(response.content)
        failure = parse_error(response.status_code, content, response.headers)
        if response.status_code in LOST_ON_THE_WAY and self._answered and is_page(content):
            return replace(failure, kind="server", retryable=True, fatal=False, away=True)
        hint = ""
        if failure.kind == "auth" and self._key == NO_KEY:
            hint = f" (no key was sent: the environment variable {self._variable} is not set)"
        elif failure.kind == "auth":
            hint = f" (the key was read from the environment variable {self._variable})"
        elif response.status_code == HTTPStatus.NOT_FOUND:
            hint = (
                f" (asked for model {self.model!r} at {self.endpoint}; is the name served there, "
                "and does the base URL end where the API begins, usually in /v1?)"
            )
        return replace(failure, message=failure.message + hint)

    def _without_key(self, content: bytes) -> bytes:
        """What the server said, should it repeat our key, without it."""
        return without_key(content, self._variable)


def _public_url(base_url: str, spec: ModelSpec) -> str:
    """The base URL as it is shown and stored: lower case where case says nothing, no final slash.

    Raises:
        UsageError: it is none; nothing of it is repeated, for it may be a key in the wrong place.
    """
    try:
        parts = urlsplit(base_url)
        host = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        parts, host = urlsplit(""), ""
    extra = parts.query or parts.fragment or parts.username is not None
    spaced = any(character.isspace() for character in base_url)
    if parts.scheme not in {"http", "https"} or not host or extra or spaced:
        found = "something with a user, a query or a fragment" if host and extra else "no address"
        place = "its base URL" if spec.base_url else f"the environment variable {URL_VARIABLE}"
        raise UsageError(
            f"model {spec.name!r}: found {found} in {place}; expected http(s)://HOST[:PORT][/PATH] "
            "and nothing else, as in http://localhost:8000/v1"
        )
    return urlunsplit((parts.scheme, host.lower(), parts.path.rstrip("/"), "", ""))


def _ended(outcome: Answer | Failure, stop: Sequence[str]) -> Answer | Failure:
    """End an answer at the first of these texts."""
    if isinstance(outcome, Failure):
        return outcome
    text = cut(outcome.text, stop)
    return outcome if text == outcome.text else replace(outcome, text=text, finish_reason="stop")
