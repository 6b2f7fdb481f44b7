"""Until when: a moment on `time.monotonic`, infinity for never; or until something happens."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from math import inf


def deadline_in(seconds: float | None) -> float:
    """The moment that is so many seconds away; never for None."""
    return inf if seconds is None else time.monotonic() + seconds


def seconds_until(deadline: float) -> float | None:
    """How long it is until then, at least 0; None if that is never."""
    return None if deadline == inf else max(0.0, deadline - time.monotonic())


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Wait until an event happens once more, or so long."""
    event.clear()
    with suppress(TimeoutError):
        async with asyncio.timeout(None if seconds == inf else seconds):
            await event.wait()
