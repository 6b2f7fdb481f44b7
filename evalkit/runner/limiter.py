"""The one door of an endpoint: everything that is sent to it goes through here, one after another.

It opens as wide as the server keeps up with (`Width`), evenly (`Pace`), as fast as the server says
that it grants (`Meter`) or turns out to (`Rate`), and not at all while the server wants rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from evalkit.models import Allowance
from evalkit.runner.deadline import wait_for
from evalkit.runner.meter import Meter
from evalkit.runner.pace import Pace
from evalkit.runner.rate import Rate
from evalkit.runner.width import Width
from evalkit.schema import Answer, Failure, Request

CHARACTERS = 4
"""Characters of prompt that make about one token, as OpenAI counts them before it has counted."""

LONG = 5.0
"""Seconds of waiting that a person wants to know about."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Leave to send one call.

    Attributes:
        order: its number, in order of sending.
        requests: how many requests it holds.
        tokens: how many tokens they may take.
        paced: seconds it was held back because of what the server grants.
    """

    order: int
    requests: int
    tokens: int
    paced: float


class Limiter:
    """The door, within one event loop."""

    def __init__(self, ceiling: int, *, deadline: float, on_wait: Callable[[float], None]) -> None:
        """Open it.

        Args:
            ceiling: calls in flight at most.
            deadline: on the event loop's clock; nothing is let in after it.
            on_wait: told the seconds of every long wait, when it begins.
        """
        self.width = Width(ceiling)
        self._pace = Pace()
        self._rate = Rate()
        self._deadline = deadline
        self._on_wait = on_wait
        self._announced = 0.0
        self._paused_until = 0.0
        self._meters: dict[str, Meter] = {}
        self._sent = self._open = self._requests = self._tokens = 0
        self._door = asyncio.Lock()
        self._left = asyncio.Event()

    async def enter(self, requests: Sequence[Request]) -> Turn | None:
        """Wait for leave to send.

        Returns:
            The turn, to be handed to `leave`; None if there is none to be had before the deadline.
        """
        tokens = sum(most_tokens(request) for request in requests)
        paced = 0.0
        if spread := self._pace.delay(self.width.limit, _now()):
            await asyncio.sleep(spread)
        async with self._door:  # in order of coming; only the first in line watches
            while (now := _now()) < self._deadline:
                delay = self._delay(len(requests), tokens, now)
                if not delay and self._open < self.width.limit:
                    break
                if not self._open and now + delay > self._deadline:
                    return None
                self._announce(now, delay)
                await wait_for(self._left, min(delay or float("inf"), self._deadline - now))
                paced += _now() - now if delay else 0.0
            else:
                return None
            turn = Turn(self._sent, len(requests), tokens, paced)
            self._rate.sent(now)
            self._sent += 1
            self._open += 1
            self._requests += turn.requests
            self._tokens += turn.tokens
            return turn

    def leave(
        self, turn: Turn, outcomes: Iterable[Answer | Failure], allowances: Iterable[Allowance]
    ) -> None:
        """A call came back, or was given up.

        Args:
            turn: its leave.
            outcomes: what came of it; empty if nothing is known.
            allowances: what the server said last about its limits.
        """
        self._open -= 1
        self._requests -= turn.requests
        self._tokens -= turn.tokens
        now = _now()
        for told in allowances:
            meter = self._meters.setdefault(told.resource, Meter(told, now, turn.order))
            meter.tell(told, now, turn.order)
        for outcome in outcomes:
            if isinstance(outcome, Answer):
                self.width.answered(outcome, turn.order, self._sent)
                self._pace.answered(outcome)
                self._rate.answered(now)
            elif outcome.kind in {"rate_limit", "timeout"}:
                self.width.congested(turn.order, self._sent)
                if outcome.kind == "rate_limit" and not self._told(turn, now):
                    self._rate.refused(turn.order, self._sent, now)
        self._left.set()

    def pause(self, seconds: float) -> None:
        """Let nothing in for so long: the server named a time, and it holds for everybody."""
        self._paused_until = max(self._paused_until, _now() + seconds)

    def _delay(self, requests: int, tokens: int, now: float) -> float:
        """Seconds for which nothing of this size may be sent, however little is in flight."""
        costs = {"requests": (requests, self._requests), "tokens": (tokens, self._tokens)}
        return max(self._paused_until - now, self._rate.wait(now), self._metered(costs, now))

    def _told(self, turn: Turn, now: float) -> bool:
        """Whether a refusal follows from what the server says that it grants."""
        costs = {"requests": (turn.requests, 0), "tokens": (turn.tokens, 0)}
        return self._metered(costs, now) > 0

    def _metered(self, costs: Mapping[str, tuple[int, int]], now: float) -> float:
        """Seconds until the server grants so much: resource -> the cost, and what is in flight."""
        waits = (meter.wait(*costs[name], now) for name, meter in self._meters.items())
        return max(waits, default=0.0)

    def _announce(self, now: float, delay: float) -> None:
        """Say once of each long wait that it is one."""
        if delay >= LONG and now + delay > self._announced + LONG:
            self._announced = now + delay
            self._on_wait(delay)


def _now() -> float:
    """Seconds on the event loop's clock, which is `time.monotonic` unless a test brings its own."""
    return asyncio.get_running_loop().time()


def most_tokens(request: Request) -> int:
    """The most tokens that a request may take, about: its prompt and its longest answer."""
    return request.characters // CHARACTERS + request.generation.max_tokens
