from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.runner import ask
from evalkit.runner.pace import GAIN, LONGEST, TOGETHER, Pace
from evalkit.schema import Answer, Failure, Request
from tests.runner.asking import MODELS, InProcess, make_jobs
from tests.runner.virtual_time import run_at_once, work_for

LATENCY = 0.2
WORK = 0.001
"""Seconds of the processor that a request and its answer take."""

STEPS = 20
"""Rounds of the event loop that this work is done in."""


def pace_of(*seconds: float) -> Pace:
    pace = Pace()
    for taken in seconds:
        pace.answered(Answer("x", seconds=taken))
    return pace


def test_nothing_is_held_back_before_the_first_answer() -> None:
    pace = Pace()
    pace.answered(Answer("x"))
    assert [pace.delay(8, 0.0) for _ in range(100)] == [0.0] * 100


def test_a_crowd_is_taken_apart() -> None:
    pace = pace_of(LATENCY)
    gap = LATENCY / (100 * GAIN)
    places = [pace.delay(100, 5.0) for _ in range(100)]
    assert places[:TOGETHER] == pytest.approx([0.0] * TOGETHER, abs=1e-9)
    assert [later - one for one, later in pairwise(places[TOGETHER:])] == pytest.approx([gap] * 95)


@given(st.floats(0.0, 600.0), st.integers(1, 1000), st.floats(0.0, 1e6))
def test_what_comes_evenly_is_never_held_back(seconds: float, width: int, start: float) -> None:
    pace = pace_of(seconds)
    every = seconds / width
    assert all(pace.delay(width, start + i * every) < 1e-6 for i in range(50))


@given(st.lists(st.floats(0.0, 600.0), min_size=1), st.integers(1, 1000))
def test_slow_answers_are_not_spread_over_their_slowness(seconds: list[float], width: int) -> None:
    pace = pace_of(*seconds)
    assert max(pace.delay(width, 0.0) for _ in range(width)) <= width * LONGEST


class Distant(InProcess):
    """A model behind a wire, whose answers are work for this process, done in several steps."""

    async def complete(self, requests: Sequence[Request]) -> list[Answer | Failure]:
        await asyncio.sleep(LATENCY)
        for _ in range(STEPS):
            work_for(WORK / STEPS)
            await asyncio.sleep(0)
        return [Answer("x") for _ in requests]


def test_the_wire_stays_full_though_answers_share_one_processor() -> None:
    jobs = make_jobs(2_000)

    async def main() -> float:
        await ask(jobs, dict.fromkeys(MODELS, Distant()), cache=None, concurrency=100)
        return asyncio.get_running_loop().time()

    assert run_at_once(main()) < 1.1 * LATENCY * len(jobs) / 100
