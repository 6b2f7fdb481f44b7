"""Batches are killed with their process, at every step they take and at random, and resumed."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.runner.asking import expected, make_jobs, texts
from tests.runner.batching import pace, run_batched
from tests.runner.killing import MOMENTS, ask_by_batch, ask_by_batch_and_die, start
from tests.servers.batch_api import Desk
from tests.servers.openai_server import Server

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills a process")


def test_killed_at_every_step_nothing_is_handed_in_twice(tmp_path: Path) -> None:
    """One run after the other dies at another step, each going on where the last one died."""
    jobs = make_jobs(40, ["m"])
    with Server(desk=(desk := Desk())) as server:
        for moment in MOMENTS:
            process = start(ask_by_batch_and_die, server.url, jobs, tmp_path, moment, 8)
            process.join(60)
            assert process.exitcode == -signal.SIGKILL, moment
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path, pace=pace(most_lines=8))
    assert texts(outcomes) == expected(jobs)
    assert len(desk.batches) == 5
    assert Counter(line["custom_id"] for line in desk.requests).most_common(1)[0][1] == 1
    assert not list((tmp_path / "batches").iterdir())


def test_killed_at_random_with_another_run_at_its_side(tmp_path: Path) -> None:
    """Two runs on one cache, one of them killed again and again: each prompt is run once."""
    dice = random.Random(11)
    jobs = make_jobs(60, ["m"])
    with Server(desk=(desk := Desk(looks=4))) as server:
        steady = start(ask_by_batch, server.url, jobs, tmp_path)
        for _ in range(6):
            process = start(ask_by_batch, server.url, jobs, tmp_path)
            time.sleep(dice.uniform(0.0, 0.3))
            process.kill()
            process.join(60)
        steady.join(60)
        assert steady.exitcode == 0
        outcomes, _, _ = run_batched(server.url, jobs, tmp_path)
    assert texts(outcomes) == expected(jobs)
    assert len(desk.requests) == len(jobs)
