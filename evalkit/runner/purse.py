"""The money that a run may spend: set aside before a request is sent, settled when it came back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from evalkit.schema import Answer, Failure, Price, Request

AROUND = 64
"""Tokens that a chat template may put around the messages, at most."""

_PERHAPS_BILLED = frozenset({"timeout", "connection", "malformed"})
"""Failures behind which there may be an answer that the server counts. It counts no refusal."""

Outcomes = Sequence[Answer | Failure]


def most_cost(request: Request, price: Price) -> float:
    """Dollars that a request can cost at most: no token is shorter than a byte."""
    return price.of(request.size + AROUND, request.generation.max_tokens)


class Purse:
    """What is left of the money; shared by all that a run asks, in one event loop after another.

    Attributes:
        most: dollars that may be spent.
        spent: dollars that answers took, and failures may have taken.
        assumed: of these, what no server counted: the most that it can have been.
    """

    def __init__(self, most: float, prices: Mapping[str, Price]) -> None:
        """Open it.

        Args:
            most: dollars.
            prices: of every model that is asked.
        """
        self.most = most
        self.spent = 0.0
        self.assumed = 0.0
        self._prices = prices
        self._empty = False
        self._open = 0
        self._set_aside = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._door = asyncio.Lock()
        self._settled = asyncio.Event()

    async def pay(
        self, model: str, requests: Sequence[Request], call: Callable[[], Awaitable[Outcomes]]
    ) -> Outcomes:
        """Make a call if the most that it can cost is there, once what is in flight has come back.

        The first one that cannot be paid empties the purse: what is left would only buy answers
        that the other arm lacks.

        Args:
            model: the arm that is asked.
            requests: what the call sends.
            call: sends them.

        Returns:
            The outcomes of the call, or a failure of kind `budget` for each request.
        """
        price = self._prices[model]
        worst = [most_cost(request, price) for request in requests]
        if not await self._set(sum(worst)):
            return [self._used_up() for _ in requests]
        outcomes: Outcomes = ()
        try:
            outcomes = await call()
            return outcomes
        finally:
            # A call that was broken off may have been answered all the same.
            counted = [_counted(outcome, price) for outcome in outcomes] or [None for _ in worst]
            assumed = [most for most, cost in zip(worst, counted, strict=False) if cost is None]
            self.assumed += sum(assumed)
            self._settle(sum(worst), sum(assumed) + sum(cost or 0.0 for cost in counted))

    async def _set(self, dollars: float) -> bool:
        """Set money aside; False if there is not enough and nothing in flight to wait for."""
        if not dollars:
            return True
        if (loop := asyncio.get_running_loop()) is not self._loop:
            self._loop, self._door, self._settled = loop, asyncio.Lock(), asyncio.Event()
        async with self._door:  # in order of coming
            while not self._empty and self.spent + self._set_aside + dollars > self.most:
                if not self._open:
                    self._empty = True
                    break
                self._settled.clear()
                await self._settled.wait()
            if self._empty:
                return False
            self._open += 1
            self._set_aside += dollars
            return True

    def _used_up(self) -> Failure:
        """Why nothing more is sent."""
        told = (
            f"--max-cost ${self.most:.6g} does not pay for another request at its most: "
            f"${self.spent:.6g} are spent"
        )
        if self.assumed:
            told += (
                f", of which ${self.assumed:.6g} are the most that requests can have cost whose "
                "tokens no server counted"
            )
        return Failure("budget", told)

    def _settle(self, set_aside: float, cost: float) -> None:
        if not set_aside:
            return
        self.spent += cost
        self._open -= 1
        self._set_aside = self._set_aside - set_aside if self._open else 0.0
        self._settled.set()


def _counted(outcome: Answer | Failure, price: Price) -> float | None:
    """What an outcome cost; None if nobody knows."""
    if isinstance(outcome, Failure):
        return None if outcome.kind in _PERHAPS_BILLED else 0.0
    if outcome.prompt_tokens is None or outcome.completion_tokens is None:
        return None
    return price.of(outcome.prompt_tokens, outcome.completion_tokens)
