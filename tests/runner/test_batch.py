"""Batches over a real socket: handed in, waited for, joined, and asked again where they failed."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from evalkit.errors import Interrupted, ModelError, UsageError
from evalkit.models import open_provider
from evalkit.runner import BatchPace, Cache, Job, cache_key, forget_batch
from evalkit.runner.batch.ledger import FILE, FOLDER, Ledger
from evalkit.runner.batch.means import BatchMeans
from evalkit.runner.deadline import deadline_in
from evalkit.schema import Failure, ModelSpec
from tests.runner.asking import QUICK, expected, make_job, make_jobs, run, texts
from tests.runner.batching import batched, pace, run_batched
from tests.servers.batch_api import Desk
from tests.servers.openai_server import Server, error_reply


def canonical(body: object) -> str:
    return json.dumps(body, sort_keys=True)


def prompt_of(line: dict[str, Any]) -> int:
    """The number of the question that a line asks."""
    return int(line["body"]["messages"][-1]["content"].removeprefix("question "))


def once(fates: dict[int, str]) -> Callable[[dict[str, Any]], str | None]:
    """Fates of some questions, the first time that each is run."""
    left = dict(fates)
    return lambda line: left.pop(prompt_of(line), None)


@pytest.mark.parametrize("mode", ["chat", "completions"])
def test_a_batch_brings_what_live_requests_would(mode: str, tmp_path: Path) -> None:
    jobs = [make_job(model, i, stop=("\n",), top_k=5) for i in range(20) for model in ("a", "b")]
    with Server(desk=(desk := Desk())) as server:
        outcomes, stats, settled = run_batched(server.url, jobs, tmp_path / "batch", mode=mode)
        assert not server.asked  # nothing was asked besides
        live, _, _ = run_batched(server.url, jobs, tmp_path / "batch", mode=mode)
        assert len(desk.batches) == 2  # nothing was handed in again
        if mode == "chat":
            live, _ = run(server.url, jobs, tmp_path / "live")
            sent = {canonical(asked.body) for asked in server.asked}
            assert sent == {canonical(line["body"]) for line in desk.requests}
    assert outcomes == live
    assert not settled
    for model in ("a", "b"):
        assert (stats[model].jobs, stats[model].sent, stats[model].missing) == (20, 20, 0)
    assert not list((tmp_path / "batch" / FOLDER).iterdir())


def test_batches_are_cut_to_the_limits(tmp_path: Path) -> None:
    jobs = make_jobs(25, ["m"])
    with Server(desk=(desk := Desk())) as server:
        by_lines, _, _ = run_batched(server.url, jobs, tmp_path / "a", pace=pace(most_lines=10))
        sizes = [content.count(b"\n") for name, content in desk.files.items() if "-o" not in name]
        assert sizes == [10, 10, 5]
        desk.files.clear()
        by_bytes, _, _ = run_batched(server.url, jobs, tmp_path / "b", pace=pace(most_bytes=900))
        sent = [content for name, content in desk.files.items() if "output" not in name]
    assert len(sent) > 5
    assert all(len(content) <= 900 for content in sent)
    assert texts(by_lines) == texts(by_bytes) == expected(jobs)


def test_what_failed_is_handed_in_again_and_the_rest_is_not(tmp_path: Path) -> None:
    fates = {0: "expired", 1: "500", 2: "429", 3: "lost", 4: "garbage", 5: "twice", 6: "stranger"}
    jobs = make_jobs(30, ["m"])
    said: list[str] = []
    with Server(desk=(desk := Desk(fate=once(fates)))) as server:
        outcomes, stats, _ = run_batched(server.url, jobs, tmp_path, say=said.append)
    assert texts(outcomes) == expected(jobs)
    assert [len(desk.files[b["input_file_id"]].splitlines()) for b in desk.batches.values()] == [
        30, 5,
    ]  # fmt: skip
    assert max(Counter(map(prompt_of, desk.requests)).values()) == 1
    (summary,) = [line for line in said if "25 answers" in line]
    for part in (
        "2 failed (1 rate_limit, 1 server)", "3 missing", "1 line unreadable",
        "1 result of unknown custom_id", "1 result given twice",
    ):  # fmt: skip
        assert part in summary
    assert stats["m"].sent == 35
    assert stats["m"].retries == 5
    assert stats["m"].causes == {"malformed": 3, "rate_limit": 1, "server": 1}


def test_what_fails_for_good_is_missing_and_not_asked_elsewhere(tmp_path: Path) -> None:
    def fate(line: dict[str, Any]) -> str | None:
        return {0: "400", 1: "500"}.get(prompt_of(line))

    jobs = make_jobs(4, ["m"])
    with Server(desk=(desk := Desk(fate=fate))) as server:
        outcomes, stats, settled = run_batched(server.url, jobs, tmp_path)
        assert not server.asked
        assert texts(outcomes)[:2] == ["<refused>", "<server>"]
        assert texts(outcomes)[2:] == expected(jobs)[2:]
        assert len(settled) == stats["m"].missing == 2
        assert len(desk.batches) == 3  # the prompt that might have been answered, three times
        desk.fate = lambda _: None
        again, _, _ = run_batched(server.url, jobs, tmp_path)
    assert texts(again) == expected(jobs)
    assert len(desk.batches) == 4


@pytest.mark.parametrize("end", ["expired", "cancelled"])
def test_a_batch_that_ends_early_keeps_what_it_has(end: str, tmp_path: Path) -> None:
    jobs = make_jobs(10, ["m"])
    fates = dict.fromkeys(range(5), "lost")
    desk = Desk(fate=once(fates), ends=lambda n: end if n == 1 else "completed")
    with Server(desk=desk) as server:
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path)
        found = Counter(texts(outcomes))
        if end == "cancelled":  # somebody wanted it so: nothing is handed in again by itself
            assert found["<cancelled>"] == 5
            assert len(desk.batches) == 1
            outcomes, _, _ = run_batched(server.url, jobs, tmp_path)
    assert texts(outcomes) == expected(jobs)
    assert len(desk.batches) == 2


def test_a_refused_parameter_is_left_out_the_second_time(tmp_path: Path) -> None:
    class Picky(Desk):
        def _run(self, lines: list[dict[str, Any]]) -> tuple[list[bytes], list[bytes]]:
            if "max_tokens" not in lines[0]["body"]:
                return super()._run(lines)
            message = "Unsupported parameter: 'max_tokens' is not supported with this model."
            body = {"error": {"message": message, "code": "unsupported_parameter"}}
            return [], [
                json.dumps(
                    {
                        "custom_id": line["custom_id"],
                        "response": {"status_code": 400, "body": body},
                        "error": None,
                    }
                ).encode()
                for line in lines
            ]

    jobs = make_jobs(6, ["m"])
    with Server(desk=(desk := Picky())) as server:
        outcomes, stats, _ = run_batched(server.url, jobs, tmp_path)
        assert texts(outcomes) == expected(jobs)
        assert len(desk.batches) == 2
        note = "the server refused `max_tokens`; `max_completion_tokens` was sent instead"
        assert stats["m"].notes == (note,)
        # A later run knows it from the beginning.
        run_batched(server.url, make_jobs(7, ["m"]), tmp_path)
        assert len(desk.batches) == 3


def test_a_full_queue_gets_smaller_batches_one_at_a_time(tmp_path: Path) -> None:
    desk = Desk()

    def end(number: int) -> str:
        content = desk.files[desk.batches[f"batch-{number}"]["input_file_id"]]
        return "queue-full" if content.count(b"\n") > 6 else "completed"

    desk.ends = end
    jobs = make_jobs(20, ["m"])
    said: list[str] = []
    with Server(desk=desk) as server:
        outcomes, stats, _ = run_batched(server.url, jobs, tmp_path, say=said.append)
    assert texts(outcomes) == expected(jobs)
    sizes = [desk.files[b["input_file_id"]].count(b"\n") for b in desk.batches.values()]
    assert sizes == [20, 10, 5, 5, 5, 5]
    assert stats["m"].missing == 0
    assert any("Enqueued token limit" in line and "10 prompts at a time" in line for line in said)


def test_a_queue_that_takes_nothing_is_a_rate_limit(tmp_path: Path) -> None:
    with Server(desk=Desk(ends=lambda _: "queue-full")) as server:
        outcomes, _, _ = run_batched(server.url, make_jobs(2, ["m"]), tmp_path)
    assert texts(outcomes) == ["<rate_limit>"] * 2


def test_a_batch_that_is_refused_is_an_error_that_says_why(tmp_path: Path) -> None:
    jobs = make_jobs(3, ["m"])
    with Server(desk=(desk := Desk(ends=lambda _: "invalid"))) as server:
        with pytest.raises(ModelError, match=r"'m'.*batch-1.*not parseable as valid JSON"):
            run_batched(server.url, jobs, tmp_path)
        desk.ends = lambda _: "completed"
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path)
    assert texts(outcomes) == expected(jobs)


def test_a_batch_whose_file_the_server_does_not_find_is_handed_in_again(tmp_path: Path) -> None:
    jobs = make_jobs(3, ["m"])
    said: list[str] = []
    desk = Desk(ends=lambda number: "file-unknown" if number == 1 else "completed")
    with Server(desk=desk) as server:
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path, say=said.append)
    assert texts(outcomes) == expected(jobs)
    assert len(desk.batches) == 2
    assert any("Cannot find file" in line and "handing it in again" in line for line in said)


def test_a_file_that_is_never_found_is_an_error_in_the_end(tmp_path: Path) -> None:
    desk = Desk(ends=lambda _: "file-unknown")
    with Server(desk=desk) as server, pytest.raises(ModelError, match=r"'m'.*Cannot find file"):
        run_batched(server.url, make_jobs(3, ["m"]), tmp_path)
    assert len(desk.batches) == BatchPace().rounds


def test_a_file_that_the_server_does_not_know_yet_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evalkit.models.openai_batches.NOT_READY_SECONDS", 0.01)
    jobs = make_jobs(3, ["m"])
    desk = Desk(troubles=iter([None, "file-unknown", None, "file-unknown"]))
    with Server(desk=desk) as server:
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path)
    assert texts(outcomes) == expected(jobs)
    assert desk.calls[:5] == ["upload", "create", "list", "create", "list"]
    assert len(desk.batches) == 1


def test_a_model_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with (
        Server(desk=Desk(fate=lambda _: "404")) as server,
        pytest.raises(ModelError, match=r"'m'.*does not exist"),
    ):
        run_batched(server.url, make_jobs(3, ["m"]), tmp_path)


def test_a_server_without_batches_is_named(tmp_path: Path) -> None:
    with (
        Server() as server,
        pytest.raises(ModelError, match=r"'m'.*no Batch API.*evalkit batch export"),
    ):
        run_batched(server.url, make_jobs(3, ["m"]), tmp_path)
    assert not list((tmp_path / FOLDER).iterdir())


def test_trouble_with_the_api_itself_loses_and_doubles_nothing(tmp_path: Path) -> None:
    dice = random.Random(5)
    kinds = ["500", "429", "made-500", None, None, None]
    desk = Desk(troubles=iter([dice.choice(kinds) for _ in range(60)]), looks=3)
    jobs = make_jobs(40)
    with Server(desk=desk) as server:
        slow = pace(most_lines=15, retry=replace(QUICK, attempts=12, patience=60.0))
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path, pace=slow)
    assert texts(outcomes) == expected(jobs)
    assert len(desk.requests) == len(jobs)
    assert len(desk.batches) == 6
    assert "list" in desk.calls


def test_a_lost_batch_is_handed_in_again(tmp_path: Path) -> None:
    jobs = make_jobs(5, ["m"])
    with Server(desk=(desk := Desk(looks=10_000))) as server:
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path, max_seconds=0.5)
        assert texts(outcomes) == ["<deadline>"] * 5
        desk.batches.clear()
        desk.looks = 1
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path)
    assert texts(outcomes) == expected(jobs)


def test_a_later_run_collects_what_an_earlier_one_handed_in(tmp_path: Path) -> None:
    with Server(desk=(desk := Desk(looks=10_000))) as server:
        run_batched(server.url, make_jobs(8, ["m"]), tmp_path, max_seconds=0.5)
        desk.looks = 1
        # Another question: the old batch is not in its way, and its answers are kept.
        run_batched(server.url, [make_job("m", 99)], tmp_path)
        assert [desk.files[b["input_file_id"]].count(b"\n") for b in desk.batches.values()] == [
            8,
            1,
        ]
        outcomes, stats, _ = run_batched(server.url, make_jobs(8, ["m"]), tmp_path)
    assert texts(outcomes) == expected(make_jobs(8, ["m"]))
    assert stats["m"].cached == 8
    assert len(desk.batches) == 2


def test_two_arms_that_are_one_model_are_asked_once(tmp_path: Path) -> None:
    jobs = make_jobs(4, ["m"]) * 2
    with Server(desk=(desk := Desk())) as server:
        outcomes, stats, _ = run_batched(server.url, jobs, tmp_path)
    assert texts(outcomes) == expected(jobs)
    assert len(desk.requests) == 4
    assert (stats["m"].jobs, stats["m"].sent, stats["m"].cached) == (8, 4, 4)


def test_a_key_that_the_server_does_not_take_is_an_error(tmp_path: Path) -> None:
    async def deny(request: web.Request) -> web.Response:
        return error_reply(401, f"Incorrect API key: {request.headers['Authorization']}")

    class Closed(Desk):
        def add_to(self, app: web.Application, answer: Any) -> None:
            del answer
            app.router.add_post("/v1/files", deny)

    with (
        Server(desk=Closed()) as server,
        pytest.raises(ModelError, match=r"'m'.*answered 401: Incorrect API key"),
    ):
        run_batched(server.url, make_jobs(2, ["m"]), tmp_path)


def test_answers_are_in_the_cache_before_their_batch_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    jobs = make_jobs(5, ["m"])
    with Server(desk=(desk := Desk())) as server:
        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "drop", killed)
            with pytest.raises(BaseException, match="interrupted"):
                run_batched(server.url, jobs, tmp_path)
        outcomes, stats, _ = run_batched(server.url, jobs, tmp_path)
    assert texts(outcomes) == expected(jobs)
    assert stats["m"].cached == 5
    assert len(desk.batches) == 1


def test_an_interrupted_wait_says_what_goes_on(tmp_path: Path) -> None:
    jobs = make_jobs(4)

    async def interrupted(url: str) -> None:
        run = asyncio.create_task(batched(url, jobs, tmp_path))
        while len(desk.batches) < 2:  # noqa: ASYNC110 - in the thread of the server
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        run.cancel()
        await run

    with Server(desk=(desk := Desk(looks=10_000))) as server:
        with pytest.raises(Interrupted, match=r"2 of our batches go on at the server"):
            asyncio.run(interrupted(server.url))
        desk.looks = 1
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path)
    assert texts(outcomes) == expected(jobs)
    assert len(desk.batches) == 2


def test_a_key_that_the_server_repeats_appears_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-evalkit-7Zq3tTq9-do-not-show"
    monkeypatch.setenv("OPENAI_API_KEY", key)

    class Telltale(Desk):
        def _run(self, lines: list[dict[str, Any]]) -> tuple[list[bytes], list[bytes]]:
            good, bad = super()._run(lines[1:])
            response = {"status_code": 400, "body": {"error": {"message": f"you sent {key}"}}}
            told = {"custom_id": lines[0]["custom_id"], "response": response, "error": None}
            return good, [*bad, json.dumps(told).encode()]

    said: list[str] = []
    with Server(desk=Telltale()) as server:
        outcomes, stats, settled = run_batched(
            server.url, make_jobs(5, ["m"]), tmp_path, say=said.append
        )
    assert "you sent [key]" in str(settled)
    shown = [str(outcomes), str(stats), str(settled), *said]
    shown += [p.read_bytes().decode(errors="replace") for p in tmp_path.rglob("*") if p.is_file()]
    assert not [text for text in shown if key[3:] in text]


LOOK_ALIKE = ["page", "nothing", "error", "half", "404", "500"]


@pytest.mark.parametrize("trouble", LOOK_ALIKE)
def test_results_that_do_not_come_whole_are_fetched_again(trouble: str, tmp_path: Path) -> None:
    jobs = make_jobs(9, ["m"])
    desk = Desk(troubles=iter([trouble] * 2), trouble_with="content")
    with Server(desk=desk) as server:
        outcomes, stats, _ = run_batched(server.url, jobs, tmp_path)
    assert texts(outcomes) == expected(jobs)
    assert (len(desk.batches), stats["m"].sent) == (1, 9)  # nothing is paid for twice
    assert desk.calls.count("content") == 3


@pytest.mark.parametrize("trouble", ["page", "nothing", "404"])
def test_results_that_never_come_stay_where_they_are(trouble: str, tmp_path: Path) -> None:
    jobs = make_jobs(9, ["m"])
    desk = Desk(troubles=itertools.repeat(trouble), trouble_with="content")
    with Server(desk=desk) as server:
        for _ in range(2):
            with pytest.raises(ModelError, match="the same command fetches them again") as error:
                run_batched(server.url, jobs, tmp_path)
        assert len(desk.batches) == 1
        desk.troubles = iter(())
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path)
        assert texts(outcomes) == expected(jobs)
        assert len(desk.batches) == 1
    assert f"evalkit batch forget batch-1 --cache {tmp_path}` before it" in str(error.value)
    assert "no Batch API" not in str(error.value)


def test_results_that_are_gone_for_good_are_asked_for_anew_if_somebody_says_so(
    tmp_path: Path,
) -> None:
    class Forgetful(Desk):
        def _end(self, batch: dict[str, Any]) -> None:
            super()._end(batch)
            if batch["id"] == "batch-1":
                del self.files[batch["output_file_id"]]

    jobs = make_jobs(5, ["m"])
    with Server(desk=(desk := Forgetful())) as server:
        with pytest.raises(ModelError, match="No such File object: batch-1-output"):
            run_batched(server.url, jobs, tmp_path)
        (tmp_path / FILE).unlink()
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path)
    assert texts(outcomes) == expected(jobs)
    assert len(desk.batches) == 2


def test_results_of_another_batch_are_none(tmp_path: Path) -> None:
    class Mixed(Desk):
        async def _content(self, request: web.Request) -> web.Response:
            if self.calls.count("content"):
                return await super()._content(request)
            self.calls.append("content")
            return web.Response(body=self.files["batch-2-output"])

    with Server(desk=(desk := Mixed(looks=1))) as server:
        outcomes, _, _ = run_batched(server.url, make_jobs(6), tmp_path, pace=pace(first=0.1))
    assert texts(outcomes) == expected(make_jobs(6))
    assert len(desk.batches) == len({job.model for job in make_jobs(6)})


@pytest.mark.parametrize("call", ["upload", "create", "look", "content"])
def test_a_call_that_is_never_answered_is_made_again(call: str, tmp_path: Path) -> None:
    jobs = make_jobs(5, ["m"])
    trouble = "hang" if call in {"look", "content"} else "made-hang"
    desk = Desk(troubles=iter([trouble]), trouble_with=call)
    with Server(desk=desk) as server:
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path, pace=pace(timeout=0.3))
    assert texts(outcomes) == expected(jobs)
    assert len(desk.batches) == 1


@pytest.mark.parametrize("call", ["upload", "create"])
def test_a_reply_without_an_id_is_none(call: str, tmp_path: Path) -> None:
    jobs = make_jobs(5, ["m"])
    desk = Desk(troubles=iter(["no-id"]), trouble_with=call)
    with Server(desk=desk) as server:
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path)
    assert texts(outcomes) == expected(jobs)
    assert len(desk.batches) == 1


def test_a_server_that_names_a_wait_is_not_asked_before(tmp_path: Path) -> None:
    class Busy(Desk):
        async def _look(self, request: web.Request) -> web.Response:
            looked.append(time.monotonic())
            if len(looked) == 1:
                return error_reply(429, "slow down", Retry_After="1.5")
            return await super()._look(request)

    looked: list[float] = []
    jobs = make_jobs(4)
    with Server(desk=Busy()) as server:
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path)
    assert texts(outcomes) == expected(jobs)
    assert looked[1] - looked[0] >= 1.5


def test_a_batch_that_was_perhaps_made_is_not_made_again(tmp_path: Path) -> None:
    """Where a server lists no batches, nobody but a person can tell."""

    class Silent(Desk):
        async def _list(self, request: web.Request) -> web.Response:
            del request
            return error_reply(404, "no such thing")

    jobs = make_jobs(5, ["m"])
    desk = Silent(troubles=iter(["made-500"]), trouble_with="create")
    with Server(desk=desk) as server:
        for _ in range(2):
            with pytest.raises(ModelError, match=r"whether its batch evalkit-\w+ was made is not"):
                run_batched(server.url, jobs, tmp_path)
        assert len(desk.batches) == 1
        (tmp_path / FILE).unlink()
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path)
    assert texts(outcomes) == expected(jobs)


def test_a_batch_that_is_not_found_once_is_looked_for_again(tmp_path: Path) -> None:
    jobs = make_jobs(5, ["m"])
    desk = Desk(troubles=iter(["404"]), trouble_with="look")
    with Server(desk=desk) as server:
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path)
    assert texts(outcomes) == expected(jobs)
    assert (len(desk.batches), desk.calls.count("list")) == (1, 0)


def test_a_planned_file_that_somebody_deleted_is_planned_again(tmp_path: Path) -> None:
    jobs = make_jobs(5, ["m"])
    with Server(desk=(desk := Desk(troubles=iter(["500"] * 4)))) as server:
        with pytest.raises(ModelError, match="answered 500"):
            run_batched(server.url, jobs, tmp_path)
        (planned,) = (tmp_path / FOLDER).iterdir()
        planned.unlink()
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path)
    assert texts(outcomes) == expected(jobs)
    assert len(desk.batches) == 1


@pytest.mark.slow
def test_a_hundred_and_twenty_thousand_prompts(tmp_path: Path) -> None:
    """Split, interrupted, resumed and joined, with results of every kind in any order."""
    kinds = {3: "expired", 7: "500", 11: "lost", 13: "429", 17: "twice"}
    count = 120_000
    fates = {i: kinds[i % 1000] for i in range(count) if i % 1000 in kinds}
    jobs = make_jobs(count, ["m"])
    with Server(desk=(desk := Desk(fate=once(fates), looks=10**6))) as server:
        run_batched(server.url, jobs, tmp_path, max_seconds=1.0)
        assert not desk.requests
        desk.looks = 3
        outcomes, stats, _ = run_batched(server.url, jobs, tmp_path)
    assert texts(outcomes) == expected(jobs)
    sizes = [content.count(b"\n") for name, content in desk.files.items() if "batch" not in name]
    assert sizes[:3] == [50_000, 50_000, 20_000]
    assert sum(sizes[3:]) == 4 * count // 1000  # what had no answer, and nothing else
    assert len(desk.requests) == count
    assert stats["m"].missing == 0


def test_no_wait_outlasts_the_time_of_the_run(tmp_path: Path) -> None:
    busy = Failure("rate_limit", "come again", retryable=True, retry_after=60.0)
    calls = 0

    async def call() -> Failure:
        nonlocal calls
        calls += 1
        return busy

    async def main() -> Failure:
        with Ledger(tmp_path) as ledger:
            means = BatchMeans(ledger, pace(), deadline_in(5.0), print)
            return await asyncio.wait_for(means.patiently(call), 5.0)

    assert asyncio.run(main()) is busy
    assert calls == 1


class Spoilt(Desk):
    """A desk whose results of model `a` cannot be read until it is mended."""

    mended = False

    async def _content(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        made = next(batch for batch in self.batches.values() if batch["output_file_id"] == name)
        if b'"model": "a"' in self.files[made["input_file_id"]] and not self.mended:
            return web.Response(text="<html>gone</html>")
        return await super()._content(request)


def kept_of(model: str, url: str, jobs: Sequence[Job], folder: Path) -> int:
    """How many answers of a model the cache holds."""
    provider = open_provider(ModelSpec(model, "openai", model, "base", base_url=url))
    with Cache(folder) as cache:
        keys = [cache_key(provider, job.request) for job in jobs if job.model == model]
        return len(cache.get(keys))


def test_a_batch_that_cannot_be_read_holds_up_no_other(tmp_path: Path) -> None:
    jobs = make_jobs(10, ["a", "b"])
    said: list[str] = []
    with Server(desk=(desk := Spoilt())) as server:
        for _ in range(2):
            with pytest.raises(ModelError, match="evalkit batch forget") as told:
                run_batched(server.url, jobs, tmp_path, say=said.append)
        assert len(desk.requests) == 20  # nothing was handed in twice
        assert kept_of("b", server.url, jobs, tmp_path) == 10
        (name,) = re.findall(r"evalkit batch forget (\S+) --cache", str(told.value))
        with pytest.raises(UsageError, match=f"did you mean '{name}'"):
            forget_batch(f"{name}x", tmp_path)
        assert forget_batch(name, tmp_path) == 10
        desk.mended = True
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path)
    assert texts(outcomes) == expected(jobs)
    assert len(desk.requests) == 30
    assert any("Going on with the other batches" in line for line in said)


def test_a_refused_batch_holds_up_no_other_model(tmp_path: Path) -> None:
    jobs = make_jobs(10, ["a", "b"])
    with Server(desk=Desk(ends=lambda n: "invalid" if n == 1 else "completed")) as server:
        with pytest.raises(ModelError, match="the server refused the batch"):
            run_batched(server.url, jobs, tmp_path)
        assert kept_of("b", server.url, jobs, tmp_path) == 10
        with pytest.raises(UsageError, match="none are known here"):
            forget_batch("batch-1", tmp_path)


def test_nothing_can_be_forgotten_where_nothing_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no batch 'batch-1' is waited for in"):
        forget_batch("batch-1", tmp_path)
    assert not list(tmp_path.iterdir())
