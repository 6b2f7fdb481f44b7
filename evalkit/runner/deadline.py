"""When time is up: a moment on `time.monotonic`, infinity for never."""

from __future__ import annotations

import time
from math import inf


def deadline_in(seconds: float | None) -> float:
    """The moment that is so many seconds away; never for None."""
    return inf if seconds is None else time.monotonic() + seconds


def seconds_until(deadline: float) -> float | None:
    """How long it is until then, at least 0; None if that is never."""
    return None if deadline == inf else max(0.0, deadline - time.monotonic())
