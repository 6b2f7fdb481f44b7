"""`pytest -m benchmark -s tests/benchmarks/test_asking.py`: what the runner costs over its client.

2,000 prompts of two models, 100 at a time, against a server in a process of its own: a bare loop
over the `openai` client beside the runner with its cache, and the runner again with a warm one.
Processor time is printed beside wall time: on a machine that others use, only its ratio says much.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from evalkit.runner import Job
from tests.runner.asking import asked, make_jobs

PROMPTS = 2_000
CONCURRENCY = 100
SERVER = Path(__file__).parents[1] / "servers" / "openai_server.py"


async def bare(url: str, jobs: Sequence[Job]) -> None:
    """The client and nothing else."""
    from openai import AsyncOpenAI, DefaultAioHttpClient

    waiting = iter(jobs)
    async with AsyncOpenAI(
        api_key="none", base_url=url, max_retries=0, http_client=DefaultAioHttpClient()
    ) as client:

        async def work() -> None:
            for job in waiting:
                await client.chat.completions.create(
                    model=job.model,
                    messages=[{"role": "user", "content": job.request.prompt}],
                    max_tokens=256,
                    temperature=0,
                    top_p=1,
                    seed=0,
                )

        await asyncio.gather(*(work() for _ in range(CONCURRENCY)))


def seconds(work: Coroutine[Any, Any, object]) -> tuple[float, float]:
    """Wall time, and the processor time of this process."""
    start, busy = time.perf_counter(), time.process_time()
    asyncio.run(work)
    return time.perf_counter() - start, time.process_time() - busy


@pytest.fixture(params=["0", "0.2"])
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, float]]:
    """URL and latency of a server in a process of its own."""
    command = [sys.executable, str(SERVER), "--latency", request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), float(request.param)
        process.terminate()


@pytest.mark.benchmark
def test_the_runner_beside_a_bare_loop(served: tuple[str, float], tmp_path: Path) -> None:
    url, latency = served
    jobs = make_jobs(PROMPTS)
    seconds(bare(url, jobs[:10]))  # loads the client
    loop, loop_busy = seconds(bare(url, jobs))
    cold, cold_busy = seconds(asked(url, jobs, tmp_path, concurrency=CONCURRENCY))
    warm, _ = seconds(asked(url, jobs, tmp_path, concurrency=CONCURRENCY))
    least = latency * len(jobs) / CONCURRENCY
    print(
        f"\nlatency {latency:g} s, least {least:.1f} s: bare loop {loop:.1f} s, "
        f"runner {cold:.1f} s ({loop / cold:.2f} of its throughput, {loop_busy / cold_busy:.2f} by "
        f"processor time), warm {warm:.2f} s"
    )
