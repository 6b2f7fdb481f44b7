"""A reply takes no more memory than a reply may, be it endless or packed."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from evalkit.models import bounded, openai_batches
from evalkit.models.openai import open_openai
from evalkit.schema import Answer, Failure, Generation, Message, ModelSpec, Request
from tests.servers.batch_api import Desk
from tests.servers.openai_server import FAULTS, Server, echo

MEGABYTE = 2**20
MOST = 4 * MEGABYTE
BOMB = gzip.compress(b" " * (200 * MEGABYTE), compresslevel=1)
REQUEST = Request("s", "test", "1", "Hello?", (Message("user", "Hello?"),), Generation())


def ask(server: Server) -> Answer | Failure:
    provider = open_openai(ModelSpec("arm", "openai", "m", "base", base_url=server.url))

    async def asked() -> Answer | Failure:
        try:
            (outcome,) = await provider.complete([REQUEST])
        finally:
            await provider.close()
        return outcome

    return asyncio.run(asked())


async def endless(request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "application/json"})
    await response.prepare(request)
    while request.transport is not None and not request.transport.is_closing():
        await response.write(b" " * 65536)
    return response


async def bomb(_: web.Request, __: dict[str, Any]) -> web.StreamResponse:
    return web.Response(body=BOMB, headers={"content-encoding": "gzip"})


async def packed(_: web.Request, answer: dict[str, Any]) -> web.StreamResponse:
    reply = web.json_response(answer)
    reply.enable_compression(web.ContentCoding.gzip)
    return reply


@pytest.mark.parametrize("fault", [endless, bomb])
def test_a_reply_that_is_too_long_is_none(
    fault: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "MOST", MOST)
    monkeypatch.setitem(FAULTS, "long", fault)
    with Server() as server:
        ask(server)  # loads the client
        server.fault = lambda _: "long"
        tracemalloc.start()
        try:
            outcome = ask(server)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert isinstance(outcome, Failure)
    assert outcome.kind == "malformed"
    assert outcome.retryable
    assert "it is longer than 4 MiB" in outcome.message
    # What one piece of 16 KiB unpacks to, a thousand times as much, comes on top.
    assert peak < 48 * MEGABYTE


def test_a_reply_that_is_packed_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAULTS, "packed", packed)
    with Server(fault=lambda _: "packed") as server:
        outcome = ask(server)
    assert isinstance(outcome, Answer)
    assert outcome.text == echo("m", [{"content": "Hello?"}])


def test_a_line_of_results_that_does_not_end_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_batches, "MOST", MEGABYTE)
    desk = Desk()
    desk.files["results"] = b" " * (3 * MEGABYTE)
    taken: list[bytes] = []

    async def read(url: str) -> Failure | None:
        provider = open_openai(ModelSpec("arm", "openai", "m", "base", base_url=url))
        try:
            return await provider.open_batches(30.0).read("results", taken.append)
        finally:
            await provider.close()

    with Server(desk=desk) as server:
        failure = asyncio.run(read(server.url))
    assert failure is not None
    assert failure.message == "a line of the results is longer than 1 MiB"
    assert not taken
