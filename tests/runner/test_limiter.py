"""Limits of servers: used in full, hardly ever overstepped.

How well they are used is a matter of seconds, so a busy machine would have a say in it: that is
shown on a clock of its own, with limits a minute as servers have them. The rest is over a socket.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest

from evalkit.models import Allowance
from evalkit.models.failures import parse_error
from evalkit.models.limits import read_allowances
from evalkit.models.prompts import wire
from evalkit.runner import AskStats, Retry, ask
from evalkit.runner.limiter import Limiter, most_tokens
from evalkit.schema import Answer, Failure, Request
from tests.runner.asking import MODELS, InProcess, expected, make_job, make_jobs, run, texts
from tests.runner.virtual_time import run_at_once
from tests.servers.openai_server import Asked, Server, faults_at
from tests.servers.rate_limits import RateLimit

TROUBLES = {"429": 0.1, "429-after-ms": 0.1, "500": 0.05, "reset": 0.02, "hang": 0.02}
LOOKALIKES = {"html": 0.005, "error-200": 0.005, "choices-null": 0.005, "half": 0.005}


OTHERS = {
    "x-ratelimit-limit-requests": "14400",  # of a day, as Groq tells it
    "x-ratelimit-remaining-requests": "9000",
    "x-ratelimit-reset-requests": "9h0m0s",
    "x-ratelimit-limit-tokens": "1000000",
    "x-ratelimit-remaining-tokens": "990000",
    "x-ratelimit-reset-tokens": "100ms",
    "retry-after": "1",
}


class Limited(InProcess):
    """Models in this process whose server counts; its answers take half a second.

    It tells what it grants in every reply, or only in refusals how long to wait, or nothing; or it
    tells of other limits, which nobody reaches.
    """

    def __init__(self, limit: RateLimit, tells: str = "all") -> None:
        super().__init__()
        self._limit = limit
        self._tells = tells
        self._allowances: tuple[Allowance, ...] = ()

    def take_allowances(self) -> tuple[Allowance, ...]:
        return self._allowances

    async def complete(self, requests: Sequence[Request]) -> list[Answer | Failure]:
        (request,) = requests
        body = {"messages": wire(request.messages), "max_tokens": request.generation.max_tokens}
        refused = self._limit(None, body)
        headers = {"retry-after": "1"} if self._tells == "wait" else {}
        if self._tells == "all":
            headers = self._limit.headers()
        if self._tells == "others":
            headers = dict(OTHERS)
        await asyncio.sleep(0.01 if refused else 0.5)
        self._allowances = read_allowances(headers)
        if refused is None:
            return [Answer("x", completion_tokens=1)]
        assert isinstance(refused.body, bytes)
        return [parse_error(refused.status, refused.body, headers)]


STYLES = pytest.mark.parametrize("style", ["window", "bucket"])


@STYLES
@pytest.mark.parametrize(("requests", "tokens"), [(600, 10**6), (10**6, 12_000)])
def test_a_rate_limit_is_used_to_nine_tenths_and_hardly_overstepped(
    style: Literal["window", "bucket"], requests: int, tokens: int
) -> None:
    jobs = [make_job(model, i, max_tokens=16) for i in range(1_200) for model in MODELS]

    async def main() -> tuple[RateLimit, list[Answer | Failure], dict[str, AskStats]]:
        limit = RateLimit(requests, tokens, 60.0, style, asyncio.get_running_loop().time)
        providers = dict.fromkeys(MODELS, Limited(limit))
        return limit, *await ask(jobs, providers, cache=None, concurrency=100)

    limit, outcomes, stats = run_at_once(main())
    assert all(isinstance(outcome, Answer) for outcome in outcomes)
    assert limit.used() >= 0.9
    assert limit.refused_later() < 0.02
    assert stats["base"].paced > 0


@STYLES
@pytest.mark.parametrize(("tells", "most"), [("wait", 0.02), ("others", 0.02), ("nothing", 0.1)])
def test_a_limit_that_nobody_tells_is_found_out(
    style: Literal["window", "bucket"], tells: str, most: float
) -> None:
    jobs = [make_job(model, i, max_tokens=16) for i in range(1_500) for model in MODELS]

    async def main() -> tuple[RateLimit, list[Answer | Failure]]:
        limit = RateLimit(600, 10**6, 60.0, style, asyncio.get_running_loop().time)
        providers = dict.fromkeys(MODELS, Limited(limit, tells))
        outcomes, _ = await ask(jobs, providers, cache=None, concurrency=100)
        return limit, outcomes

    limit, outcomes = run_at_once(main())
    assert all(isinstance(outcome, Answer) for outcome in outcomes)
    assert limit.used() >= 0.9
    assert limit.refused_later() < most


@STYLES
def test_the_limit_of_a_server_is_read_from_its_replies(
    style: Literal["window", "bucket"],
) -> None:
    limit = RateLimit(30, 600, 1.5, style)  # no machine is so slow that it needs no pacing for that
    server = Server(latency=0.01, refuse=limit, headers=limit.headers)
    jobs = [make_job(model, i, max_tokens=16) for i in range(40) for model in MODELS]
    with server:
        outcomes, stats = run(server.url, jobs, retry=Retry())
    assert texts(outcomes) == expected(jobs)
    assert limit.refused_later() < 0.02
    assert sum(one.paced for one in stats.values()) > 0


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


@pytest.mark.parametrize("fault", ["429-long", "503-long"])
def test_a_server_that_wants_rest_until_later_is_left_alone(fault: str) -> None:
    served, concurrency = 4, 4
    with Server(fault=lambda asked: fault if asked.number > served else None) as server:
        outcomes, _ = run(server.url, make_jobs(50), max_seconds=5.0, concurrency=concurrency)
        assert len(server.asked) <= served + concurrency
    kinds = Counter(outcome.kind for outcome in outcomes if isinstance(outcome, Failure))
    assert kinds["deadline"] >= 100 - served - concurrency
    assert set(kinds) <= {"deadline", "rate_limit", "server"}
    assert kinds.total() == 100 - served


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
        second = Limiter(2, deadline=float("inf"), on_wait=waits.append)
        sent = await second.enter([request])
        assert sent is not None
        second.pause(50.0)
        entering = [asyncio.create_task(second.enter([request])) for _ in range(3)]
        await asyncio.sleep(0.01)
        second.leave(sent, (), ())  # who waits looks again, and says nothing new
        await asyncio.sleep(0.01)
        assert await limiter.enter([request]) is None  # the wait would outlast the run
        for task in entering:
            task.cancel()
        await asyncio.gather(*entering, return_exceptions=True)
        return waits

    assert asyncio.run(main()) == [pytest.approx(50.0, abs=0.5)]


def test_a_request_takes_its_prompt_and_its_longest_answer() -> None:
    assert most_tokens(make_job("m", 1, max_tokens=100).request) == 100 + len("question 1") // 4
