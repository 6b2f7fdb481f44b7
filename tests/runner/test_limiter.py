"""Limits of real servers over a real socket: used in full, hardly ever overstepped."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Literal

import pytest

from evalkit.models import Allowance
from evalkit.runner import Retry
from evalkit.runner.limiter import Limiter, most_tokens
from evalkit.schema import Answer, Failure
from tests.runner.asking import MODELS, expected, make_job, make_jobs, run, texts
from tests.servers.openai_server import Asked, Server, faults_at
from tests.servers.rate_limits import RateLimit

TROUBLES = {"429": 0.1, "429-after-ms": 0.1, "500": 0.05, "reset": 0.02, "hang": 0.02}
LOOKALIKES = {"html": 0.005, "error-200": 0.005, "choices-null": 0.005, "half": 0.005}


@pytest.mark.parametrize("style", ["window", "bucket"])
@pytest.mark.parametrize(("requests", "tokens"), [(60, 10**6), (10**6, 1200)])
def test_a_rate_limit_is_used_and_kept(
    style: Literal["window", "bucket"], requests: int, tokens: int
) -> None:
    limit = RateLimit(requests, tokens, 1.5, style)
    server = Server(latency=0.01, refuse=limit, headers=limit.headers)
    jobs = [make_job(model, i, max_tokens=16) for i in range(120) for model in MODELS]
    with server:
        outcomes, stats = run(server.url, jobs, retry=Retry())
    assert texts(outcomes) == expected(jobs)
    assert limit.used() >= 0.9
    assert limit.refused_later() < 0.02
    assert stats["base"].paced > 0


def ride_out(count: int, folder: Path, timeout: float, concurrency: int) -> None:
    """Nothing lost, nothing scored that was no answer, nothing asked again that was received."""
    received: list[Asked] = []
    dice = faults_at(TROUBLES | LOOKALIKES)

    def fault(request: Asked) -> str | None:
        found = dice(request)
        if found is None:
            received.append(request)
        return found

    jobs = make_jobs(count)
    retry = Retry(attempts=20, patience=600.0, first=0.002, longest=0.05)
    options = {"retry": retry, "timeout": timeout, "concurrency": concurrency}
    with Server(fault=fault) as server:
        outcomes, stats = run(server.url, jobs, folder, **options)
        sent = len(server.asked)
        again, _ = run(server.url, jobs, folder, **options)
        assert len(server.asked) == sent
    assert texts(outcomes) == texts(again) == expected(jobs)
    questions = [(asked.model, str(asked.messages)) for asked in received]
    assert len(questions) == len(set(questions)) == len(jobs)
    assert sent == len(jobs) + sum(s.retries for s in stats.values())
    causes = {kind for s in stats.values() for kind in s.causes}
    assert causes == {"rate_limit", "server", "connection", "timeout", "malformed"}
    assert all(sum(s.causes.values()) == s.retries for s in stats.values())


def test_every_trouble_at_once_costs_no_answer(tmp_path: Path) -> None:
    ride_out(120, tmp_path, timeout=1.5, concurrency=32)


@pytest.mark.benchmark
def test_every_trouble_at_once_costs_no_answer_of_thousands(tmp_path: Path) -> None:
    ride_out(2_000, tmp_path, timeout=3.0, concurrency=100)


def test_a_run_ends_when_its_time_is_up(tmp_path: Path) -> None:
    jobs = make_jobs(200)
    with Server(latency=0.05) as server:
        start = time.monotonic()
        outcomes, stats = run(server.url, jobs, tmp_path, concurrency=4, max_seconds=1.0)
        assert time.monotonic() - start < 10
        assert {o.kind for o in outcomes if isinstance(o, Failure)} == {"deadline"}
        assert stats["base"].retries == 0
        answered = sum(isinstance(outcome, Answer) for outcome in outcomes)
        assert 0 < answered < 400
        again, stats = run(server.url, jobs, tmp_path)
    assert texts(again) == expected(jobs)
    assert stats["base"].cached + stats["tuned"].cached == answered


def test_a_hanging_server_does_not_hold_up_the_end() -> None:
    with Server(fault=lambda _: "hang") as server:
        outcomes, _ = run(server.url, make_jobs(5), max_seconds=0.5)
    assert texts(outcomes) == ["<deadline>"] * 10


def test_no_time_is_no_question(server: Server) -> None:
    outcomes, _ = run(server.url, make_jobs(5), max_seconds=0.0)
    assert texts(outcomes) == ["<deadline>"] * 10
    assert server.asked == []


def test_long_waits_are_announced_once() -> None:
    async def main() -> list[float]:
        waits: list[float] = []
        limiter = Limiter(4, deadline=time.monotonic() + 0.2, on_wait=waits.append)
        request = make_job("m", 1).request
        first = await limiter.enter([request])
        assert first is not None
        limiter.leave(first, (), [Allowance("requests", 10, 0, 3600.0)])
        limiter.pause(7200.0)
        second = Limiter(1, deadline=float("inf"), on_wait=waits.append)
        second.pause(50.0)
        entering = [asyncio.create_task(second.enter([request])) for _ in range(3)]
        await asyncio.sleep(0.01)
        assert await limiter.enter([request]) is None  # the wait would outlast the run
        for task in entering:
            task.cancel()
        await asyncio.gather(*entering, return_exceptions=True)
        return waits

    assert asyncio.run(main()) == [pytest.approx(50.0, abs=0.5)]


def test_a_request_takes_its_prompt_and_its_longest_answer() -> None:
    assert most_tokens(make_job("m", 1, max_tokens=100).request) == 100 + len("question 1") // 4
