"""How closely requests may follow each other.

Answers to requests that were sent together come together, and are dealt with together: the event
loop shares the processor among them, so that each takes as long as all of them, and so do the
requests that follow. A crowd stays a crowd for the whole run, and every wave of answers finds the
wire empty while it is dealt with. Spread evenly, none waits for another.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from evalkit.schema import Answer

GAIN = 1.25
"""Requests may follow each other so many times as fast as answers come, so that pacing takes
crowds apart but never holds the whole back. The kernel's TCP paces alike, by 1.2."""

TOGETHER = 4
"""So many may go at once: an event loop cannot wait for less than a millisecond."""

LONGEST = 0.005
"""Seconds between two requests at most: time to deal with one answer, with room to spare. Where
answers take minutes, spreading them over minutes would only keep the server waiting."""

SMOOTHING = 1 / 8
"""Weight of the newest answer, as for the round-trip time of TCP (RFC 6298)."""


@dataclass(slots=True)
class Pace:
    """When the next request may go; times are seconds on any clock that only goes forward."""

    _seconds: float | None = field(default=None, init=False)
    _next: float = field(default=float("-inf"), init=False)

    def answered(self, answer: Answer) -> None:
        """Take in how long an answer took."""
        if answer.seconds is None:
            return
        if self._seconds is None:
            self._seconds = answer.seconds
        self._seconds += (answer.seconds - self._seconds) * SMOOTHING

    def delay(self, width: int, now: float) -> float:
        """Seconds to wait before one more request is sent, whose place is taken by this call.

        Args:
            width: requests that may be in flight.
            now: the present.
        """
        if self._seconds is None:
            return 0.0
        gap = min(LONGEST, self._seconds / (width * GAIN))
        self._next = max(self._next, now - TOGETHER * gap) + gap
        return max(0.0, self._next - now)
