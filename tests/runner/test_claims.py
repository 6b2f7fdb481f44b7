"""Two runs at once on one cache: no answer is paid for twice, and nobody waits for the dead."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.models import open_provider
from evalkit.runner import AskStats, Cache, Job, cache_key
from evalkit.runner.claims import Claims
from evalkit.schema import Answer, Failure, ModelSpec
from tests.runner.asking import MODELS, Outcomes, asked, expected, make_jobs, run, texts
from tests.runner.killing import ask_live, start
from tests.servers.openai_server import Server

CONCURRENCY = 8
JOBS = make_jobs(100)


def keys_of(jobs: Sequence[Job], server: Server) -> list[str]:
    """What answers to jobs are kept under."""
    specs = {m: ModelSpec(m, "openai", m, "base", base_url=server.url) for m in MODELS}
    return [cache_key(open_provider(specs[job.model]), job.request) for job in jobs]


def test_two_runs_at_once_ask_everything_once(tmp_path: Path) -> None:
    told = [tmp_path / name for name in ("one", "other")]
    with Server(latency=0.02) as server:
        runs = [
            start(ask_live, server.url, JOBS, tmp_path / "cache", CONCURRENCY, path.name, path)
            for path in told
        ]
        for process in runs:
            process.join(120)
        assert len(server.asked) == len(JOBS)
    for path in told:
        assert path.read_text().splitlines() == expected(JOBS)
    assert not list((tmp_path / "cache").glob("*.lock"))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills a process")
def test_what_a_killed_run_had_claimed_is_asked_by_the_other(tmp_path: Path) -> None:
    first, other = tmp_path / "first", tmp_path / "other"
    with Server(latency=0.02) as server:
        dying = start(ask_live, server.url, JOBS, tmp_path / "cache", CONCURRENCY, "first", first)
        server.wait_for(20)
        waiting = start(ask_live, server.url, JOBS, tmp_path / "cache", CONCURRENCY, "other", other)
        server.wait_for(60)
        dying.kill()
        waiting.join(120)
        assert len(server.asked) <= len(JOBS) + CONCURRENCY
    assert other.read_text().splitlines() == expected(JOBS)
    assert not first.exists()
    assert not list((tmp_path / "cache").glob("*.lock"))


def test_nobody_waits_longer_than_a_run_may_take(tmp_path: Path, server: Server) -> None:
    jobs = make_jobs(3)
    with Claims(tmp_path) as claims:
        claims.take(keys_of(jobs, server))
        outcomes, _ = run(server.url, jobs, tmp_path, max_seconds=0.6)
        assert {o.kind for o in outcomes if isinstance(o, Failure)} == {"deadline"}
        assert not server.asked
    again, stats = run(server.url, jobs, tmp_path)
    assert texts(again) == expected(jobs)
    assert stats["base"].cached == 0


def test_a_model_that_answered_another_run_has_answered(tmp_path: Path) -> None:
    """So that what fails here is missing, and no error of the run."""
    jobs = make_jobs(2, ["base"])

    async def other_run(keys: Sequence[str], claimed: asyncio.Event) -> None:
        with Claims(tmp_path) as claims:
            claims.take(keys)
            claimed.set()
            await asyncio.sleep(0.2)
            with Cache(tmp_path) as cache:
                await cache.put([(keys[0], Answer("theirs", completion_tokens=9))])

    async def main(server: Server) -> tuple[Outcomes, dict[str, AskStats]]:
        claimed = asyncio.Event()
        other = asyncio.create_task(other_run(keys_of(jobs, server), claimed))
        await claimed.wait()
        found = await asked(server.url, jobs, tmp_path)
        await other
        return found

    with Server(fault=lambda _: "401") as server:
        outcomes, stats = asyncio.run(main(server))
        assert len(server.asked) == 1
    assert texts(outcomes) == ["theirs", "<auth>"]
    counts = stats["base"]
    assert (counts.cached, counts.sent, counts.missing, counts.completion_tokens) == (1, 1, 1, 0)


@settings(max_examples=25)
@given(
    wishes=st.lists(st.tuples(st.integers(0, 2), st.sets(st.sampled_from("abcdef"))), max_size=8)
)
def test_no_key_is_claimed_by_two(
    wishes: list[tuple[int, set[str]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("claims")
    held: dict[str, int] = {}
    with ExitStack() as stack:
        runs = [stack.enter_context(Claims(folder)) for _ in range(3)]
        for who, keys in wishes:
            taken = runs[who].take(keys)
            assert taken == {key for key in keys if held.get(key, who) == who}
            held |= dict.fromkeys(taken, who)
    with Claims(folder) as later:
        assert later.take("abcdef") == set("abcdef")
