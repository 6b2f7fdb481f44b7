"""How many requests an endpoint gets at a time: more while it keeps up, half when it does not.

Additive increase, multiplicative decrease (Chiu and Jain, 1989), in rounds of as many answers as
may be in flight.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from evalkit.schema import Answer

STEP = 8
"""The ceiling is divided by this: what a good round adds, and the floor."""

RISE = 2.0
"""Answers that take so many times what they took in the rounds before say: too much."""

SHORTEST = 8
"""A round has at least so many answers: the median of fewer says little."""


@dataclass(slots=True)
class Width:
    """The number of requests that may be in flight; see `limit`.

    It starts at its ceiling, which the user chose. Requests are numbered as they are sent, so that
    all the trouble of one round costs one halving: whatever was sent before the last halving says
    nothing about the width since.

    Attributes:
        ceiling: never more than this.
        limit: calls in flight at most, now.
        halvings: how often it was halved.
    """

    ceiling: int
    limit: int = field(init=False)
    halvings: int = field(default=0, init=False)
    _since: int = field(default=0, init=False)
    _round: list[tuple[float, int]] = field(default_factory=list, init=False)
    _usual: tuple[float, float] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Start wide."""
        self.limit = self.ceiling

    @property
    def floor(self) -> int:
        """Never fewer than this: a few slow requests must not hold up all others."""
        return max(1, self.ceiling // STEP)

    def congested(self, order: int, sent: int) -> None:
        """The server said 429 or nothing at all to a request.

        Args:
            order: number of that request.
            sent: number of the request that is sent next.
        """
        if order >= self._since:
            self._halve(sent)

    def answered(self, answer: Answer, order: int, sent: int) -> None:
        """An answer came; at the end of a round, widen or halve.

        Rising latency alone may be longer answers, and rising seconds a token shorter ones; both
        together at about the same width mean that the server gets less done.
        """
        if order < self._since or answer.seconds is None:
            return
        self._round.append((answer.seconds, answer.completion_tokens or 1))
        if len(self._round) < max(SHORTEST, self.limit):
            return
        seconds = sum(taken for taken, _ in self._round)
        tokens = sum(max(1, count) for _, count in self._round)
        now = (median(taken for taken, _ in self._round), seconds / tokens)
        self._round.clear()
        if self._usual is None:
            self._usual = now
        if all(value > RISE * usual for value, usual in zip(now, self._usual, strict=True)):
            self._halve(sent)
            return
        self._usual = ((self._usual[0] + now[0]) / 2, (self._usual[1] + now[1]) / 2)
        self.limit = min(self.ceiling, self.limit + max(1, self.ceiling // STEP))

    def _halve(self, sent: int) -> None:
        self.limit = max(self.floor, self.limit // 2)
        self.halvings += 1
        self._since = sent
        self._round.clear()
        self._usual = None
