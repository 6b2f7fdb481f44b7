"""Live runs killed at random moments: nothing that was on disk is lost, or asked again."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from evalkit.models import open_provider
from evalkit.runner import Cache, Job, cache_key
from evalkit.schema import ModelSpec
from tests.runner.asking import expected, make_jobs
from tests.runner.killing import ask_live, start
from tests.servers.openai_server import Server

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills a process")

CONCURRENCY = 8


def wait_for(server: Server, requests: int, runs: Sequence[BaseProcess]) -> None:
    """Return when so many requests have come in, or all runs are done."""
    end = time.monotonic() + 60
    while len(server.asked) < requests and any(run.is_alive() for run in runs):
        assert time.monotonic() < end, "the runs send nothing"
        time.sleep(0.001)


def prompts_of(server: Server, run: str) -> list[str]:
    """What a run asked, in order."""
    sent = [a for a in server.asked if a.headers["Authorization"] == f"Bearer {run}"]
    return [str(asked.messages[0]["content"]) for asked in sent]


def stored(cache: Path, url: str, jobs: Sequence[Job]) -> set[str]:
    """The prompts whose answers are on disk."""
    provider = open_provider(ModelSpec("m", "openai", "m", "base", base_url=url))
    keys = {cache_key(provider, job.request): job.request.prompt for job in jobs}
    with Cache(cache) as store:
        return {keys[key] for key in store.get(list(keys))}


def killed(
    kills: int, count: int, runs_at_once: int, tmp_path: Path, seed: int
) -> tuple[Server, list[Job]]:
    """Runs that are killed, one round after the other, each watched; then one that is not."""
    dice = random.Random(seed)
    jobs = make_jobs(count, ["m"])
    rounds = kills // runs_at_once
    told = tmp_path / "told"
    with Server(latency=0.002) as server:
        for turn in range(rounds):
            before = stored(tmp_path, server.url, jobs)
            names = [f"run-{turn}-{i}" for i in range(runs_at_once)]
            runs = [
                start(ask_live, server.url, jobs, tmp_path, CONCURRENCY, name, told)
                for name in names
            ]
            goal = dice.randint(1, 2 * count // (rounds + 1))
            wait_for(server, len(server.asked) + goal, runs)
            for run in runs:
                run.kill()
                run.join()
                time.sleep(dice.uniform(0.0, 0.02))
            time.sleep(0.05)  # what had been sent comes in
            after = stored(tmp_path, server.url, jobs)
            for name in names:
                asked = prompts_of(server, name)
                assert len(set(asked)) == len(asked)
                assert before.isdisjoint(asked)
                assert len(set(asked) - after) <= CONCURRENCY
        last = start(ask_live, server.url, jobs, tmp_path, CONCURRENCY, "last", told)
        last.join(120)
        assert last.exitcode == 0
    assert told.read_text(encoding="utf-8").splitlines() == expected(jobs)
    return server, jobs


def test_killed_again_and_again(tmp_path: Path) -> None:
    server, jobs = killed(4, 120, 1, tmp_path, seed=1)
    assert len(jobs) <= len(server.asked) <= len(jobs) + 4 * CONCURRENCY


def test_two_runs_on_one_cache_killed_again_and_again(tmp_path: Path) -> None:
    server, jobs = killed(4, 120, 2, tmp_path, seed=2)
    assert len(jobs) <= len(server.asked) <= len(jobs) + 4 * CONCURRENCY


@pytest.mark.slow
def test_killed_at_twenty_moments_of_two_thousand_prompts(tmp_path: Path) -> None:
    server, jobs = killed(20, 2_000, 1, tmp_path, seed=3)
    assert len(jobs) <= len(server.asked) <= len(jobs) + 20 * CONCURRENCY


@pytest.mark.slow
def test_two_runs_on_one_cache_killed_at_twenty_moments(tmp_path: Path) -> None:
    server, jobs = killed(20, 2_000, 2, tmp_path, seed=4)
    assert len(jobs) <= len(server.asked) <= len(jobs) + 20 * CONCURRENCY
