from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from evalkit.errors import CacheError, Interrupted, ModelError
from evalkit.runner import Job, Retry, ask
from evalkit.schema import Answer, Failure, Request
from tests.runner.asking import (
    InProcess,
    Outcomes,
    asked,
    expected,
    make_job,
    make_jobs,
    run,
    texts,
)
from tests.runner.virtual_time import run_at_once
from tests.servers.openai_server import Asked, Server, faults_at


class Counted(InProcess):
    """Shows what the runner does with batches, limits and broken code."""

    def __init__(
        self,
        answer: Callable[[Request], Answer | Failure],
        *,
        batch: int = 1,
        parallel: int | None = None,
    ) -> None:
        super().__init__()
        self.answer = answer
        self.batch = batch
        self.parallel = parallel
        self.batches: list[list[str]] = []
        self.open = self.busiest = 0

    async def complete(self, requests: Sequence[Request]) -> list[Answer | Failure]:
        self.batches.append([request.example_id for request in requests])
        self.open += 1
        self.busiest = max(self.busiest, self.open)
        await asyncio.sleep(0.001)
        self.open -= 1
        return [self.answer(request) for request in requests]


def ask_in_process(jobs: Sequence[Job], provider: Counted, **options: Any) -> Any:
    models = {job.model: provider for job in jobs}
    return asyncio.run(ask(jobs, models, cache=None, **options))


def test_outcomes_come_in_the_order_of_the_jobs() -> None:
    jobs = make_jobs(40)
    with Server(latency=0.002) as server:
        outcomes, stats = run(server.url, jobs)
    assert texts(outcomes) == expected(jobs)
    for model in ("base", "tuned"):
        assert (stats[model].jobs, stats[model].sent, stats[model].cached) == (40, 40, 0)
        assert stats[model].missing == stats[model].retries == 0
        median, slowest = stats[model].median_seconds, stats[model].max_seconds
        assert median is not None
        assert slowest is not None
        assert 0.002 <= median <= slowest


def test_no_jobs_are_no_work() -> None:
    assert asyncio.run(ask([], {}, cache=None)) == ([], {})


@pytest.mark.parametrize("grouped", [False, True])
def test_arms_of_one_endpoint_take_turns(*, grouped: bool) -> None:
    jobs = make_jobs(10)
    if grouped:
        jobs.sort(key=lambda job: job.model)
    with Server() as server:
        outcomes, _ = run(server.url, jobs, concurrency=1)
    assert texts(outcomes) == expected(jobs)
    assert [a.model for a in server.asked] == ["base", "tuned"] * 10


def test_arms_of_one_endpoint_share_its_limit() -> None:
    with Server(latency=0.01) as server:
        run(server.url, make_jobs(30), concurrency=7)
    assert 4 <= server.busiest <= 7


def test_requests_overlap() -> None:
    with Server(latency=0.2) as server:
        run(server.url, make_jobs(1))  # the client library is loaded outside of the measurement
        start = time.perf_counter()
        run(server.url, make_jobs(25), concurrency=50)
    assert time.perf_counter() - start < 0.2 * 50 / 4


def test_the_second_run_sends_nothing(tmp_path: Path) -> None:
    jobs = make_jobs(20)
    with Server() as server:
        first, _ = run(server.url, jobs, tmp_path / "cache")
        second, stats = run(server.url, jobs, tmp_path / "cache")
    assert first == second
    assert len(server.asked) == 40
    assert stats["base"].cached == 20
    assert stats["base"].sent == 0
    assert stats["base"].median_seconds is None


def test_equal_questions_are_asked_once() -> None:
    jobs = [make_job("base", i % 3) for i in range(12)]
    with Server(latency=0.01) as server:
        outcomes, stats = run(server.url, jobs)
    assert texts(outcomes) == expected(jobs)
    assert len(server.asked) == 3
    assert (stats["base"].jobs, stats["base"].sent, stats["base"].cached) == (12, 3, 9)


def test_repeats_are_asked_each() -> None:
    jobs = [Job("base", make_job("base", 1).request, repeat=k) for k in range(3)]
    with Server() as server:
        run(server.url, jobs)
    assert len(server.asked) == 3


def test_passing_troubles_are_ridden_out(tmp_path: Path) -> None:
    """A tenth rate limits, a twentieth server errors, and resets, look-alikes and halves."""
    rates = {"429": 0.1, "429-after-ms": 0.01, "500": 0.05, "reset": 0.02, "html": 0.02}
    rates |= {"error-200": 0.01, "half": 0.01, "choices-null": 0.01}
    jobs = make_jobs(150)
    retry = Retry(attempts=12, patience=60.0, first=0.002, longest=0.01)
    with Server(fault=faults_at(rates)) as server:
        outcomes, stats = run(server.url, jobs, tmp_path, retry=retry)
        sent = len(server.asked)
        again, _ = run(server.url, jobs, tmp_path, retry=retry)
    assert texts(outcomes) == expected(jobs)
    assert again == outcomes
    assert len(server.asked) == sent  # nothing that was answered is asked again
    total = sum(s.sent for s in stats.values())
    assert total == sent == 300 + sum(s.retries for s in stats.values())
    assert stats["base"].retries > 0
    assert stats["base"].waited > 0


def test_a_failure_that_stays_is_missing_and_never_cached(tmp_path: Path) -> None:
    def fault(request: Asked) -> str | None:
        return "500" if "question 3" in str(request.messages) else None

    jobs = make_jobs(6)
    with Server(fault=fault) as server:
        outcomes, stats = run(server.url, jobs, tmp_path)
        assert server.counts == {"base": 5 + 4, "tuned": 5 + 4}
    assert [i for i, o in enumerate(outcomes) if isinstance(o, Failure)] == [6, 7]
    assert stats["base"].missing == 1
    with Server() as healed:
        outcomes, stats = run(healed.url, jobs, tmp_path)
    assert stats["base"].sent == 6  # another endpoint: its answers are its own
    assert texts(outcomes) == expected(jobs)


def test_resuming_asks_only_for_what_is_missing(tmp_path: Path) -> None:
    broken = True

    def fault(request: Asked) -> str | None:
        return "500" if broken and "question 3" in str(request.messages) else None

    jobs = make_jobs(6)
    with Server(fault=fault) as server:
        run(server.url, jobs, tmp_path)
        server.asked.clear()
        broken = False
        outcomes, _ = run(server.url, jobs, tmp_path)
    assert texts(outcomes) == expected(jobs)
    assert server.counts == {"base": 1, "tuned": 1}


def test_empty_and_truncated_answers_are_kept(tmp_path: Path) -> None:
    for fault in ("content-null", "thinking", "filtered"):
        with Server(fault=lambda _, fault=fault: fault) as server:  # type: ignore[misc]
            first, _ = run(server.url, make_jobs(2), tmp_path)
            second, _ = run(server.url, make_jobs(2), tmp_path)
            assert first == second
            assert len(server.asked) == 4
        assert texts(first) == [""] * 4


def test_a_refused_request_is_not_repeated() -> None:
    def fault(request: Asked) -> str | None:
        return "400" if "question 1" in str(request.messages) else None

    with Server(fault=fault) as server:
        outcomes, _ = run(server.url, make_jobs(3))
    assert texts(outcomes)[2:4] == ["<refused>", "<refused>"]
    assert len(server.asked) == 6


def test_a_hanging_server_is_a_timeout_and_asked_again() -> None:
    hung: set[str] = set()

    def fault(request: Asked) -> str | None:
        name = str(request.messages)
        first = "question 2" in name and name not in hung
        hung.add(name)
        return "hang" if first else None

    jobs = make_jobs(4, ["base"])
    with Server(fault=fault) as server:
        outcomes, stats = run(server.url, jobs, timeout=1.0)
    assert texts(outcomes) == expected(jobs)
    assert stats["base"].retries >= 1


def test_the_servers_wish_to_wait_holds_for_all() -> None:
    times: list[float] = []

    def fault(request: Asked) -> str | None:
        times.append(time.monotonic())
        return "429-after" if request.number == 1 else None

    with Server(fault=fault) as server:
        outcomes, stats = run(server.url, make_jobs(5, ["base"]), concurrency=1)
    assert texts(outcomes) == expected(make_jobs(5, ["base"]))
    assert times[1] - times[0] >= 0.2
    assert stats["base"].waited >= 0.2


def test_a_wait_beyond_the_end_of_the_run_ends_it_at_once() -> None:
    def fault(request: Asked) -> str | None:
        return "429-long" if "question 1" in str(request.messages) else None

    with Server(fault=fault) as server:
        jobs = make_jobs(3, ["base"])
        outcomes, _ = run(server.url, jobs, concurrency=1, max_seconds=60.0)
    assert isinstance(outcomes[0], Answer)
    assert texts(outcomes)[1:] == ["<rate_limit>", "<deadline>"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [("401", "401"), ("quota", "no credit left"), ("404", "is the name served there")],
)
def test_what_can_never_work_stops_at_once(fault: str, said: str) -> None:
    with Server(fault=lambda _: fault) as server, pytest.raises(ModelError, match=said) as caught:
        run(server.url, make_jobs(100), concurrency=4)
    assert len(server.asked) <= 8
    assert "model 'base'" in str(caught.value) or "model 'tuned'" in str(caught.value)


def test_an_arm_with_a_wrong_name_stops_the_run() -> None:
    with (
        Server(models=["base"], latency=0.01) as server,
        pytest.raises(ModelError, match="'tuned'"),
    ):
        run(server.url, make_jobs(100), concurrency=4)
    assert len(server.asked) < 20


def unasked(outcomes: Outcomes) -> int:
    """Questions that were left alone, with the reason for it in its own words, once."""
    said = [o.message for o in outcomes if isinstance(o, Failure)]
    parts = [text.split("not asked any more after this: ") for text in said]
    reasons = [reason for _, *rest in parts for reason in rest]
    assert set(reasons) <= {text for text, *rest in parts if not rest}
    return len(reasons)


def test_credit_that_ends_midway_leaves_the_rest_missing(tmp_path: Path) -> None:
    def fault(request: Asked) -> str | None:
        return "quota" if request.number > 20 else None

    with Server(fault=fault) as server:
        outcomes, stats = run(server.url, make_jobs(50), tmp_path, concurrency=2)
        assert len(server.asked) < 30
    assert Counter(texts(outcomes))["<quota>"] == 80
    assert stats["base"].missing + stats["tuned"].missing == 80
    assert len(server.asked) + unasked(outcomes) == 100


def test_no_server_is_one_clear_error() -> None:
    with Server() as server:
        url = server.url
    with pytest.raises(ModelError, match=r"model 'base' at http://127.*no connection.*running"):
        run(url, make_jobs(50, ["base"]))


@pytest.mark.parametrize(("away", "kind"), [("reset", "connection"), ("502", "server")])
def test_a_server_that_dies_midway_is_left_alone(away: str, kind: str) -> None:
    def fault(request: Asked) -> str | None:
        return away if request.number > 10 else None

    with Server(fault=fault) as server:
        outcomes, _ = run(server.url, make_jobs(200, ["base"]), concurrency=2)
        assert len(server.asked) < 10 + 10 * 10
    assert Counter(texts(outcomes))[f"<{kind}>"] == 190
    assert 150 < unasked(outcomes) < 190


@pytest.mark.parametrize(("gone", "kind"), [("reset", "connection"), ("503", "server")])
def test_a_server_that_is_started_again_is_waited_for(gone: str, kind: str) -> None:
    away: list[float] = []

    def fault(request: Asked) -> str | None:
        if request.number <= 10:
            return None
        away.append(time.monotonic())
        return gone if time.monotonic() - away[0] < 1.0 else None

    retry = Retry(attempts=2, outage=60.0, first=0.01, longest=0.1)
    with Server(fault=fault) as server:
        jobs = make_jobs(30)
        outcomes, stats = run(server.url, jobs, retry=retry, concurrency=4)
    assert texts(outcomes) == expected(jobs)
    assert sum(one.causes[kind] for one in stats.values()) > 8


def test_when_a_server_is_back_nobody_goes_on_waiting() -> None:
    came: list[float] = []

    class Restarted(InProcess):
        async def complete(self, requests: Sequence[Request]) -> list[Answer | Failure]:
            now = asyncio.get_running_loop().time()
            await asyncio.sleep(0.1)
            if came and now < 1000:
                return [Failure("connection", "nobody there", retryable=True, away=True)]
            came.append(now)
            return [Answer(request.prompt) for request in requests]

    jobs = [make_job("base", i) for i in range(30)]
    asked = ask(jobs, {"base": Restarted()}, cache=None, concurrency=16, retry=Retry(longest=300))
    outcomes, _ = run_at_once(asked)
    assert texts(outcomes) == [job.request.prompt for job in jobs]
    back = sorted(now for now in came if now >= 1000)
    assert len(back) == 29
    assert back[-1] - back[0] < 10


def test_what_fails_while_others_are_answered_is_no_outage() -> None:
    def fault(request: Asked) -> str | None:
        return "reset" if "question 7" in str(request.messages) else None

    retry = Retry(attempts=2, outage=3600.0, first=0.001, longest=0.1)
    with Server(fault=fault, latency=0.01) as server:
        outcomes, _ = run(server.url, make_jobs(60, ["base"]), retry=retry, concurrency=2)
    assert Counter(texts(outcomes))["<connection>"] == 1


def test_answers_that_come_while_a_question_waits_say_that_the_server_is_there() -> None:
    asked_in_vain: list[str] = []

    class Picky(InProcess):
        async def complete(self, requests: Sequence[Request]) -> list[Answer | Failure]:
            (request,) = requests
            if request.prompt == "question 7":  # at once: nobody else is answered meanwhile
                asked_in_vain.append(request.prompt)
                return [Failure("server", "no", retryable=True, away=True)]
            await asyncio.sleep(1.0)
            return [Answer(request.prompt)]

    jobs = [make_job("base", i) for i in range(200)]
    retry = Retry(attempts=4, first=8.0, longest=8.0)
    outcomes, _ = run_at_once(ask(jobs, {"base": Picky()}, cache=None, concurrency=2, retry=retry))
    assert Counter(texts(outcomes))["<server>"] == 1
    # A short wait may end before the next answer comes, and then counts as an outage.
    assert 4 <= len(asked_in_vain) < 20


def test_a_model_that_answers_nothing_is_an_error_of_the_run() -> None:
    with Server(fault=lambda _: "400") as server, pytest.raises(ModelError, match="too long"):
        run(server.url, make_jobs(100, ["base"]), concurrency=2)
    with Server(fault=lambda _: "400") as server:
        outcomes, _ = run(server.url, make_jobs(5, ["base"]))
    assert texts(outcomes) == ["<refused>"] * 5


def test_notes_stay_with_the_answers(tmp_path: Path) -> None:
    from tests.models.test_openai import Picky

    server = Server()
    server.refuse = Picky("max_tokens")
    with server:
        _, first = run(server.url, make_jobs(3), tmp_path)
        _, second = run(server.url, make_jobs(3), tmp_path)
        assert len(server.asked) <= 12
    assert first["base"].notes
    assert second["base"].notes == first["base"].notes
    assert second["base"].sent == 0


def test_batches_hold_one_model_each() -> None:
    provider = Counted(lambda r: Answer(r.prompt), batch=4)
    jobs = make_jobs(10)
    outcomes, _ = ask_in_process(jobs, provider)
    assert texts(outcomes) == [job.request.prompt for job in jobs]
    assert sorted(map(len, provider.batches)) == [2, 2, 4, 4, 4, 4]
    assert provider.batches[0] == provider.batches[1] == ["0", "1", "2", "3"]


def test_in_a_batch_only_what_failed_is_asked_again() -> None:
    seen: Counter[str] = Counter()

    def answer(request: Request) -> Answer | Failure:
        seen[request.example_id] += 1
        if request.example_id == "2" and seen["2"] == 1:
            return Failure("server", "busy", retryable=True)
        if request.example_id == "3":
            return Failure("refused", "never")
        return Answer(request.prompt)

    outcomes, _ = ask_in_process(
        make_jobs(5, ["base"]), Counted(answer, batch=10), retry=Retry(first=0.001)
    )
    assert texts(outcomes)[3] == "<refused>"
    assert seen == {"0": 1, "1": 1, "2": 2, "3": 1, "4": 1}


def test_a_provider_limits_its_own_parallelism() -> None:
    provider = Counted(lambda r: Answer(r.prompt), parallel=2)
    ask_in_process(make_jobs(20, ["base"]), provider)
    assert provider.busiest == 2


def test_a_provider_that_breaks_is_named() -> None:
    def answer(_: Request) -> Answer:
        raise ZeroDivisionError("oh")

    with pytest.raises(ModelError, match="'base': its provider broke: ZeroDivisionError: oh"):
        ask_in_process(make_jobs(3, ["base"]), Counted(answer))


def test_a_time_out_of_a_provider_itself_is_a_failure() -> None:
    def answer(_: Request) -> Answer:
        raise TimeoutError

    outcomes, _ = ask_in_process(
        make_jobs(1, ["base"]), Counted(answer), timeout=None, retry=Retry(attempts=1)
    )
    assert outcomes == [Failure("timeout", "no answer in time", retryable=True)]


def test_a_provider_that_loses_requests_is_named() -> None:
    class Lossy(Counted):
        async def complete(self, requests: Sequence[Request]) -> list[Answer | Failure]:
            return [self.answer(request) for request in requests[1:]]

    with pytest.raises(ModelError, match="returned 2 outcomes for 3 requests"):
        ask_in_process(make_jobs(3, ["base"]), Lossy(lambda r: Answer(r.prompt), batch=3))


def test_no_cache_folder_for_what_is_not_worth_keeping(tmp_path: Path) -> None:
    jobs = make_jobs(2, ["base"])
    provider = Counted(lambda r: Answer(r.prompt))
    asyncio.run(ask(jobs, {"base": provider}, cache=tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()


def test_cancelling_keeps_what_was_answered(tmp_path: Path) -> None:
    async def main(url: str) -> None:
        task = asyncio.create_task(asked(url, make_jobs(100), tmp_path, concurrency=4))
        await asyncio.to_thread(server.wait_for, 30)
        task.cancel()
        await task

    with Server(latency=0.005) as server:
        with pytest.raises(Interrupted, match=r"interrupted; \d+ answers are kept in .*sqlite"):
            asyncio.run(main(server.url))
        before = len(server.asked)
        outcomes, stats = run(server.url, make_jobs(100), tmp_path)
    assert texts(outcomes) == expected(make_jobs(100))
    cached = stats["base"].cached + stats["tuned"].cached
    assert before - 4 <= cached <= before


def test_cancelling_without_a_cache_says_so() -> None:
    async def main(url: str) -> None:
        task = asyncio.create_task(asked(url, make_jobs(50)))
        await asyncio.sleep(0.05)
        task.cancel()
        await task

    with Server(latency=0.5) as server, pytest.raises(Interrupted, match="no answers are kept"):
        asyncio.run(main(server.url))


def test_a_full_disk_stops_the_run_and_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evalkit.runner.database import connect

    def small(*about: Any) -> Any:
        connection = connect(*about)
        connection.execute("PRAGMA max_page_count = 8")
        return connection

    jobs = [make_job("base", i, max_tokens=1000) for i in range(200)]
    with Server(reply=lambda *_: "x" * 900) as server:
        with monkeypatch.context() as patch:
            patch.setattr("evalkit.runner.cache.connect", small)
            with pytest.raises(CacheError, match=r"completions\.sqlite.*full.*make room"):
                run(server.url, jobs, tmp_path, concurrency=2)
        before = len(server.asked)
        _, stats = run(server.url, jobs, tmp_path)
    assert 0 < stats["base"].cached <= before < 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="counts the files this process holds open")
def test_nothing_stays_open(tmp_path: Path) -> None:
    def held() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with Server() as server:
        run(server.url, make_jobs(5), tmp_path)
        before = held()
        for _ in range(3):
            run(server.url, make_jobs(20), tmp_path)
        end = time.monotonic() + 5  # the server's own ends close a moment later
        while held() > before + 1:
            assert time.monotonic() < end
            time.sleep(0.01)
