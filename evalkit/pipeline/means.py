"""What all the asking of a run shares: whom it tells, its money and its time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import inf

from evalkit.runner import Observer, Purse


@dataclass(frozen=True, slots=True)
class Means:
    """One for the whole run: arms, judges, batches and checkpoints draw on the same.

    Attributes:
        observer: is told of everything that happens; None tells nobody.
        purse: pays for every request; None pays whatever it costs.
        end: when the time is up, on `time.monotonic`.
    """

    observer: Observer | None = None
    purse: Purse | None = None
    end: float = inf

    @property
    def seconds(self) -> float | None:
        """What is left of the time; None if there is no limit."""
        return None if self.end == inf else max(0.0, self.end - time.monotonic())


def end_of(max_seconds: float | None) -> float:
    """When time that begins now is up."""
    return inf if max_seconds is None else time.monotonic() + max_seconds
