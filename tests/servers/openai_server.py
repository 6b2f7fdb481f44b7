"""An OpenAI-compatible server over a real socket that answers, dawdles and breaks as it is told.

In a test: `with Server() as server: ... server.url`. By itself, for other processes:
`python tests/servers/openai_server.py --port 0` prints its URL and serves until it is killed.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from aiohttp import web

from evalkit.runner.trials import PROMPTS, SAMPLING

Reply = Callable[[str, list[dict[str, Any]]], str]
"""(model, messages) -> text of the answer."""

Judge = Callable[[Mapping[str, Any]], str]
"""Body of a request -> text of the answer, which may hang on the form that is asked for."""

Break = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]
"""Spoils a request, or the answer that would have been given."""

Refuse = Callable[[web.Request, dict[str, Any]], web.Response | None]
"""(request, body) -> an error, or None to go on."""

Fault = Callable[["Asked"], str | None]
"""What goes wrong with this request, by name (see `FAULTS`); None answers it."""


class Extension(Protocol):
    """More of the API, in a file of its own."""

    def add_to(
        self, app: web.Application, answer: Callable[[str, dict[str, Any]], dict[str, Any]]
    ) -> None:
        """Add routes; `answer` is what the server replies to (path, body)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in; `number` counts from 1."""

    number: int
    path: str
    body: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def model(self) -> str:
        return str(self.body.get("model"))

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages; a plain prompt counts as one user turn."""
        if "messages" in self.body:
            return list(self.body["messages"])
        return [{"role": "user", "content": self.body.get("prompt", "")}]


Predict = Callable[[str, str, str], float]
"""(model, text before, token) -> log-probability of the token."""


def hashed(model: str, _: str, token: str) -> float:
    """A log-probability that depends on model and token alone."""
    return -(1 + hashlib.sha256(f"{model}\0{token}".encode()).digest()[0]) / 64


def echo(model: str, messages: list[dict[str, Any]]) -> str:
    """The default reply: deterministic, and different for every model and prompt."""
    text = "\n".join(str(message["content"]) for message in messages)
    digest = hashlib.sha256(f"{model}\0{text}".encode(errors="surrogatepass")).hexdigest()
    return f"{model} says {digest[:8]}"


@dataclass
class Server:
    """A server in a thread of its own; a context manager.

    Attributes:
        reply: what it answers.
        judges: model -> what it answers instead.
        fault: what goes wrong, request by request.
        refuse: looks at the request itself and may answer it with an error.
        headers: what goes with an answer besides.
        models: names it serves; empty serves every name.
        listed: its list of models, as it sends it; empty lists `models`.
        ignores: parameters that it takes and does nothing with, when it is probed.
        probe_fault: what goes wrong with every probe; None answers them.
        probed: every probe, in order of arrival; none of them is in `asked`.
        penalises: whether it makes what has been said less likely, unless it is told otherwise.
        loading: seconds that its first answer takes.
        aliases: name -> the model that really answers under it.
        logprobs: whether it gives log-probabilities.
        predict: what they are.
        latency: seconds before each answer.
        desk: what it does with batches (see `batch_api`); None knows none.
        asked: every request, in order of arrival.
        busiest: most requests that were open at one time.
    """

    reply: Reply = echo
    judges: Mapping[str, Judge] = field(default_factory=dict)
    fault: Fault = field(default=lambda _: None)
    refuse: Refuse = field(default=lambda _, __: None)
    headers: Callable[[], Mapping[str, str]] = dict
    models: Sequence[str] = ()
    listed: Sequence[Mapping[str, Any]] = ()
    ignores: Collection[str] = ()
    probe_fault: str | None = None
    probed: list[Asked] = field(default_factory=list)
    penalises: bool = False
    loading: float = 0.0
    aliases: Mapping[str, str] = field(default_factory=dict)
    logprobs: bool = True
    predict: Predict = hashed
    latency: float = 0.0
    desk: Extension | None = None
    asked: list[Asked] = field(default_factory=list)
    busiest: int = 0

    @property
    def url(self) -> str:
        """The base URL, as a client wants it."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def counts(self) -> Counter[str]:
        """Model -> requests."""
        return Counter(asked.model for asked in self.asked)

    def wait_for(self, requests: int, seconds: float = 60.0) -> None:
        """Return as soon as so many requests have come in."""
        end = time.monotonic() + seconds
        while len(self.asked) < requests:
            assert time.monotonic() < end, f"{len(self.asked)} of {requests} requests came in"
            time.sleep(0.002)

    def __enter__(self) -> Self:
        self._open = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(10), "the test server did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive(), "the test server did not stop"

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        self._stop = asyncio.Event()
        await self.serve("127.0.0.1", 0, self._stop)

    async def serve(self, host: str, port: int, stop: asyncio.Event) -> None:
        """Serve until told to stop."""
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_post("/v1/completions", self._complete)
        app.router.add_get("/v1/models", self._list)
        if self.desk is not None:
            self.desk.add_to(app, lambda path, body: self._answer(Asked(0, path, body, {})))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, host, port, backlog=1024)
        await site.start()
        self.port: int = runner.addresses[0][1]
        if hasattr(self, "_ready"):
            self._ready.set()
        else:
            sys.stdout.write(self.url + "\n")
            sys.stdout.flush()
        try:
            await stop.wait()
        finally:
            await runner.cleanup()

    async def _list(self, _: web.Request) -> web.Response:
        rows = [{"id": name, "object": "model"} for name in self.models]
        return web.json_response({"object": "list", "data": self.listed or rows})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        loading, self.loading = self.loading, 0.0
        await asyncio.sleep(loading)
        asked = Asked(len(self.asked) + 1, request.path, body, request.headers)
        if asked.messages[-1]["content"] in PROMPTS:
            return await self._probe(request, asked)
        self.asked.append(asked)
        self._open = getattr(self, "_open", 0) + 1
        self.busiest = max(self.busiest, self._open)
        try:
            if self.latency:
                await asyncio.sleep(self.latency)
            refused = self.refuse(request, asked.body)
            if refused is not None:
                return refused
            fault = self.fault(asked)
            if fault is not None:
                return await FAULTS[fault](request, self._answer(asked))
            if self.models and asked.model not in self.models:
                return error_reply(
                    404, f"The model `{asked.model}` does not exist.", "model_not_found"
                )
            return web.json_response(self._answer(asked), headers=self.headers())
        finally:
            self._open -= 1

    async def _probe(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        """Answer a probe as a model does that takes every parameter but those it `ignores`."""
        self.probed.append(asked)
        refused = self.refuse(request, asked.body)
        if refused is not None:
            return refused
        if self.probe_fault is not None:
            return await FAULTS[self.probe_fault](request, self._answer(asked))
        if self.models and asked.model not in self.models:
            return error_reply(404, f"The model `{asked.model}` does not exist.", "model_not_found")
        body = {name: told for name, told in asked.body.items() if name not in self.ignores}
        text, reason = _counted(asked.messages[-1]["content"], body, len(self.probed))
        if self.penalises and body.get("repeat_penalty", 1.1) != 1.0:
            text = text[::-1]
        chat = asked.path.endswith("/chat/completions")
        choice: dict[str, Any] = {"finish_reason": reason}
        if chat:
            choice["message"] = {"role": "assistant", "content": text}
        else:
            choice["text"] = (str(asked.body["prompt"]) if body.get("echo") else "") + text
        if body.get("logprobs") and _alternatives(body):
            told = [{"token": token, "logprob": -0.5} for token in text.split()]
            plain = {"tokens": text.split(), "token_logprobs": [-0.5 for _ in told]}
            choice["logprobs"] = {"content": told} if chat else plain
        choices = [{"index": i, **choice} for i in range(body.get("n", 1))]
        usage = {"prompt_tokens": 8, "completion_tokens": len(text.split())}
        return web.json_response({"model": asked.model, "choices": choices, "usage": usage})

    def _answer(self, asked: Asked) -> dict[str, Any]:
        model = self.aliases.get(asked.model, asked.model)
        judge = self.judges.get(model)
        text = self.reply(model, asked.messages) if judge is None else judge(asked.body)
        words = text.split(" ")
        most = asked.body.get("max_tokens", asked.body.get("max_completion_tokens")) or 16
        reason = "stop" if len(words) <= most else "length"
        text = " ".join(words[:most])
        prompt = " ".join(str(message["content"]) for message in asked.messages)
        choice: dict[str, Any] = {"index": 0, "finish_reason": reason}
        if asked.path.endswith("/chat/completions"):
            choice["message"] = {"role": "assistant", "content": text}
            if asked.body.get("logprobs") and _alternatives(asked.body) and self.logprobs:
                content = [{"token": t, "logprob": p} for t, p in self._told(model, [text])]
                choice["logprobs"] = {"content": content}
        else:
            parts = [prompt, text] if asked.body.get("echo") else [text]
            choice["text"] = "".join(parts)
            if asked.body.get("logprobs") is not None and self.logprobs:
                told = self._told(model, parts)
                choice["logprobs"] = {
                    "tokens": [token for token, _ in told],
                    "token_logprobs": [None if i == 0 else p for i, (_, p) in enumerate(told)],
                    "text_offset": [len("".join(t for t, _ in told[:i])) for i in range(len(told))],
                    "top_logprobs": None,
                }
        tokens = len(_tokens(text))
        scored = [_rendered(asked.body)] if "prompt_logprobs" in asked.body else []
        return {
            "prompt_logprobs": _entries(self._told(model, scored)) if self.logprobs else None,
            "id": f"cmpl-{asked.number}",
            "object": "chat.completion" if "message" in choice else "text_completion",
            "created": 0,
            "model": model,
            "choices": [choice],
            "usage": {
                "prompt_tokens": len(prompt.split()),
                "completion_tokens": tokens,
                "total_tokens": len(prompt.split()) + tokens,
            },
        }

    def _told(self, model: str, parts: Sequence[str]) -> list[tuple[str, float]]:
        """Tokens and their log-probabilities; no token reaches over from one part to the next."""
        told, before = [], ""
        for token in (token for part in parts for token in _tokens(part)):
            told.append((token, self.predict(model, before, token)))
            before += token
        return told


def _alternatives(body: Mapping[str, Any]) -> bool:
    """In chat llama-cpp-python gives log-probabilities only together with alternatives."""
    return "messages" not in body or body.get("top_logprobs") is not None


def _tokens(text: str) -> list[str]:
    """Words with the white space before them; chat markers by themselves."""
    return re.findall(r"<\|\w+\|>|\s*(?:(?!<\|)\S)+|\s+|.", text)


def _rendered(body: Mapping[str, Any]) -> str:
    """Messages through a chat template; the last turn stays open if it is to be continued."""
    turns = [f"<|{m['role']}|>\n{m['content']}" for m in body.get("messages", [])]
    opened = body.get("continue_final_message") or not turns
    return "<|end|>\n".join(turns) + ("" if opened else "<|end|>\n<|assistant|>\n")


def _entries(told: Sequence[tuple[str, float]]) -> list[dict[str, Any] | None] | None:
    """`prompt_logprobs` as vLLM writes them: the token that is there, then a likelier one."""
    entries: list[dict[str, Any] | None] = [
        {
            str(10 + i): {"logprob": value, "rank": 2, "decoded_token": token},
            "7": {"logprob": value / 2, "rank": 1, "decoded_token": "~"},
        }
        for i, (token, value) in enumerate(told)
    ]
    return [None, *entries[1:]] if entries else None


def _counted(prompt: str, body: Mapping[str, Any], number: int) -> tuple[str, str]:
    """What a probe is answered, and why it ended: numbers, or words that hang on the seed."""
    words = [str(i) for i in range(7, 40)]
    if prompt == SAMPLING:
        dice = random.Random(f"{body.get('seed', f'unseeded {number}')}")
        words = [dice.choice("abcdefgh") for _ in words]
    most = body.get("max_completion_tokens", body.get("max_tokens", len(words)))
    ends = [words.index(stop) for stop in body.get("stop") or () if stop in words]
    if min([*ends, most]) < most:
        return " ".join(words[: min(ends)]), "stop"
    return " ".join(words[:most]), "length" if most < len(words) else "stop"


def error_reply(status: int, message: str, code: str = "", **headers: str) -> web.Response:
    error = {"message": message, "type": code or "error", "code": code or None, "param": None}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.json_response({"error": error}, status=status, headers=named)


async def _reset(request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def _half(request: web.Request, answer: dict[str, Any]) -> web.StreamResponse:
    """A body that ends in the middle of what its length promised."""
    body = json.dumps(answer).encode()
    response = web.StreamResponse(headers={"content-type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    assert request.transport is not None
    request.transport.close()
    return response


async def _hang(_: web.Request, answer: dict[str, Any]) -> web.StreamResponse:
    await asyncio.sleep(3600)
    return web.json_response(answer)


def _plain(make: Callable[[dict[str, Any]], web.Response]) -> Break:
    async def fault(_: web.Request, answer: dict[str, Any]) -> web.StreamResponse:
        return make(answer)

    return fault


def _changed(**fields: object) -> Callable[[dict[str, Any]], web.Response]:
    return lambda answer: web.json_response({**answer, **fields})


def _message(**fields: object) -> Callable[[dict[str, Any]], web.Response]:
    """The first choice with another message, or another finish reason."""

    def make(answer: dict[str, Any]) -> web.Response:
        reason = fields.get("finish_reason", "stop")
        message = {name: value for name, value in fields.items() if name != "finish_reason"}
        choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", **message}}
        return web.json_response({**answer, "choices": [choice]})

    return make


_HTML = "<html><body>Bad gateway</body></html>"

FAULTS: dict[str, Break] = {
    "429": _plain(lambda _: error_reply(429, "slow down", "rate_limit_exceeded")),
    "429-after": _plain(lambda _: error_reply(429, "slow down", retry_after="0.2")),
    "429-after-ms": _plain(lambda _: error_reply(429, "slow down", retry_after_ms="150")),
    "429-long": _plain(lambda _: error_reply(429, "come back tomorrow", retry_after="86400")),
    "503-long": _plain(lambda _: error_reply(503, "back in an hour", retry_after="3600")),
    "quota": _plain(lambda _: error_reply(429, "You exceeded your quota", "insufficient_quota")),
    "400": _plain(lambda _: error_reply(400, "prompt is too long", "context_length_exceeded")),
    "401": _plain(lambda _: error_reply(401, "Incorrect API key provided: sk-abc***wxyz.")),
    "403": _plain(lambda _: error_reply(403, "no access")),
    "404": _plain(lambda _: error_reply(404, "The model `x` does not exist.", "model_not_found")),
    "408": _plain(lambda _: error_reply(408, "too slow")),
    "504": _plain(lambda _: error_reply(504, "upstream is too slow")),
    "524": _plain(lambda _: web.Response(status=524, text=_HTML, content_type="text/html")),
    "409": _plain(lambda _: error_reply(409, "conflict")),
    "500": _plain(lambda _: error_reply(500, "oops")),
    "502": _plain(lambda _: web.Response(status=502, text=_HTML, content_type="text/html")),
    "503": _plain(lambda _: web.Response(status=503, text=_HTML, content_type="text/html")),
    "reset": _reset,
    "half": _half,
    "hang": _hang,
    "html": _plain(lambda _: web.Response(text=_HTML, content_type="text/html")),
    "not-json": _plain(lambda _: web.Response(text='{"cho', content_type="application/json")),
    "wrong-type": _plain(lambda a: web.Response(text=json.dumps(a), content_type="text/plain")),
    "long-header": _plain(lambda a: web.json_response(a, headers={"x-policy": "a" * 9000})),
    "not-gzip": _plain(lambda a: web.json_response(a, headers={"content-encoding": "gzip"})),
    "list": _plain(lambda _: web.json_response([])),
    "error-200": _plain(lambda _: web.json_response({"error": {"message": "upstream"}})),
    "error-200-429": _plain(
        lambda _: web.json_response({"error": {"message": "upstream", "code": 429}})
    ),
    "choices-null": _plain(_changed(choices=None)),
    "choices-empty": _plain(_changed(choices=[])),
    "no-message": _plain(_changed(choices=[{"index": 0, "finish_reason": "stop"}])),
    "no-usage": _plain(_changed(usage=None)),
    "zero-usage": _plain(_changed(usage={"prompt_tokens": 0, "completion_tokens": 0})),
    "minus-usage": _plain(_changed(usage={"prompt_tokens": -10, "completion_tokens": -3000})),
    "huge-usage": _plain(_changed(usage={"prompt_tokens": 10**400, "completion_tokens": 10**12})),
    "content-null": _plain(_message(content=None)),
    "thinking": _plain(
        _message(content=None, reasoning_content="let me think", finish_reason="length")
    ),
    "refusal": _plain(_message(content=None, refusal="I cannot help with that.")),
    "parts": _plain(
        _message(content=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])
    ),
    "filtered": _plain(_message(content="", finish_reason="content_filter")),
    "odd-reason": _plain(_message(content="x", finish_reason="eos_token")),
}


def faults_at(rate: Mapping[str, float], seed: int = 0) -> Fault:
    """Each fault with its probability, in a fixed order of requests."""
    dice = random.Random(seed)

    def fault(_: Asked) -> str | None:
        roll = dice.random()
        for name, share in rate.items():
            roll -= share
            if roll < 0:
                return name
        return None

    return fault


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--fault", action="append", default=[], help="NAME:SHARE, as in 429:0.2")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rates = {name: float(share) for name, _, share in (f.partition(":") for f in options.fault)}
    server = Server(latency=options.latency, fault=faults_at(rates, options.seed))

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await server.serve("127.0.0.1", options.port, stop)

    asyncio.run(main())


if __name__ == "__main__":
    _main()
