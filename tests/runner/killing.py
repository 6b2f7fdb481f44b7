"""Runs in processes that are killed: forked from one that has everything loaded, so it is quick."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from evalkit.runner import Job
from evalkit.runner.batch.ledger import Ledger
from evalkit.runner.cache import Cache
from tests.runner.asking import asked, texts
from tests.runner.batching import batched, pace

_CONTEXT: Any = multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")
_CONTEXT.set_forkserver_preload(["tests.runner.killing", "openai", "aiohttp"])

Moment = tuple[str, str]
"""(`before` or `after`, name of a method of `Ledger` or `Cache`)."""

MOMENTS: tuple[Moment, ...] = tuple(
    (when, what)
    for what in ("plan", "uploaded", "trying", "submitted", "put", "drop")
    for when in ("before", "after")
)


def start(target: Callable[..., None], *about: Any) -> BaseProcess:
    process: BaseProcess = _CONTEXT.Process(target=target, args=about, daemon=True)
    process.start()
    return process


def ask_live(
    url: str, jobs: Sequence[Job], cache: Path, concurrency: int, name: str, told: Path
) -> None:
    """A run by live requests, in a process of its own; writes down what it was told.

    Its name goes with every request, as its key.
    """
    os.environ["OPENAI_API_KEY"] = name
    outcomes, _ = asyncio.run(asked(url, jobs, cache, concurrency=concurrency))
    told.write_text("\n".join(texts(outcomes)), encoding="utf-8")


def ask_by_batch(url: str, jobs: Sequence[Job], cache: Path) -> None:
    """A run by batch, in a process of its own."""
    asyncio.run(batched(url, jobs, cache))


def ask_by_batch_and_die(
    url: str, jobs: Sequence[Job], cache: Path, moment: Moment, lines: int
) -> None:
    """A run by batch that kills itself at its first such moment."""
    when, what = moment
    owner: Any = Cache if what == "put" else Ledger
    method = getattr(owner, what)

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def call(*about: Any) -> Any:
        if when == "before":
            die()
        method(*about)
        die()

    async def wait(*about: Any) -> Any:
        if when == "before":
            die()
        await method(*about)
        die()

    setattr(owner, what, wait if what == "put" else call)
    asyncio.run(batched(url, jobs, cache, pace=pace(most_lines=lines)))
