"""What a server that counts requests or tokens would still grant, between two of its replies."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.models import Allowance

TELLING = 0.05
"""Share of the limit that must have been used between two replies before they are compared."""


@dataclass(slots=True)
class Meter:
    """One resource of one endpoint. Times are seconds on any clock that only goes forward.

    Servers count in one of two ways, and don't say which: a window that starts anew at a fixed
    time, or a bucket that refills all the while. `reset` tells: in a window it falls as time goes
    by, in a bucket it follows what is used. Until that is known it counts as a window, which never
    asks for more than there is.

    Attributes:
        told: what the server said last.
        at: when.
        order: number of the request it said it to.
        refills: whether it is a bucket.
    """

    told: Allowance
    at: float
    order: int
    refills: bool = False
    _anchor: tuple[Allowance, float] | None = None

    def tell(self, told: Allowance, at: float, order: int) -> None:
        """Take in a reply, unless it answers an older request than the last one did."""
        if order < self.order:
            return
        self._learn(told, at)
        self.told, self.at, self.order = told, at, order

    def left(self, now: float) -> float:
        """How much would be granted now, requests in flight not counted."""
        elapsed = now - self.at
        if elapsed >= self.told.reset:
            return self.told.limit
        if not self.refills:
            return self.told.remaining
        used = self.told.limit - self.told.remaining
        return self.told.remaining + used * elapsed / self.told.reset

    def wait(self, cost: float, pending: float, now: float) -> float:
        """Seconds until a request may be sent.

        Args:
            cost: what it takes of the resource, as far as is known.
            pending: what the requests in flight take.
            now: the present.
        """
        # What is more than everything can only be tried when everything is there.
        needed = min(cost + pending, self.told.limit)
        left = self.left(now)
        if left >= needed:
            return 0.0
        until_full = self.told.reset - (now - self.at)
        if not self.refills:
            return until_full
        return until_full * (needed - left) / (self.told.limit - left)

    def _learn(self, told: Allowance, at: float) -> None:
        """Compare with an earlier reply: which way of counting foretells this reset better?"""
        if self._anchor is None:
            self._anchor = (self.told, self.at)
        earlier, then = self._anchor
        used, before = told.limit - told.remaining, earlier.limit - earlier.remaining
        elapsed = at - then
        if told.limit != earlier.limit or not before or elapsed >= earlier.reset:
            self._anchor = (told, at)
            return
        if abs(used - before) < TELLING * told.limit:
            return
        as_bucket = abs(told.reset - earlier.reset * used / before)
        as_window = abs(told.reset - (earlier.reset - elapsed))
        self.refills = as_bucket < as_window
        self._anchor = (told, at)
