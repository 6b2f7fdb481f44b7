"""`pytest -m benchmark -s tests/benchmarks/test_asking.py`: what the runner costs over its client.

2,000 prompts of two models, 100 at a time, against a server in a process of its own: a bare loop
over the `openai` client beside the runner with its cache, and the runner again with a warm one.
Then the whole command in a process of its own, for its memory, and once more with every answer in
the cache, for its time.
Processor time is printed beside wall time: on a machine that others use, only its ratio says much.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from evalkit.runner import Job
from tests.benchmarks.measure import EVALKIT, cost_of
from tests.runner.asking import MODELS, asked, make_jobs

PROMPTS = 2_000
CONCURRENCY = 100
LATENCY = 0.2

THROUGHPUT = 0.85
WITHIN = 1.10
WARM = 2.0
"""What is wanted. Seconds depend on the machine and on who else uses it, so they are shown.

A warm run is the whole process, from the command to its report.
"""

MEGABYTES = 200
BUSY = 2 * WARM
"""Resident memory of the whole process, and processor time of a warm one, at most: asserted."""

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


@contextmanager
def serving(latency: float) -> Iterator[str]:
    """The URL of a server in a process of its own."""
    command = [sys.executable, str(SERVER), "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.mark.benchmark
@pytest.mark.parametrize("latency", [0.0, LATENCY])
def test_the_runner_beside_a_bare_loop(latency: float, tmp_path: Path) -> None:
    jobs = make_jobs(PROMPTS)
    with serving(latency) as url:
        seconds(bare(url, jobs[:10]))  # loads the client
        loop, loop_busy = seconds(bare(url, jobs))
        cold, cold_busy = seconds(asked(url, jobs, tmp_path, concurrency=CONCURRENCY))
        warm, _ = seconds(asked(url, jobs, tmp_path, concurrency=CONCURRENCY))
    wanted = f"wanted: {THROUGHPUT} of the bare loop's throughput"
    if latency:
        least = latency * len(jobs) / CONCURRENCY
        wanted = f"wanted: {WITHIN * least:.1f} s, which is {WITHIN} of latency x N / concurrency"
    print(
        f"\n{len(jobs)} requests, latency {latency:g} s: bare loop {loop:.1f} s, runner "
        f"{cold:.1f} s ({loop / cold:.2f} of its throughput, by processor time "
        f"{loop_busy / cold_busy:.2f}; {wanted}), warm {warm:.2f} s"
    )


@pytest.mark.benchmark
def test_the_memory_of_a_whole_run(tmp_path: Path) -> None:
    """`evalkit run` with as many requests: what it holds at most, and what it takes once more."""
    rows = ({"id": str(i), "prompt": f"question {i}", "completion": "x"} for i in range(PROMPTS))
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with serving(0.0) as url:
        models = [f"--{model}=openai:{model}@{url}" for model in MODELS]
        command = [*EVALKIT, "run", "data.jsonl", *models, f"--concurrency={CONCURRENCY}"]
        cold = cost_of([*command, "--out=cold"], tmp_path)
        warm = cost_of([*command, "--out=warm"], tmp_path)
    print(
        f"\n{PROMPTS} prompts x {len(MODELS)} models, the whole process: {cold.megabytes:.0f} MB "
        f"(wanted: {MEGABYTES} MB), {cold.seconds:.1f} s; again with every answer in the cache: "
        f"{warm.megabytes:.0f} MB, {warm.seconds:.2f} s (wanted: {WARM:g} s), {warm.processor:.2f} "
        "s of the processor"
    )
    assert (cold.code, warm.code) == (0, 0)
    assert sent_by(tmp_path / "warm") == 0
    assert cold.megabytes < MEGABYTES
    assert warm.processor < BUSY


def sent_by(run: Path) -> int:
    """How many requests a run has sent, as its folder tells."""
    models = json.loads((run / "run.json").read_text())["run"]["clocks"]["models"]
    return sum(clock["sent"] for clock in models.values())
