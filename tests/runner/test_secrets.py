from __future__ import annotations

import asyncio
import logging
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evalkit.errors import EvalkitError
from evalkit.models import open_provider
from evalkit.runner import LineProgress, Retry, ask
from evalkit.schema import ModelSpec
from tests.runner.asking import make_jobs
from tests.servers.openai_server import FAULTS, Server, error_reply

if TYPE_CHECKING:
    from aiohttp import web

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


@pytest.mark.parametrize("fault", [*sorted(FAULTS), "none", "repeated"])
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
    if fault == "repeated":
        server.refuse = repeats_the_key
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
