"""The test server itself: as a process, and what later tests build on."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.servers.openai_server import Asked, Server, faults_at

PROGRAM = Path(__file__).parent / "openai_server.py"


def get(url: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 - a loopback address of ours
        url, data, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as reply:  # noqa: S310 - the same
        return json.load(reply)


def test_it_runs_as_a_process() -> None:
    command = [sys.executable, str(PROGRAM), "--port", "0", "--fault", "500:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert get(f"{url}/models")["data"] == []
        process.terminate()
        assert process.wait(20) == 0


def test_it_echoes_log_probabilities(server: Server) -> None:
    body = {"model": "m", "prompt": "a b", "echo": True, "logprobs": 1}
    choice = get(f"{server.url}/completions", body)["choices"][0]
    tokens, values = choice["logprobs"]["tokens"], choice["logprobs"]["token_logprobs"]
    assert "".join(tokens) == choice["text"]
    assert choice["text"].startswith("a b")
    assert values[0] is None
    assert all(value < 0 for value in values[1:])


def test_an_alias_is_answered_by_another_model() -> None:
    body = {"model": "tuned", "messages": [{"role": "user", "content": "hi"}]}
    with Server(aliases={"tuned": "base"}) as server:
        aliased = get(f"{server.url}/chat/completions", body)
        plain = get(f"{server.url}/chat/completions", {**body, "model": "base"})
    assert aliased["choices"] == plain["choices"]
    assert aliased["model"] == "base"
    assert server.counts == {"tuned": 1, "base": 1}


def test_a_short_limit_cuts_the_answer(server: Server) -> None:
    body = {"model": "m", "max_tokens": 2, "messages": [{"role": "user", "content": "hi"}]}
    choice = get(f"{server.url}/chat/completions", body)["choices"][0]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["content"] == "m says"


def test_faults_follow_their_seed() -> None:
    asked = Asked(1, "/", {}, {})

    def rolled(seed: int) -> list[str | None]:
        fault = faults_at({"429": 0.3, "500": 0.2}, seed)
        return [fault(asked) for _ in range(1000)]

    assert rolled(1) == rolled(1) != rolled(2)
    assert 250 < rolled(1).count("429") < 350
    assert 150 < rolled(1).count("500") < 250
