"""How fast an endpoint may be asked that refuses and tells nowhere what it grants.

What it has granted over the last minute is what it grants. It is asked a little slower than that,
then a little faster and faster, until it refuses again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

SPAN = 60
"""Seconds over which answers are counted: limits are so many a minute."""

BELOW = 0.98
"""Share of what was granted that is asked for after a refusal."""

GROWTH = 0.001
"""Share by which it is asked faster every second: a refusal every half a minute or so tells where
the limit is, and is hardly felt."""

QUIET = 90.0
"""Seconds without a refusal after which the limit seems to have gone."""

FAST = 0.02
"""Growth from then on."""

LEAST = 0.5
"""Share of the most that was ever granted in a minute that is asked for in any case: refusals that
go on below it have another cause."""

MANY = 0.4
"""Share of refusals from which on they are taken for those of a limit. Fewer may come of what other
people ask, and asking more slowly would change nothing."""

ENOUGH = 20
"""Fewer answers in a minute say nothing of a limit: the server has other troubles."""

SMOOTHING = 1 / 32
"""Weight of the newest in that share."""


@dataclass(slots=True)
class Rate:
    """When the next request may go; times are seconds on any clock that only goes forward.

    Requests are numbered as they are sent, so that all that is refused at once is one refusal:
    what was sent before the last one says nothing about the rate since.
    """

    _began: float | None = field(default=None, init=False)
    _granted: deque[tuple[int, int]] = field(
        default_factory=lambda: deque(maxlen=SPAN + 1), init=False
    )
    _refusals: float = field(default=0.0, init=False)
    _limit: float | None = field(default=None, init=False)
    _best: float = field(default=0.0, init=False)
    _grown: float = field(default=0.0, init=False)
    _refused: float = field(default=0.0, init=False)
    _since: int = field(default=0, init=False)
    _next: float = field(default=float("-inf"), init=False)

    def answered(self, now: float) -> None:
        """Count what was granted."""
        self._refusals -= self._refusals * SMOOTHING
        second, count = int(now // 1), 1
        if self._granted and self._granted[-1][0] == second:
            count += self._granted.pop()[1]
        self._granted.append((second, count))

    def refused(self, order: int, sent: int, now: float) -> None:
        """A request was refused.

        Args:
            order: its number.
            sent: number of the request that is sent next.
            now: the present.
        """
        self._refusals += (1 - self._refusals) * SMOOTHING
        by_limit = self._limit is not None or self._refusals > MANY
        if not by_limit or order < self._since:
            return
        count = sum(count for second, count in self._granted if second > now // 1 - SPAN)
        if self._began is None or count < ENOUGH:
            return
        span = min(SPAN, max(1.0, now - self._began))
        if span == SPAN:
            self._best = max(self._best, count / span)
        self._limit = max(BELOW * count / span, LEAST * self._best)
        self._grown = self._refused = now
        self._since = sent

    def wait(self, now: float) -> float:
        """Seconds until a request may be sent."""
        return max(0.0, self._next - now)

    def sent(self, now: float) -> None:
        """A request is sent."""
        if self._began is None:
            self._began = now
        if self._limit is None:
            return
        growth = GROWTH if now - self._refused < QUIET else FAST
        self._limit *= (1 + growth) ** (now - self._grown)
        self._grown = now
        # One may go at once after a while in which none went: the clock of a loop is not that fine.
        self._next = max(self._next, now - 1 / self._limit) + 1 / self._limit
