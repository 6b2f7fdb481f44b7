"""What all the asking of a run shares: whom it tells, its money and its time."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from evalkit.runner import Observer, Purse, Say, say, seconds_until, silent


@dataclass(frozen=True, slots=True)
class Means:
    """One for the whole run: arms, judges, batches and checkpoints draw on the same.

    Attributes:
        observer: is told of everything that happens; None tells nobody.
        purse: pays for every request; None pays whatever it costs.
        deadline: when the time is up, on `time.monotonic`.
    """

    observer: Observer | None = None
    purse: Purse | None = None
    deadline: float = inf

    @property
    def seconds(self) -> float | None:
        """What is left of the time; None if there is no limit."""
        return seconds_until(self.deadline)

    @property
    def say(self) -> Say:
        """Takes a line for a person, if anybody is told anything."""
        return silent if self.observer is None else say
