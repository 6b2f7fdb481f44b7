from __future__ import annotations

import asyncio
import json
import logging
import traceback
from pathlib import Path

import pytest
from aiohttp import web

from evalkit.errors import EvalkitError
from evalkit.models import open_provider
from evalkit.runner import LineProgress, Retry, ask
from evalkit.schema import ModelSpec
from tests.runner.asking import make_jobs
from tests.servers.openai_server import FAULTS, Server, error_reply

KEY = "sk-evalkit-7Zq3tTq9-do-not-show"
RETRY = Retry(attempts=2, patience=0.3, first=0.001, longest=0.002)


async def asked(url: str, cache: Path) -> object:
    spec = ModelSpec("base", "openai", "base", "base", base_url=url)
    provider = open_provider(spec)
    jobs = make_jobs(2, ["base"])
    try:
        return await ask(
            jobs,
            {"base": provider},
            cache=cache,
            retry=RETRY,
            timeout=0.3,
            max_seconds=20.0,
            observer=LineProgress(0.0),
        )
    finally:
        await provider.close()


def repeats_the_key(request: web.Request, _: object) -> web.Response:
    return error_reply(400, f"you sent {request.headers['Authorization']}, that is {KEY}")


def answers_with_the_key(_: web.Request, __: object) -> web.Response:
    """In an answer, spelt as no reader of bytes would know it."""
    spelt = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
    answer = json.dumps({"choices": [{"index": 0, "message": {"content": "KEY"}}]})
    return web.Response(text=answer.replace("KEY", spelt), content_type="application/json")


def breaks_http_with_the_key(_: web.Request, __: object) -> web.Response:
    """In the part of a reply that a client cannot read, and quotes."""
    return web.Response(reason=KEY, headers={"x-policy": KEY + "a" * 9000})


REPEATING = {
    "refused": repeats_the_key,
    "answered": answers_with_the_key,
    "broken": breaks_http_with_the_key,
}


@pytest.mark.parametrize("fault", [*sorted(FAULTS), "none", *REPEATING])
def test_the_key_appears_nowhere(
    fault: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    server = Server(fault=lambda _: fault if fault in FAULTS else None)
    if fault in REPEATING:
        server.refuse = REPEATING[fault]
    shown = []
    with server:
        try:
            shown.append(repr(asyncio.run(asked(server.url, tmp_path / "cache"))))
        except EvalkitError as error:
            shown.append("".join(traceback.format_exception(error)))
        assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    shown += [caplog.text, *capfd.readouterr()]
    shown += [
        path.read_bytes().decode(errors="replace") for path in tmp_path.rglob("*") if path.is_file()
    ]
    assert len(shown) > 4
    for text in shown:
        assert KEY not in text
        assert KEY[3:] not in text
