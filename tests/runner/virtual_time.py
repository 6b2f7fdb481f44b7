"""An event loop that never waits: where nothing is to be done until later, it is later at once.

For what has to do with seconds and nothing with sockets. A busy machine changes nothing in it.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


STEP = 1e-6
"""Seconds that every round of the loop takes, so that no wait is too short to end."""


class _Skipping(selectors.DefaultSelector):
    """Takes note of the waiting time instead of waiting."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        self.skipped += STEP
        if not found:
            assert timeout is not None, "everybody waits for ever"
            self.skipped += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its clock is the sum of all waits."""

    def __init__(self) -> None:
        self.skipping = _Skipping()
        super().__init__(self.skipping)

    def time(self) -> float:
        return self.skipping.skipped


def run_at_once(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """`asyncio.run` on a clock that starts at 0 and shows only what was waited for."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)


def work_for(seconds: float) -> None:
    """Keep the processor busy for so long, during which nothing else is done."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.skipping.skipped += seconds
